"""Which paintings are measured, in which order, and what each should reach. Plain data; knows no torch.

The first pass paints one picture at a time in every way, the most telling first, so that a run that is cut short has
what matters; later passes do the same with batches. Rows of one setup stand side by side, because setting one up
builds (and with the compiled rungs compiles) everything anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

STOCK_RUNGS = ("eager", "compiled")
BATCHES = (1, 8, 4, 2)
TIMES_FASTER: Mapping[tuple[str, str], float] = MappingProxyType(
    {("multi", "reference"): 1.5, ("multi", "quality"): 2.5, ("union", "quality"): 4.0}
)
"""How many times faster than stock eager at the same batch, by layout and plan, an H200 should paint."""
BASELINE = "stock/eager"
COMPILED = "stock/compiled"


@dataclass(frozen=True, slots=True)
class Setup:
    """Models held in one way: `who` is `stock`, `stock-union` or one of `LAYOUTS`, `rung` how they are compiled."""

    who: str
    rung: str

    @property
    def stock(self) -> bool:
        """Whether diffusers' pipeline paints."""
        return self.who.startswith("stock")

    @property
    def layout(self) -> str:
        """One of `LAYOUTS`."""
        return "union" if "union" in self.who else "multi"


@dataclass(frozen=True, slots=True)
class Case:
    """One painting to measure: a setup, a sampling plan (`reference` for stock) and a batch."""

    setup: Setup
    plan: str
    batch: int

    @property
    def name(self) -> str:
        """The row's name, such as `stock/eager/1` or `multi/quality/full/4`."""
        middle = () if self.setup.stock else (self.plan,)
        return "/".join((self.setup.who, *middle, self.setup.rung, str(self.batch)))

    @property
    def counted_as(self) -> tuple[str, str]:
        """Cases that agree here do the same work for a picture."""
        return self.setup.who, self.plan

    def target(self, medians: Mapping[str, float]) -> float | None:
        """Seconds a picture it should not exceed, from what stock took in this run.

        Ours at equal maths should also not be behind stock compiled, where that was measured before.
        """
        stock_s = medians.get(f"{BASELINE}/{self.batch}")
        faster = TIMES_FASTER.get((self.setup.who, self.plan))
        if stock_s is None or faster is None:
            return None
        limits = [stock_s / faster]
        if self.plan == "reference":
            limits += [medians[name] for name in (f"{COMPILED}/{self.batch}",) if name in medians]
        return min(limits)


def cases() -> Iterator[Case]:
    """Every case once, in the order they are measured."""
    for batch in BATCHES:
        for setup in _setups():
            plans = ("reference",) if setup.stock else ("reference", "quality")
            yield from (Case(setup, plan, batch) for plan in plans)


def _setups() -> Iterator[Setup]:
    yield Setup("stock", "eager")
    yield from (Setup(layout, "eager") for layout in ("multi", "union"))
    yield Setup("stock", "compiled")
    yield from (Setup(layout, "full") for layout in ("multi", "union"))
    yield from (Setup(layout, "regional") for layout in ("multi", "union"))
    yield Setup("stock-union", "eager")
