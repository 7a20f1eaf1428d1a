"""`playground`: only the loopback Bot API server and its chat page, for a bot of any library."""

from __future__ import annotations

import argparse

from bot.settings import load_settings

LARGEST_PORT = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where it listens and what it answers to."""
    parser.add_argument("--port", type=_port, metavar="P", help="port; PLAYGROUND__PORT without it, 0 takes a free one")
    parser.add_argument("--host", metavar="H", help="address; loopback unless --expose is given")
    parser.add_argument("--token", metavar="T", help="the bot's token; a fixed fake one without it")
    parser.add_argument("--fresh", action="store_true", help="forget all chats and files first; ids go on counting")
    parser.add_argument("--expose", action="store_true", help="allow an address that other machines can reach")
    parser.add_argument("--no-flood", action="store_true", help="do not imitate Telegram's flood limits")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from bot.neighbour import page_font, refusals_explained
    from bot.playground.serve import TOKEN, Playground, run_forever

    settings = load_settings()
    host = arguments.host or settings.playground.host
    port = settings.playground.port if arguments.port is None else arguments.port
    token = arguments.token or TOKEN
    with refusals_explained(host, port):
        playground = Playground(
            settings.playground_folder(),
            host=host,
            port=port,
            token=token,
            fresh=arguments.fresh,
            expose=arguments.expose,
            font=page_font(),
            flood=not arguments.no_flood,
        )
        run_forever(playground, lambda url: _introduce(url, token))
    return 0


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LARGEST_PORT:
        message = f"must be 0 to {LARGEST_PORT}"
        raise argparse.ArgumentTypeError(message)
    return number


def _introduce(url: str, token: str) -> None:
    print(f"playground: {url}", flush=True)
    print(f"a bot talks to it with BOT_API_URL={url.rstrip('/')} BOT_TOKEN={token}", flush=True)
