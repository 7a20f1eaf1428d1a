"""The one form of a measured figure."""

from __future__ import annotations

Row = dict[str, object]


def row(name: str, value: float, unit: str, *, target: float | None = None, baseline: float | None = None) -> Row:
    """A figure beside its baseline of the same run.

    Args:
        name: what was measured; says in words what the baseline is.
        value: the figure.
        unit: `s`, `ms`, `MiB`, ...
        target: what it should not exceed, in the same unit.
        baseline: the same unit; None where there is nothing to compare with.

    Returns:
        A row whose `ratio` is baseline / value: above 1 is better than the baseline.
    """
    ratio = None if not baseline or not value else float(f"{baseline / value:.4g}")
    return {"name": name, "value": value, "unit": unit, "target": target, "baseline": baseline, "ratio": ratio}
