"""`models`: the weights of the diffusion engine: fetch them, list them, verify them. Needs neither torch nor Telegram.

`list` and `verify` work without the diffusion extra, since they only look at the disk.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from generation.diffusion.config import ROLES, DiffusionConfig
from generation.diffusion.weights import ModelStatus, ModelStore, Verified

DONE, FAILED, INTERRUPTED = 0, 1, 130
ACTIONS = ("fetch", "list", "verify")
UNITS = ("B", "kB", "MB", "GB", "TB")
THOUSAND = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which weights."""
    parser.add_argument(
        "action", choices=ACTIONS, help="fetch what is missing, list what is there, read all of it again"
    )
    parser.add_argument(
        "roles",
        nargs="*",
        type=_role,
        metavar="ROLE",
        help=f"of {', '.join(ROLES)}; without one, those that the settings need",
    )
    parser.add_argument("--json", action="store_true", help="list and verify: print as JSON")
    parser.add_argument(
        "--update", action="store_true", help="fetch: follow each revision to where it points today, and pin that"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; `verify` ends with 1 when a file is damaged or missing."""
    config = _config()
    needed = config.roles(_layout(config))
    if arguments.action == "fetch":
        return _fetch(ModelStore(config), arguments.roles or needed, update=arguments.update)
    store = ModelStore(config)
    if arguments.action == "list":
        return _list(store, arguments.roles or ROLES, needed, as_json=arguments.json)
    return _verify(store, arguments.roles or needed, as_json=arguments.json)


def _role(text: str) -> str:
    if text not in ROLES:
        message = f"{text!r} is none of {', '.join(ROLES)}"
        raise argparse.ArgumentTypeError(message)
    return text


def _config() -> DiffusionConfig:
    from bot.engines import diffusion_config
    from bot.settings import load_settings

    return diffusion_config(load_settings())


def _layout(config: DiffusionConfig) -> str:
    """The net layout the engine would take on this machine."""
    from generation.diffusion.outlook import expected_profile

    return expected_profile(config).layout


def _fetch(store: ModelStore, roles: Sequence[str], *, update: bool) -> int:
    from bot.commands.models_progress import progress

    try:
        with progress(sys.stderr) as report:
            store.fetch(roles, on_progress=report, update=update)
    except KeyboardInterrupt:
        print("interrupted: what has arrived is kept, `python -m bot models fetch` goes on from there", file=sys.stderr)
        return INTERRUPTED
    for status in store.status(roles):
        print(_line(status))
    return DONE


def _list(store: ModelStore, roles: Sequence[str], needed: Sequence[str], *, as_json: bool) -> int:
    statuses = store.status(roles)
    if as_json:
        models = [
            asdict(status) | _source(store, status.role) | {"needed": status.role in needed} for status in statuses
        ]
        places = {"cache": str(store.cache.root), "lock": str(store.lock.path)}
        print(json.dumps(places | {"models": models}, ensure_ascii=False))
        return DONE
    for status in statuses:
        print(_line(status) + ("" if status.role in needed else "  (not needed by these settings)"))
    print(f"cache: {store.cache.root}\nlock:  {store.lock.path}")
    return DONE


def _source(store: ModelStore, role: str) -> dict[str, str | None]:
    source = store.config.source(role)
    return {"revision": None if source.local else source.revision, "variant": source.variant}


def _verify(store: ModelStore, roles: Sequence[str], *, as_json: bool) -> int:
    results = store.verify(roles)
    if as_json:
        print(json.dumps({"files": [asdict(result) for result in results]}, ensure_ascii=False))
    else:
        _print_verified(results)
    return FAILED if any(result.state != "fine" for result in results) else DONE


def _print_verified(results: Sequence[Verified]) -> None:
    for result in results:
        print(f"{result.state:8} {result.role:13} {_size(result.bytes):>9}  {result.model}  {result.file}")
    wrong = sum(result.state != "fine" for result in results)
    print(f"{len(results) - wrong} of {len(results)} fine" + (": run `python -m bot models fetch`" if wrong else ""))


def _line(status: ModelStatus) -> str:
    size = _size(status.bytes)
    if status.total is not None and status.total != status.bytes:
        size = f"{size} of {_size(status.total)}"
    pinned = f"  @{status.commit[:12]}" if status.commit else ""
    note = f"  ! {status.note}" if status.note else ""
    return f"{status.state:8} {status.role:13} {size:>9}  {status.model}{pinned}{note}"


def _size(count: float) -> str:
    """Decimal units, as hubs and disks are labelled."""
    for unit in UNITS[:-1]:
        if count < THOUSAND:
            return f"{count:.0f} {unit}" if unit == UNITS[0] else f"{count:.1f} {unit}"
        count /= THOUSAND
    return f"{count:.1f} {UNITS[-1]}"
