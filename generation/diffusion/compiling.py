"""The compile ladder: eager, regional (transformer blocks), full (UNet and nets as CUDA graphs). Knows torch.compile.

Nothing is compiled here and now: torch compiles at the first call of each shape, in the middle of a picture. So every
compiled function stands behind a guard that, at the first error of the compiler, puts the whole set of models back to
eager and goes on with the very same call. A device that runs out of memory is no compile error and is passed on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock

from generation.contracts.errors import BadSettings
from generation.diffusion.models import Models
from generation.gpu.devices import is_out_of_memory
from generation.gpu.history import History
from generation.gpu.profiles import RUNGS

BUCKETS = (1, 2, 4, 8)
"""Batches are filled up to one of these, so that a shape is compiled, and its graph captured, only so often."""
SHAPES_KEPT = 64
"""Shapes compiled for one function before torch gives up on it: buckets, picture sizes, with and without guidance."""
_log = logging.getLogger(__name__)

Function = Callable[..., Any]


def apply(
    models: Models,
    rung: str,
    batch_limit: int = BUCKETS[-1],
    cache_folder: Path | None = None,
    *,
    history: History | None = None,
    backend: str | Function = "inductor",
) -> str:
    """Have the models compiled as far as `rung` says, from their next call on; returns the rung.

    A second call undoes the first. Projections, attention and memory format must be settled before.

    Args:
        models: loaded and placed; `full` wants them resident, for graphs remember addresses.
        rung: one of `RUNGS`.
        batch_limit: pictures at once; larger buckets are not used.
        cache_folder: where compiled kernels are kept for the next start; None leaves that to torch and the environment.
        history: where falling back is noted, whenever that happens.
        backend: torch's name of a compiler, or a function; tests pass others.

    Raises:
        BadSettings: not one of `RUNGS`.
    """
    if rung not in RUNGS:
        raise BadSettings(detail=f"compile is one of {', '.join(RUNGS)}, not {rung}")
    undo(models)
    if rung == "eager":
        return rung
    if cache_folder is not None:
        keep_kernels(cache_folder)
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, SHAPES_KEPT)  # noqa: SLF001 - its documented place
    ladder = _Ladder(models, rung, history)
    if rung == "regional":
        _apply_regional(ladder, backend)
    else:
        _apply_full(ladder, backend)
    _fill_buckets(ladder, batch_limit)
    return rung


def in_use(models: Models) -> str:
    """The rung the models are on now, after any falling back."""
    return next((guard.ladder.rung for guard in _guards(models)), "eager")


def undo(models: Models) -> None:
    """Back to eager."""
    for guard in list(_guards(models)):
        guard.ladder.restore()


def bucket(rows: int, batch_limit: int = BUCKETS[-1]) -> int:
    """The bucket for so many pictures; more than the largest stay as many as they are."""
    return next((size for size in BUCKETS if rows <= size <= max(batch_limit, rows)), rows)


def keep_kernels(folder: Path) -> None:
    """Keep what is compiled in `folder`, one part a build of torch. What the operator set in the environment stays.

    Graphs, kernels and autotuning results found there are taken again after a restart; code is traced anew.
    """
    own = folder / f"torch-{torch.__version__}"
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled kernels are not kept: %s cannot be written (%s)", folder, error.strerror)
        return
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(own))
    os.environ.setdefault("TRITON_CACHE_DIR", str(own / "triton"))


@dataclass(slots=True, eq=False)
class _Ladder:
    """One climb: what was compiled, and the way back down."""

    models: Models
    wanted: str
    history: History | None
    rung: str = ""
    steps_down: list[Function] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rung = self.wanted

    def restore(self) -> None:
        """Undo everything, newest first."""
        while self.steps_down:
            self.steps_down.pop()()
        self.rung = "eager"
        torch.compiler.reset()  # torch keeps compiled code, and the memory of its graphs, until it is told

    def fall(self, error: BaseException) -> None:
        """The compiler failed: eager from now on, told once."""
        if self.rung == "eager":
            return
        self.restore()
        reason = _first_line(error)
        _log.warning("compiling (%s) failed, going on without: %s", self.wanted, reason)
        if self.history is not None:
            self.history.fell_back("compile", wanted=self.wanted, used="eager", reason=reason)


@dataclass(slots=True, eq=False)
class _Guard:
    """A compiled function and the plain one it was made of."""

    ladder: _Ladder
    plain: Function
    compiled: Function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.ladder.rung == "eager":
            return self.plain(*args, **kwargs)
        try:
            return self.compiled(*args, **kwargs)
        except torch.OutOfMemoryError:
            raise
        except _COMPILER_ERRORS as error:
            if not isinstance(error, _DYNAMO) and is_out_of_memory(error):
                raise
            self.ladder.fall(error)
        return self.plain(*args, **kwargs)  # outside of the handler: a traceback would keep tensors alive


def _apply_regional(ladder: _Ladder, backend: str | Function) -> None:
    """Transformer blocks: almost all of the launches, and one small graph for many of them."""
    for model in (ladder.models.unet, *ladder.models.nets.modules.values()):
        for module in model.modules():
            if isinstance(module, BasicTransformerBlock):
                _guard_forward(ladder, module, torch.compile(module.forward, backend=backend, dynamic=False))


def _apply_full(ladder: _Ladder, backend: str | Function) -> None:
    """UNet and nets whole; on CUDA each shape is captured as a graph, whose memory the next step may use again."""
    models = ladder.models
    nets, trunk, before_step = models.nets, models.nets.trunk, models.before_step
    options = {"triton.cudagraphs": True} if _graphs(models, backend) else None
    compiled = torch.compile(models.unet.forward, backend=backend, dynamic=False, options=options)
    _guard_forward(ladder, models.unet, compiled)
    nets.trunk = _Guard(ladder, trunk, torch.compile(trunk, backend=backend, dynamic=False, options=options))
    ladder.steps_down.append(lambda: setattr(nets, "trunk", trunk))
    if options:
        models.before_step = torch.compiler.cudagraph_mark_step_begin
        ladder.steps_down.append(lambda: setattr(models, "before_step", before_step))


def _guard_forward(ladder: _Ladder, module: Any, compiled: Function) -> None:
    module.forward = _Guard(ladder, module.forward, compiled)
    ladder.steps_down.append(lambda: delattr(module, "forward"))


def _fill_buckets(ladder: _Ladder, batch_limit: int) -> None:
    """Fill batches up while compiled; eager models take any number of rows, and are spared the copies."""
    models, before = ladder.models, ladder.models.bucket
    models.bucket = lambda rows: bucket(rows, batch_limit)
    ladder.steps_down.append(lambda: setattr(models, "bucket", before))


def _graphs(models: Models, backend: str | Function) -> bool:
    return backend == "inductor" and torch.device(models.device).type == "cuda"


def _guards(models: Models) -> Iterator[_Guard]:
    """Every guard that is in place."""
    if isinstance(models.nets.trunk, _Guard):
        yield models.nets.trunk
    for model in (models.unet, *models.nets.modules.values()):
        for module in model.modules():
            if isinstance(module.forward, _Guard):
                yield module.forward


def _first_line(error: BaseException) -> str:
    inner = getattr(error, "inner_exception", None) or error
    lines = [line for line in str(inner).splitlines() if line.strip()]
    return f"{type(inner).__name__}: {lines[0][:160]}" if lines else type(inner).__name__


_DYNAMO = torch._dynamo.exc.TorchDynamoException  # noqa: SLF001 - torch has no other name for its compiler's errors
_COMPILER_ERRORS = (
    _DYNAMO,  # tracing, and every backend's failure wrapped
    RuntimeError,  # inductor, the C++ compiler, CUDA graphs
    AssertionError,  # CUDA graphs and dynamo check themselves with it
    NotImplementedError,
    ImportError,  # no triton
    OSError,  # the cache folder is full or gone
    TypeError,  # parts of torch and triton that do not belong together
    AttributeError,
    LookupError,
)
"""Kept apart from bugs of ours by what happens next: the plain call is made, and raises the same again."""
