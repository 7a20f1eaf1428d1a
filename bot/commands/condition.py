"""`condition`: one control image of a word, as a ControlNet would get it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from generation.contracts.request import KINDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The word, the kind and the method."""
    from bot.commands.word_options import add_word_arguments

    add_word_arguments(parser)
    parser.add_argument("--kind", required=True, metavar="K", help=f"one of {', '.join(KINDS)}")
    # A name of its own: the request reads `method` as `paint`'s list of KIND=M.
    parser.add_argument(
        "--method", dest="chosen_method", metavar="M", help="conditioning method; the kind's first one without it"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="F.png", help="the control image")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make it, write it, name the method used."""
    from bot.commands.word_options import request_from, write_file
    from generation.conditioning import make
    from generation.encode import png
    from generation.glyphs import FontBook, write

    request = request_from(arguments)
    fonts = FontBook([arguments.fonts] if arguments.fonts else [])
    writing = write(request.word, language=request.language, width=request.width, height=request.height, fonts=fonts)
    control = make(arguments.kind, writing, seed=request.seed, method=arguments.chosen_method)
    write_file(arguments.out, png(control.image, {}))
    done = {"word": request.word, "kind": control.kind, "method": control.method, "out": str(arguments.out)}
    print(json.dumps(done, ensure_ascii=False) if arguments.json else arguments.out)
    return 0
