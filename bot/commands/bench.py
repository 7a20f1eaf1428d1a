"""`bench`: measured figures, as a table for people or as JSON. Each suite is a module in `bot.bench` with `run()`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence

from generation.contracts.errors import EngineUnavailable

SUITES = {
    "painter": "seconds a picture for each style of the CPU painter",
    "conditioning": "each conditioning method at 1024x1024, and all kinds in parallel",
    "queue": "positions and ETA of ten thousand waiting words",
    "cache": "a picture looked up among a million rows",
    "bot": "start-up time and idle memory of the real process",
}
NEEDS_DIFFUSION = ("diffusion", "flops", "legibility")

Row = Mapping[str, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which suite, and how to print it."""
    suites = "; ".join(f"{name}: {what}" for name, what in SUITES.items())
    parser.add_argument("suite", choices=(*SUITES, *NEEDS_DIFFUSION), metavar="SUITE", help=suites)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Raises:
        EngineUnavailable: a suite that measures what this version does not have.
    """
    if arguments.suite in NEEDS_DIFFUSION:
        reason = f"the suite `{arguments.suite}` measures what this version does not have yet"
        raise EngineUnavailable(engine="diffusion", reason=reason)
    print(f"measuring {SUITES[arguments.suite]} ...", file=sys.stderr)
    rows = importlib.import_module(f"bot.bench.{arguments.suite}").run()
    if arguments.json:
        print(json.dumps({"suite": arguments.suite, "machine": machine(), "rows": list(rows)}, ensure_ascii=False))
    else:
        _print_table(arguments.suite, rows)
    return 0


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _print_table(suite: str, rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{suite} on {machine()['cores']} cores, Python {machine()['python']}")
    for heading in ("name", "value", "unit", "target", "baseline", "ratio"):
        table.add_column(heading, justify="right" if heading in {"value", "target", "ratio"} else "left")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in ("name", "value", "unit", "target", "baseline", "ratio")))
    Console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
