"""The whole engine measured: weights read from disk, and the event loop beside it. Knows torch and the engine.

Random weights are written as the hub would hold them and then loaded by the code that loads real ones.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import numpy as np

from generation.contracts.errors import NoRoomForWeights
from generation.contracts.events import Done, Failed
from generation.contracts.picture import ControlImage, Writing
from generation.contracts.ports import Job
from generation.contracts.request import PaintRequest
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.engine import DiffusionEngine
from generation.diffusion.measuring import full, tiny
from generation.diffusion.measuring.easel import Scene
from generation.diffusion.measuring.figures import MIB, Figure
from generation.diffusion.measuring.lag import TARGET_P99_MS, loop_lag
from generation.diffusion.measuring.shapes import BASE_PARTS, module
from generation.diffusion.measuring.subjects import GUIDANCE

LOAD, LAG_MEDIAN, LAG_HIGH = "load", "lag/p50", "lag/p99"
UNITS = {LOAD: "s", LAG_MEDIAN: "ms", LAG_HIGH: "ms"}
NAMES = tuple(UNITS)
NEEDED_BYTES = 22 * 2**30
"""Full-size weights in 16 bit take 18 GiB: the base model, four nets, a union, two autoencoders. The rest is room."""
PICTURES = 3
IDLE_S = 2.0
"""How long the loop is probed beside a thread that only sleeps: what the machine itself is late by."""


def figures(scene: Scene, wanted: Callable[[str], bool]) -> Iterator[Figure]:
    """Rows `load`, `lag/p50` and `lag/p99`: four nets, plan `reference`, compiled as the device's profile says.

    Raises:
        EngineError: there is no room for the weights, or the engine could not paint.
    """
    with TemporaryDirectory(prefix="wordbrush-") as name, ThreadPoolExecutor(1, thread_name_prefix="gpu") as thread:
        folder = Path(name)
        if not scene.tiny:
            _check_room(folder)
        engine = DiffusionEngine(_config(scene, folder, written(scene, folder)))
        try:
            thread.submit(_paint, engine, [_job(scene, 0)]).result()
            if wanted(LOAD):
                yield _loading(engine)
            if wanted(LAG_MEDIAN) or wanted(LAG_HIGH):
                yield from filter(lambda figure: wanted(figure.name), _lags(engine, scene, thread))
        finally:
            thread.submit(engine.unload).result()


def written(scene: Scene, folder: Path) -> dict[str, Source]:
    """Random weights in diffusers layout; sources by role."""
    sources = tiny.save(folder)
    if not scene.tiny:
        for role in ("unet", "text_encoder", "text_encoder_2", *(role for role in sources if role != "base")):
            _overwrite(scene, role, folder, sources.get(role))
    return sources


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise NoRoomForWeights(path=str(folder), needed_mib=NEEDED_BYTES // MIB, free_mib=free // MIB)


def _overwrite(scene: Scene, role: str, folder: Path, source: Source | None) -> None:
    """Full size in place of tiny, one model in memory at a time."""
    target = folder / "base" / role if role in BASE_PARTS else folder / role
    module(full.SHAPES, role, dtype=scene.dtype, device=scene.device, seed=0).save_pretrained(target)
    if source is not None and source.weights:
        (target / "diffusion_pytorch_model.safetensors").replace(target / source.weights)


def _config(scene: Scene, folder: Path, sources: dict[str, Source]) -> DiffusionConfig:
    return DiffusionConfig(
        sources=sources,
        data_folder=folder,
        local_files_only=True,
        device=str(scene.device),
        layout="multi",
        compile_cache=scene.kernels,
    )


def _job(scene: Scene, turn: int) -> Job:
    sample = scene.subjects(1, turn)[0]
    side, steps = scene.side_px, scene.steps
    request = PaintRequest(
        word=sample.keep[0], style="comic", seed=sample.seed, width=side, height=side, steps=steps, guidance=GUIDANCE
    )
    return Job(
        request=request,
        writing=_unwritten(sample.keep[0], side),
        cancelled=Event(),
        control={kind: ControlImage(kind, "strokes", image) for kind, image in sample.control.items()},
        prompt=sample.prompt,
        negative_prompt=sample.negative_prompt or "",
        weights=sample.weights,
    )


def _unwritten(word: str, side: int) -> Writing:
    """A writing without ink: the engine looks at control images only."""
    return Writing(
        word=word,
        language="und",
        script="Zyyy",
        direction="ltr",
        mask=np.zeros((side, side), np.uint8),
        glyphs=(),
        box=(0, 0, side, side),
        lines=(),
        baselines=(),
        em_px=float(side),
    )


def _paint(engine: DiffusionEngine, jobs: Sequence[Job]) -> None:
    """One after the other, as a device paints for a queue that is never empty."""
    for job in jobs:
        last = list(engine.paint([job]))[-1]
        if isinstance(last, Failed):
            raise last.error
        assert isinstance(last, Done), "a job nobody cancels ends in a picture or a failure"


def _loading(engine: DiffusionEngine) -> Figure:
    models = engine.history.report()["models"]
    details = {"mib": sum(one["mib"] for one in models), "seconds": {one["role"]: one["seconds"] for one in models}}
    return Figure(name=LOAD, value=sum(one["seconds"] for one in models), unit="s", details=details)


def _lags(engine: DiffusionEngine, scene: Scene, thread: Executor) -> Iterator[Figure]:
    """All on the one thread that loaded: graphs and compiler settings belong to the thread that made them."""
    jobs = [_job(scene, turn) for turn in range(1, PICTURES + 1)]
    idle, lag = loop_lag(lambda: time.sleep(IDLE_S)), loop_lag(lambda: _paint(engine, jobs), thread=thread)
    details = {"probes": lag.probes, "longest_ms": lag.max_ms, "idle_p99_ms": idle.p99_ms}
    yield Figure(name=LAG_MEDIAN, value=lag.p50_ms, unit="ms", details=details)
    yield Figure(name=LAG_HIGH, value=lag.p99_ms, unit="ms", target=TARGET_P99_MS, details=details)
