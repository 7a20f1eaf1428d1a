"""Which device torch can paint on here, and what it says about its memory. Knows torch, imported when first asked.

Everything torch or a driver reports comes in through this module; the rest of the engine gets plain values. Every
reason why there is no device ends with what to do about it, and carries a code that the bot says in its own languages.
"""

from __future__ import annotations

import gc
import logging
import platform
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from generation.contracts.errors import BadSettings, NoSuitableDevice
from generation.gpu.nvml import look
from generation.gpu.profiles import GIB, SMALLEST_GIB

DTYPES = ("bf16", "fp16", "fp32")
BF16_FROM = (8, 0)
"""Compute capability with bfloat16 in hardware (Ampere); below, torch emulates it slowly."""
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no-torch": "torch is not installed: run `make run EXTRAS=diffusion`, or `pip install '.[diffusion]'` here",
        "broken-torch": "torch does not import ({what}): reinstall the diffusion extra",
        "unknown-device": "not a device name: set the device to auto, cuda, cuda:1, mps or cpu",
        "no-cuda-build": "this torch ({what}) is built without CUDA: install the build for your GPU",
        "no-driver": "no NVIDIA driver answers: install it, or start the container with access to the GPU",
        "old-driver": "the driver ({what}) is too old for this torch: update the driver",
        "no-device": "no GPU is visible: check `nvidia-smi` and CUDA_VISIBLE_DEVICES",
        "driver-error": "the GPU does not start ({what}): check `nvidia-smi`",
        "no-such-index": "there are {what} GPUs, counted from 0: set the device to one of them",
        "too-small": "{what}; the 12 GB class is the least: set the device to cuda to try all the same",
        "no-mps": "torch offers no MPS here: it needs an Apple GPU and a recent macOS",
    }
)
"""Why there is no device, and what to do; by the code that `NoSuitableDevice.details` carries."""
_NAME = re.compile(r"(auto|cuda|mps|cpu)(?::(\d{1,3}))?")
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """Where the maths happens.

    Attributes:
        kind: torch's device type.
        index: among the visible devices of that kind.
        name: the maker's.
        memory_bytes: torch's `total_memory`; what Metal recommends on MPS; the machine's memory on the CPU.
        capability: CUDA compute capability, or what ROCm puts in its place; None elsewhere.
        multiprocessors: streaming multiprocessors or compute units; cores on the CPU, 0 where unknown.
        runtime: `cuda 13.2`, `rocm 6.4`, `metal` or `cpu`: what torch was built against.
        uuid: to find the card in the driver's list; empty where there is none.
    """

    kind: Literal["cuda", "mps", "cpu"]
    index: int
    name: str
    memory_bytes: int
    capability: tuple[int, int] | None = None
    multiprocessors: int = 0
    runtime: str = ""
    uuid: str = ""

    @property
    def torch_name(self) -> str:
        """What `torch.device` takes."""
        return f"cuda:{self.index}" if self.kind == "cuda" else self.kind

    @property
    def large_enough(self) -> bool:
        """Whether it is of the 12 GB class or better."""
        return self.memory_bytes >= SMALLEST_GIB * GIB


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """Memory now, in bytes.

    Attributes:
        allocated: held by tensors (on the CPU: this process's resident memory).
        reserved: held by torch's allocator, graphs and caches included.
        peak: the most that was allocated since `reset_peak`; MPS and the CPU do not tell and repeat `allocated`.
        free: left on the device for anybody.
        total: of the device.
    """

    allocated: int
    reserved: int
    peak: int
    free: int
    total: int


def find(name: str) -> Accelerator:
    """The device of that name: `auto`, `cuda`, `cuda:1`, `mps` or `cpu`.

    `auto` takes the GPU with the most memory, and none below the 12 GB class; MPS where there is no other GPU; never
    the CPU. A card named outright is taken whatever its size, with a warning.

    Raises:
        NoSuitableDevice: with a reason that says what to do, and its `code`.
    """
    asked = _NAME.fullmatch(name.strip().lower())
    if asked is None or (asked[2] and asked[1] != "cuda"):
        raise _unsuitable(name, "unknown-device")
    torch = _torch(name)
    if asked[1] == "cpu":
        return _cpu(torch)
    if asked[1] == "mps":
        return _mps(torch, name)
    if asked[1] == "auto":
        return _best(torch, name)
    return _named_card(torch, name, int(asked[2] or 0))


def dtype_for(accelerator: Accelerator, wanted: str | None = None) -> str:
    """The number format to paint in: bf16 from compute capability 8.0, fp16 below and on MPS, fp32 on the CPU.

    Args:
        accelerator: where.
        wanted: one of `DTYPES`, or None for the device's own. bf16 becomes fp16 where there is no hardware for it.

    Raises:
        BadSettings: not one of `DTYPES`.
    """
    if wanted is not None and wanted not in DTYPES:
        raise BadSettings(detail=f"dtype is one of {', '.join(DTYPES)}, not {wanted}")
    if accelerator.kind == "cpu":
        return wanted or "fp32"
    half = "bf16" if _has_bf16(accelerator) else "fp16"
    if wanted == "bf16" and half == "fp16":
        _log.warning("%s has no bf16 in hardware: fp16 is used", accelerator.name)
        return half
    return wanted or half


def memory(accelerator: Accelerator) -> MemoryReading:
    """What torch and the device say about memory now. Cheap; waits for nothing on the device."""
    return _READINGS[accelerator.kind](accelerator)


def reset_peak(accelerator: Accelerator) -> None:
    """Begin a new peak, where the device keeps one."""
    if accelerator.kind == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(accelerator.index)


def make_current(accelerator: Accelerator) -> None:
    """Let this thread's CUDA calls that name no device mean this one; events and some kernels name none."""
    if accelerator.kind == "cuda":
        import torch

        torch.cuda.set_device(accelerator.index)


def free(accelerator: Accelerator | None = None) -> None:
    """Give back what nobody uses any more, on that device or on whichever torch has begun to use.

    Call it outside of an `except` block: the exception's traceback keeps tensors alive.
    """
    gc.collect()
    if accelerator is not None and accelerator.kind == "cpu":
        return
    import torch

    if accelerator is not None and accelerator.kind == "mps":
        torch.mps.empty_cache()
    elif torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        give_back = getattr(torch._C, "_host_emptyCache", None)  # noqa: SLF001 - pinned memory has no public call yet
        if give_back is not None:
            give_back()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that memory ran out: CUDA has a class for it, MPS and the CPU only words."""
    import torch

    said = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in _OUT_OF_MEMORY)
    )


def _unsuitable(name: str, code: str, what: str = "") -> NoSuitableDevice:
    return NoSuitableDevice(device=name, reason=REASONS[code].format(what=what), code=code, what=what)


def _torch(name: str) -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise _unsuitable(name, "broken-torch", str(error)) from None
        raise _unsuitable(name, "no-torch") from None
    except (ImportError, OSError) as error:  # a library of it is missing, or is one for another system
        raise _unsuitable(name, "broken-torch", type(error).__name__) from None
    return torch


def _best(torch: Any, name: str) -> Accelerator:
    try:
        cards = [_card(torch, index) for index in range(_count(torch, name))]
    except NoSuitableDevice:
        if not _mps_is_there(torch):
            raise
        cards = [_mps(torch, name)]
    best = max(cards, key=lambda card: (card.memory_bytes, -card.index))
    if not best.large_enough:
        raise _unsuitable(name, "too-small", f"{best.name} has {best.memory_bytes / GIB:.1f} GiB")
    return best


def _named_card(torch: Any, name: str, index: int) -> Accelerator:
    count = _count(torch, name)
    if index >= count:
        raise _unsuitable(name, "no-such-index", str(count))
    card = _card(torch, index)
    if not card.large_enough:
        gib = card.memory_bytes / GIB
        _log.warning("%s has %.1f GiB, less than the 12 GB class: memory may run out", card.name, gib)
    return card


def _count(torch: Any, name: str) -> int:
    """How many CUDA (or ROCm) devices there are, at least one.

    Raises:
        NoSuitableDevice: none, and why.
    """
    if torch.version.cuda is None and torch.version.hip is None:
        raise _unsuitable(name, "no-cuda-build", str(torch.__version__))
    try:
        with warnings.catch_warnings():  # what torch warns about on the way is in the error, or of no use here
            warnings.simplefilter("ignore")
            torch.cuda.init()
            count = int(torch.cuda.device_count())
    except (RuntimeError, AssertionError) as error:  # torch raises its own driver errors as these two
        raise _why_it_does_not_start(name, str(error)) from None
    if count == 0:
        raise _unsuitable(name, "no-device")
    return count


def _why_it_does_not_start(name: str, said: str) -> NoSuitableDevice:
    report = look()
    if "too old" in said:
        return _unsuitable(name, "old-driver", report.driver or "unknown")
    if report.reason == "no-driver" or "Found no NVIDIA driver" in said:
        return _unsuitable(name, "no-driver")
    if report.reason == "no-device" or "No CUDA GPUs are available" in said:
        return _unsuitable(name, "no-device")
    return _unsuitable(name, "driver-error", said.splitlines()[0][:100] if said else "no reason given")


def _card(torch: Any, index: int) -> Accelerator:
    properties = torch.cuda.get_device_properties(index)
    hip = torch.version.hip
    return Accelerator(
        kind="cuda",
        index=index,
        name=str(properties.name),
        memory_bytes=int(properties.total_memory),
        capability=(int(properties.major), int(properties.minor)),
        multiprocessors=int(properties.multi_processor_count),
        runtime=f"rocm {hip}" if hip else f"cuda {torch.version.cuda}",
        uuid=str(getattr(properties, "uuid", "")).removeprefix("GPU-"),
    )


def _mps_is_there(torch: Any) -> bool:
    backend = getattr(torch.backends, "mps", None)
    return backend is not None and bool(backend.is_available())


def _mps(torch: Any, name: str) -> Accelerator:
    if not _mps_is_there(torch):
        raise _unsuitable(name, "no-mps")
    return Accelerator(
        kind="mps",
        index=0,
        name=f"Apple GPU ({platform.machine()})",
        memory_bytes=int(torch.mps.recommended_max_memory()),
        runtime="metal",
    )


def _cpu(torch: Any) -> Accelerator:
    import psutil  # here and below: a machine that only measures CUDA need not have it

    return Accelerator(
        kind="cpu",
        index=0,
        name=platform.processor() or platform.machine(),
        memory_bytes=int(psutil.virtual_memory().total),
        multiprocessors=int(torch.get_num_threads()),
        runtime="cpu",
    )


def _has_bf16(accelerator: Accelerator) -> bool:
    return accelerator.capability is not None and accelerator.capability >= BF16_FROM


def _cuda_memory(accelerator: Accelerator) -> MemoryReading:
    import torch

    left, total = torch.cuda.mem_get_info(accelerator.index)
    return MemoryReading(
        allocated=int(torch.cuda.memory_allocated(accelerator.index)),
        reserved=int(torch.cuda.memory_reserved(accelerator.index)),
        peak=int(torch.cuda.max_memory_allocated(accelerator.index)),
        free=int(left),
        total=int(total),
    )


def _mps_memory(accelerator: Accelerator) -> MemoryReading:
    import torch

    allocated, reserved = int(torch.mps.current_allocated_memory()), int(torch.mps.driver_allocated_memory())
    left = max(0, accelerator.memory_bytes - reserved)
    return MemoryReading(allocated, reserved, allocated, left, accelerator.memory_bytes)


def _cpu_memory(accelerator: Accelerator) -> MemoryReading:
    import psutil

    resident = int(psutil.Process().memory_info().rss)
    return MemoryReading(resident, resident, resident, int(psutil.virtual_memory().available), accelerator.memory_bytes)


_READINGS: Mapping[str, Callable[[Accelerator], MemoryReading]] = MappingProxyType(
    {"cuda": _cuda_memory, "mps": _mps_memory, "cpu": _cpu_memory}
)
