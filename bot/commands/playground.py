"""`playground`: only the loopback Bot API server and its chat page, for a bot of any library."""

from __future__ import annotations

import argparse

from bot.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where it listens and what it answers to."""
    parser.add_argument("--port", type=int, metavar="P", help="port; PLAYGROUND__PORT without it, 0 takes a free one")
    parser.add_argument("--host", metavar="H", help="address; loopback unless --expose is given")
    parser.add_argument("--token", metavar="T", help="the bot's token; a fixed fake one without it")
    parser.add_argument("--fresh", action="store_true", help="forget all chats, files and ids first")
    parser.add_argument("--expose", action="store_true", help="allow an address that other machines can reach")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from bot.playground.serve import run_forever

    settings = load_settings()
    return run_forever(
        settings.storage.folder / "playground",
        host=arguments.host or settings.playground.host,
        port=settings.playground.port if arguments.port is None else arguments.port,
        token=arguments.token,
        fresh=arguments.fresh,
        expose=arguments.expose,
    )
