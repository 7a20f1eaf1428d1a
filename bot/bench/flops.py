"""TFLOP a picture: 1024x1024, 30 steps, guidance 7.5, four weights that are not zero; ours and diffusers' own loop.

Ours is counted by torch's counter over full-size models without weights, driven by the real loop; stock by the
forwards its real pipeline makes, counted with hooks on tiny models, times what a forward costs at full size. A CPU is
enough. Below each figure stand the rows that passed the UNet and each net: guidance sends two through for each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from bot.bench.choice import chosen
from bot.bench.needs import LIBRARIES, need_diffusion
from bot.bench.options import Options
from bot.bench.rows import Row, row
from generation.contracts.request import KINDS
from generation.diffusion.config import LAYOUTS
from generation.diffusion.plans import PLANS

if TYPE_CHECKING:
    from generation.diffusion.measuring.counting import Counting, Picture

STOCK_EXPECTED = 1140.0
"""About what arithmetic over published figures gives for the stock pipeline: near it, the way of counting is right."""
TARGETS = {"multi/reference": 1130.0, "multi/quality": 770.0, "union/quality": 450.0}
NETS = (*KINDS, "union")
NAMES = ("stock", "stock-union", *(f"{layout}/{plan}" for layout in LAYOUTS for plan in PLANS))


def rows(options: Options) -> Iterator[Row]:
    """Rows `stock`, `stock-union` and `<layout>/<plan>`, each followed by its forwards.

    Raises:
        EngineUnavailable: torch or diffusers is not installed.
        BadSettings: a row asked for does not exist.
    """
    wanted = chosen(options.rows, NAMES)
    need_diffusion()
    from generation.diffusion.measuring import counting as models

    counting = models.Counting(tiny=options.tiny, steps=options.steps, side_px=options.side_px)
    stock = cache(lambda: counting.stock("multi"))
    for name in filter(wanted, NAMES):
        picture = stock() if name == "stock" else _counted(counting, name)
        yield _figure(name, picture, stock().tflop, reduced=options.reduced)
        yield from _forwards(name, picture)


def machine(options: Options) -> dict[str, object]:
    """The libraries that count; whatever runs on a device is shapes only.

    Raises:
        EngineUnavailable: one of them is not installed.
    """
    need_diffusion()
    del options  # the same for all of them
    return {name: version(name) for name in LIBRARIES}


def _counted(counting: Counting, name: str) -> Picture:
    first, _, plan = name.partition("/")
    return counting.ours(first, PLANS[plan]) if plan else counting.stock("union")


def _figure(name: str, picture: Picture, baseline: float, *, reduced: bool) -> Row:
    """What is expected and aimed at is about one piece of work; of any other there is nothing to expect."""
    if reduced:
        return row(name, picture.tflop, "TFLOP", baseline=baseline)
    expected = {"expected": STOCK_EXPECTED} if name == "stock" else {}
    return row(name, picture.tflop, "TFLOP", target=TARGETS.get(name), baseline=baseline) | expected


def _forwards(name: str, picture: Picture) -> Iterator[Row]:
    for part in (*NETS, "unet"):
        if part in picture.rows:
            yield row(f"{name}: {part}", picture.rows[part], "rows")
    embedded = sum(rows for part, rows in picture.rows.items() if part.startswith("condition "))
    yield row(f"{name}: control images embedded", embedded, "rows")
