"""`run`: the bot itself. Telegram with BOT_TOKEN set, the playground without."""

from __future__ import annotations

import argparse
import asyncio

from bot.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a start may ask for beside the settings."""
    parser.add_argument("--fresh", action="store_true", help="playground only: forget all chats, orders and pictures")


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop; the settings come from the environment and `.env`."""
    settings = load_settings()
    from bot.app import run_bot

    return asyncio.run(run_bot(settings, fresh=arguments.fresh))
