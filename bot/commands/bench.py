"""`bench`: measured figures, as a table for people or as JSON. Each suite is a module in `bot.bench`.

A suite is `run()`, which gives all rows at once, or `rows(options)`, which gives each as it is measured; those are also
written to stderr, and to the file of `--out`, the moment they are there, so that a run cut short keeps what it has.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from bot.bench.options import Options
from generation.contracts.errors import BadSettings, CannotWrite, EngineUnavailable

SUITES = {
    "painter": "seconds a picture for each style of the CPU painter",
    "conditioning": "each conditioning method at 1024x1024, and all kinds in parallel",
    "queue": "positions and ETA of ten thousand waiting words",
    "cache": "a picture looked up among a million rows",
    "bot": "start-up time and idle memory of the real process",
    "flops": "TFLOP a picture of the diffusion engine and of stock diffusers, counted without a GPU",
    "diffusion": "the diffusion engine beside stock diffusers on a CUDA device, random weights",
}
OF_MODELS = ("flops", "diffusion")
"""Suites that take options and give their rows one by one."""
NEEDS_WEIGHTS = ("legibility",)
COLUMNS = ("name", "value", "unit", "target", "baseline", "ratio")
RIGHT = {"value", "target", "ratio"}
FAILED = 1

Row = Mapping[str, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which suite, what of it, and how to print it."""
    suites = "; ".join(f"{name}: {what}" for name, what in SUITES.items())
    parser.add_argument("suite", choices=(*SUITES, *NEEDS_WEIGHTS), metavar="SUITE", help=suites)
    parser.add_argument("--json", action="store_true", help="print JSON")
    models = parser.add_argument_group("flops and diffusion")
    models.add_argument("--rows", metavar="NAMES", help="only these rows: names with *, separated by commas")
    models.add_argument("--out", type=Path, metavar="FILE", help="append each row to this file of JSON lines at once")
    models.add_argument(
        "--tiny", action="store_true", help="tiny models, on the CPU: shows that it works, not how fast"
    )
    models.add_argument(
        "--steps", type=_positive, metavar="N", help="sampler steps of every plan (default: 30 or its own)"
    )
    models.add_argument("--side", type=_positive, metavar="PX", help="width and height (default: 1024, tiny 128)")
    models.add_argument(
        "--deadline-s", type=float, metavar="S", help="leave out, and name, what would not fit (diffusion)"
    )
    models.add_argument("--trace", type=Path, metavar="FILE", help="write a profiler trace of one picture (diffusion)")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Returns:
        0, or 1 when a row could not be measured although there was time for it.

    Raises:
        EngineUnavailable: a suite that measures what this machine or version does not have.
        BadSettings: a row or an option the suite does not have.
        CannotWrite: a file cannot be written.
    """
    if arguments.suite in NEEDS_WEIGHTS:
        reason = f"the suite `{arguments.suite}` measures what this version does not have yet"
        raise EngineUnavailable(engine="diffusion", reason=reason)
    options = _options(arguments)
    print(f"measuring {SUITES[arguments.suite]} ...", file=sys.stderr)
    suite = importlib.import_module(f"bot.bench.{arguments.suite}")
    if arguments.suite in OF_MODELS:
        about = machine() | suite.machine(options)
        rows = list(_told(suite.rows(options), arguments.out))
    else:
        about, rows = machine(), list(suite.run())
    if arguments.json:
        print(json.dumps({"suite": arguments.suite, "machine": about, "rows": rows}, ensure_ascii=False))
    else:
        _print_table(arguments.suite, rows)
    return FAILED if any("failed" in row for row in rows) else 0


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _options(arguments: argparse.Namespace) -> Options:
    given = vars(arguments)
    only = [name for name in ("rows", "out", "tiny", "steps", "side", "deadline_s", "trace") if given[name]]
    alone = {"deadline_s", "trace"} if arguments.suite == "flops" else set()
    unknown = only if arguments.suite not in OF_MODELS else [name for name in only if name in alone]
    if unknown:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in unknown)
        raise BadSettings(detail=f"the suite {arguments.suite} does not take {flags}")
    return Options(
        rows=arguments.rows,
        tiny=arguments.tiny,
        steps=arguments.steps,
        side=arguments.side,
        deadline_s=arguments.deadline_s,
        trace=arguments.trace,
    )


def _told(rows: Iterable[Row], out: Path | None) -> Iterator[Row]:
    """Each row on stderr, and in the file, before the next is measured."""
    with ExitStack() as stack:
        file = stack.enter_context(_opened(out)) if out is not None else None
        for row in rows:
            line = json.dumps(row, ensure_ascii=False)
            print(line, file=sys.stderr, flush=True)
            if file is not None:
                print(line, file=file, flush=True)
            yield row


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path=str(path), reason=error.strerror or "") from None


def _print_table(suite: str, rows: Sequence[Row]) -> None:
    """A table by rich where it is installed; the suites about models do without."""
    title = f"{suite} on {machine()['cores']} cores, Python {machine()['python']}"
    headings = (*COLUMNS, *dict.fromkeys(key for row in rows for key in row if key not in COLUMNS))
    cells = [[_cell(row.get(heading)) for heading in headings] for row in rows]
    if find_spec("rich") is None:
        _print_plain(title, [list(headings), *cells])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in RIGHT else "left")
    for row in cells:
        table.add_row(*row)
    Console().print(table)


def _print_plain(title: str, lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(title)
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
