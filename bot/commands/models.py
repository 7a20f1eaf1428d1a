"""`models`: the weights of the diffusion engine. This version has no such engine, and says so instead of pretending."""

from __future__ import annotations

import argparse

from generation.contracts.errors import EngineUnavailable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with the weights."""
    parser.add_argument("action", choices=("fetch", "list", "verify"), help="what to do with the weights")


def run(_arguments: argparse.Namespace) -> int:
    """Explain.

    Raises:
        EngineUnavailable: always, in this version.
    """
    reason = "this version paints on the CPU and uses no model weights, so there is nothing to fetch, list or verify"
    raise EngineUnavailable(engine="diffusion", reason=reason)
