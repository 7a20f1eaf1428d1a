"""`doctor`: what works on this machine, what does not, and the command that mends it. Leaves nothing behind."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from bot.commands import doctor_diffusion
from bot.commands.findings import BROKEN, FINE, NOTE, Finding
from bot.settings import Settings, env_example, load_settings
from generation.contracts.errors import WordbrushError

LITTLE_SPACE_MB = 500
SAMPLES = {
    "Chinese": ("学习", "zh-Hans"),
    "Japanese": ("勉強する", "ja"),
    "Korean": ("공부", "ko"),
    "Arabic": ("تعلّم", "ar"),
    "Hebrew": ("לימוד", "he"),
    "Hindi": ("सीखना", "hi"),
    "Thai": ("เรียน", "th"),
    "Russian": ("учёба", "ru"),
    "Greek": ("μάθηση", "el"),
    "Vietnamese": ("học tập", "vi"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to print it."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--env-example", action="store_true", help="print every setting with its default, as .env text")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything; exit 1 when something is broken."""
    if arguments.env_example:
        print(env_example(), end="")
        return 0
    findings = list(examine())
    if arguments.json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
    else:
        _print(findings)
    return int(any(finding.state == BROKEN for finding in findings))


def examine() -> Iterator[Finding]:
    """Every finding, the settings first since the others depend on them."""
    try:
        settings = load_settings()
    except WordbrushError as error:
        yield Finding("settings", BROKEN, str(error), "compare your .env with .env.example")
        return
    yield Finding("settings", FINE, "every setting is valid")
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _sqlite,
        _folder,
        _space,
        _telegram,
        _admins,
        _fonts,
        _engine,
        _gpu,
    )
    for check in checks:
        yield check(settings)
    yield from doctor_diffusion.examine(settings)


def _python(_settings: Settings) -> Finding:
    return Finding("python", FINE, f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _sqlite(_settings: Settings) -> Finding:
    return Finding("database", FINE, f"SQLite {sqlite3.sqlite_version}")


def _folder(settings: Settings) -> Finding:
    folder = settings.storage.folder.resolve()
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        return Finding("data folder", BROKEN, f"{folder}: {error.strerror}", "set STORAGE__FOLDER to a writable folder")
    return Finding("data folder", FINE, str(folder))


def _space(settings: Settings) -> Finding:
    folder = settings.storage.folder.resolve()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    wanted_mb = settings.storage.cache_mb
    if free_mb < LITTLE_SPACE_MB:
        return Finding("disk space", BROKEN, f"{free_mb} MB free", "free some space on the data folder's disk")
    if free_mb < wanted_mb:
        mend = f"set STORAGE__CACHE_MB below {free_mb}, or free some space"
        return Finding("disk space", NOTE, f"{free_mb} MB free, the picture cache may grow to {wanted_mb} MB", mend)
    return Finding("disk space", FINE, f"{free_mb} MB free, the picture cache may grow to {wanted_mb} MB")


def _telegram(settings: Settings) -> Finding:
    if settings.bot_token:
        return Finding("telegram", FINE, "BOT_TOKEN is set; it is tried when the bot starts")
    if settings.playground.enabled:
        where = f"http://{settings.playground.host}:{settings.playground.port}/"
        mend = "put BOT_TOKEN from @BotFather into .env to talk to Telegram"
        return Finding("telegram", NOTE, f"no BOT_TOKEN: the playground opens at {where}", mend)
    return Finding("telegram", BROKEN, "no BOT_TOKEN and PLAYGROUND=off", "set BOT_TOKEN, or remove PLAYGROUND=off")


def _admins(settings: Settings) -> Finding:
    if settings.admins:
        return Finding("admins", FINE, f"{len(settings.admins)} may use /gpu")
    if settings.bot_token:
        return Finding("admins", NOTE, "nobody may use /gpu", "set ADMINS to your numeric Telegram id")
    return Finding("admins", FINE, "the playground's first learner may use /gpu")


def _fonts(settings: Settings) -> Finding:
    from generation.glyphs import FontBook, check_drawable

    folder = settings.generation.fonts
    if folder and not Path(folder).is_dir():
        return Finding("fonts", BROKEN, f"{folder} is not a folder", "correct GENERATION__FONTS")
    fonts = FontBook([folder] if folder else [])
    missing = []
    for name, (word, language) in SAMPLES.items():
        try:
            check_drawable(word, language, fonts)
        except WordbrushError as error:
            missing.append(f"{name} ({error})")
    if missing:
        return Finding("fonts", BROKEN, "; ".join(missing), "reinstall Wordbrush: its font pack is incomplete")
    return Finding("fonts", FINE, f"{', '.join(SAMPLES)} draw")


def _engine(settings: Settings) -> Finding:
    from bot.engines import engine_named

    try:
        engine = engine_named(settings.generation.engine, settings)
    except WordbrushError as error:
        reason, _, mend = str(error).rpartition(": run ")
        return Finding(
            "engine", BROKEN, reason or str(error), f"run {mend}" if reason else "set GENERATION__ENGINE=auto"
        )
    return Finding("engine", FINE, f"{engine.name} {engine.version}")


def _gpu(_settings: Settings) -> Finding:
    from generation.gpu import look

    report = look()
    if not report.devices:
        return Finding("gpu", FINE, f"none ({report.reason}): the painter works on the CPU")
    names = ", ".join(f"{device.name} ({device.memory_mib} MiB)" for device in report.devices)
    if not any(device.large_enough for device in report.devices):
        return Finding(
            "gpu", NOTE, f"{names}: the painter works on the CPU", "the diffusion engine needs 12 GB or more"
        )
    return Finding("gpu", FINE, f"{names}, driver {report.driver}")


def _print(findings: list[Finding]) -> None:
    marks = {FINE: "ok  ", NOTE: "note", BROKEN: "FAIL"}
    for finding in findings:
        print(f"{marks[finding.state]} {finding.name:12} {finding.detail}")
        if finding.mend:
            print(f"     {'':12} -> {finding.mend}")
    sys.stdout.flush()
