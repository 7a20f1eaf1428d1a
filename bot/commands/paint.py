"""`paint`: one picture from the command line. No Telegram, no database; needs only `generation`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from generation.contracts.events import EngineEvent, Step
from generation.contracts.picture import Picture, Rgb, Writing
from generation.contracts.ports import Engine
from generation.contracts.request import KINDS, WRITINGS, PaintRequest
from generation.styles import STYLES

if TYPE_CHECKING:
    from generation.glyphs import FontBook

QUIET_S = 2.0
"""Work shorter than this needs no progress line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything a request can say."""
    from bot.commands.word_options import add_word_arguments
    from bot.engines import ENGINES
    from generation.diffusion.plans import PLANS

    add_word_arguments(parser)
    parser.add_argument("translation", nargs="?", metavar="TRANSLATION", help="its meaning")
    parser.add_argument("--style", default="ink", metavar="STYLE", help=f"one of {', '.join(STYLES)}")
    parser.add_argument("--engine", default="auto", metavar="E", help=f"one of {', '.join(ENGINES)}")
    parser.add_argument("--out", type=Path, required=True, metavar="F.png", help="the picture")
    plans = "; ".join(f"{plan.name} is {plan.summary}" for plan in PLANS.values()).replace("%", "%%")
    parser.add_argument("--plan", metavar="P", help=f"sampling plan (diffusion). {plans}")
    parser.add_argument("--steps", type=int, metavar="N", help="sampler steps (diffusion)")
    parser.add_argument("--guidance", type=float, metavar="G", help="classifier-free guidance (diffusion)")
    parser.add_argument("--weight", action="append", default=[], metavar="KIND=W", help="conditioning scale, 0 to 2")
    parser.add_argument("--method", action="append", default=[], metavar="KIND=M", help="conditioning method")
    parser.add_argument("--writing", default="sans", choices=WRITINGS, help="how the glyphs are drawn")
    parser.add_argument("--prompt", metavar="TEMPLATE", help="prompt template with {meaning}, {word}, {script}")
    parser.add_argument("--parts", type=Path, metavar="DIR", help="also write base, mask and each control image")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Paint, write, report."""
    from bot.commands.word_options import request_from, write_file
    from bot.engines import engine_named
    from generation.glyphs import FontBook
    from generation.pipeline import Pipeline

    request = request_from(arguments)
    engine = engine_named(arguments.engine, plan=arguments.plan)
    _say_what_is_unused(arguments, engine)
    fonts = FontBook([arguments.fonts] if arguments.fonts else [])
    picture = Pipeline(fonts).paint_one(request, engine, on_event=_Progress())
    write_file(arguments.out, picture.png)
    if arguments.parts:
        _write_parts(arguments.parts, request, fonts)
    report = _report(request, picture, arguments.out) | _plan(engine)
    print(json.dumps(report, ensure_ascii=False) if arguments.json else arguments.out)
    return 0


class _Progress:
    """A progress line on stderr, once it takes long enough to wonder."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def __call__(self, event: EngineEvent) -> None:
        if isinstance(event, Step) and time.monotonic() - self._began_s > QUIET_S:
            print(f"painting: {event.step} of {event.steps}", file=sys.stderr)


def _say_what_is_unused(arguments: argparse.Namespace, engine: Engine) -> None:
    """Options the engine cannot heed are named instead of silently dropped."""
    if engine.needs:
        return
    unused = [name for name in ("plan", "steps", "guidance") if getattr(arguments, name) is not None]
    unused += ["weight"] * bool(arguments.weight) + ["method"] * bool(arguments.method and not arguments.parts)
    for name in unused:
        print(f"note: the {engine.name} engine has no use for --{name}", file=sys.stderr)


def _report(request: PaintRequest, picture: Picture, out: Path) -> dict[str, object]:
    return {
        "word": request.word,
        "translation": request.translation,
        "language": request.language,
        "style": request.style,
        "seed": request.seed,
        "engine": picture.engine,
        "engine_version": picture.engine_version,
        "size": [picture.width, picture.height],
        "prompt": picture.prompt,
        "methods": dict(picture.methods),
        "weights": dict(picture.weights),
        "seconds": {stage: round(seconds, 4) for stage, seconds in picture.seconds.items()},
        "box": list(picture.box),
        "legibility": {name: round(value, 4) for name, value in picture.legibility.items()},
        "cached": False,
        "out": str(out),
    }


def _plan(engine: Engine) -> dict[str, object]:
    """How it was sampled, of an engine that has plans."""
    told = engine.diagnostics()
    return {"plan": told["plan"], "approximate": told["plan_approximate"]} if "plan" in told else {}


def _write_parts(folder: Path, request: PaintRequest, fonts: FontBook) -> None:
    """The writing black on white, its mask, and one control image a kind."""
    from bot.commands.word_options import write_file
    from generation.conditioning import make_all
    from generation.encode import png
    from generation.glyphs import write

    writing = write(request.word, language=request.language, width=request.width, height=request.height, fonts=fonts)
    control = make_all(KINDS, writing, seed=request.seed, methods=dict(request.methods))
    images: dict[str, Rgb] = {"base": _gray_as_rgb(writing, invert=True), "mask": _gray_as_rgb(writing, invert=False)}
    images |= {kind: image.image for kind, image in control.items()}
    for name, image in images.items():
        write_file(folder / f"{name}.png", png(image, {}))


def _gray_as_rgb(writing: Writing, *, invert: bool) -> Rgb:
    mask = 255 - writing.mask if invert else writing.mask
    return mask[..., None].repeat(3, axis=2)
