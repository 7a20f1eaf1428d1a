"""`python -m bot`: the bot itself without a subcommand, and the tools around it with one.

Subcommands are imported only when asked for, so that `paint` starts without aiogram, SQLAlchemy or a web server.

Exit codes: 0 done; 1 it was tried and failed; 2 what was asked for is wrong; 3 not possible with this version or
machine; 70 start me again (the server cannot be reached, or a painting thread did not come back); 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from bot.version import version_of_wordbrush
from generation.contracts.errors import (
    BotServerUnreachable,
    EngineUnavailable,
    OperatorError,
    RequestRefused,
    WordbrushError,
    WordRefused,
)

COMMANDS = {
    "run": "run the bot (the default): Telegram with BOT_TOKEN set, the playground without",
    "paint": "paint one word into a file",
    "condition": "make one control image of a word",
    "playground": "only the loopback Bot API server and its chat page, for any bot",
    "models": "model weights: fetch, list, verify",
    "doctor": "what works on this machine, what does not, and what mends it",
    "bench": "measured figures",
}
FAILED, WRONG, UNAVAILABLE, RESTART, INTERRUPTED = 1, 2, 3, 70, 130


class Command(Protocol):
    """What each module in `bot.commands` offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code. May raise any `WordbrushError`."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every expected failure is one line on stderr."""
    given = _with_command(sys.argv[1:] if argv is None else argv)
    name = given[0] if given[0] in COMMANDS else "run"
    command = cast("Command", importlib.import_module(f"bot.commands.{name}"))
    arguments = _parser(name, command).parse_args(given)
    try:
        return command.run(arguments)
    except WordbrushError as error:
        print(f"error: {error}", file=sys.stderr)
        return _exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _with_command(given: Sequence[str]) -> list[str]:
    """Without a subcommand the bot runs; options alone are the bot's."""
    about_all = {"-h", "--help", "--version"}
    if not given or (given[0].startswith("-") and given[0] not in about_all):
        return ["run", *given]
    return list(given)


def _parser(chosen: str, command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Wordbrush: a word becomes its picture.")
    parser.add_argument("--version", action="version", version=f"wordbrush {version_of_wordbrush()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == chosen:
            command.add_arguments(subparser)
    return parser


def _exit_code(error: WordbrushError) -> int:
    if isinstance(error, EngineUnavailable):
        return UNAVAILABLE
    if isinstance(error, BotServerUnreachable):
        return RESTART  # nothing is wrong here; the network may be back in a minute
    return WRONG if isinstance(error, (WordRefused, RequestRefused, OperatorError)) else FAILED


def _exit() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    _exit()
