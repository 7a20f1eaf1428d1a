"""The compile ladder on the CPU: same latents on every rung, and eager from the first error of a compiler on."""

from __future__ import annotations

import logging
import os
import shutil
import threading

import numpy as np
import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock

from generation.contracts.errors import BadSettings
from generation.contracts.request import KINDS
from generation.diffusion import compiling
from generation.diffusion.loop import Sample, denoise
from generation.diffusion.measuring import tiny
from generation.diffusion.plans import plan_named
from generation.gpu.history import History

pytestmark = [pytest.mark.diffusion, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def fresh_compiler():
    yield
    torch.compiler.reset()


def sample(seed: int, kinds=("depth", "canny")) -> Sample:
    picture = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Sample(
        prompt=f"a mountain {seed}",
        negative_prompt="blurry",
        seed=seed,
        guidance=5.0,
        control=dict.fromkeys(kinds, picture),
        weights={kind: 0.3 + 0.1 * n for n, kind in enumerate(kinds)},
        cancelled=threading.Event(),
    )


def latents(models, count: int = 1) -> torch.Tensor:
    samples = [sample(seed, KINDS[: 1 + seed % 3]) for seed in range(count)]
    steps = list(denoise(models, samples, plan=plan_named("reference"), steps=2, width=64, height=64))
    return steps[-1].latents


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() <= 1e-5 * other.abs().max())


class Backend:
    """A compiler that counts its graphs, and fails from the given one on."""

    def __init__(self, error: BaseException | None = None, after: int = 0) -> None:
        self.error, self.after, self.graphs = error, after, 0

    def __call__(self, graph, _inputs):
        self.graphs += 1
        if self.error is not None and self.graphs > self.after:
            raise self.error
        return graph.forward


@pytest.mark.parametrize(("layout", "rung"), [("multi", "regional"), ("union", "full")])
def test_every_rung_gives_the_latents_of_eager(layout, rung):
    models, backend = tiny.models(layout), Backend()
    expected = latents(models, 3)
    assert compiling.in_use(models) == "eager"
    assert compiling.apply(models, rung, 4, backend=backend) == rung
    assert close(latents(models, 3), expected)
    assert backend.graphs > 0
    assert compiling.in_use(models) == rung
    known = backend.graphs
    assert close(latents(models, 3), expected)
    assert backend.graphs == known, "the same shapes again compile nothing"


class Smallest(torch.nn.Module):
    """Stands where the UNet stands; one kernel of C++."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) * 2 + 1


def test_torchs_own_compiler_gives_the_result_of_eager_and_keeps_its_kernels(tmp_path, monkeypatch):
    """A model of one line: inductor writes C++ here and takes seconds for each kernel."""
    assert shutil.which("c++") or shutil.which("g++"), "inductor needs a C++ compiler on the CPU"
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)  # no pool of processes for one kernel
    monkeypatch.setattr(torch._inductor.config.cpp, "simdlen", 1)  # no trial kernels to learn what the CPU can do
    monkeypatch.setattr(torch._inductor.config, "cpp_cache_precompile_headers", False)  # dearer than one kernel
    models, history, rows = tiny.models("union"), History(), torch.randn((2, 16))
    models.unet = Smallest()
    expected = models.unet(rows)
    compiling.apply(models, "full", cache_folder=tmp_path, history=history)
    assert close(models.unet(rows), expected)
    assert compiling.in_use(models) == "full"
    assert history.report()["fallbacks"] == []
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert all(path.is_relative_to(tmp_path / f"torch-{torch.__version__}") for path in kept)
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.delenv("TRITON_CACHE_DIR")


@pytest.mark.parametrize(
    ("rung", "error"),
    [
        ("full", RuntimeError("ptxas died\nwith a page")),
        ("regional", ImportError("no triton")),
        ("regional", AssertionError()),
        ("regional", torch.OutOfMemoryError("while tuning")),
    ],
)
def test_a_compiler_that_fails_at_the_first_call_leaves_the_picture_whole(rung, error, caplog):
    models, history = tiny.models("union"), History()
    expected = latents(models, 2)
    compiling.apply(models, rung, backend=Backend(error), history=history)
    with caplog.at_level(logging.INFO, "generation"):
        assert close(latents(models, 2), expected)
    assert [record.levelname for record in caplog.records if record.name.startswith("generation")] == ["WARNING"]
    assert compiling.in_use(models) == "eager"
    (noted,) = history.report()["fallbacks"]
    assert (noted["what"], noted["wanted"], noted["used"]) == ("compile", rung, "eager")
    assert type(error).__name__ in noted["reason"]
    assert models.bucket(3) == 3, "eager models take any number of rows"
    assert "forward" not in vars(models.unet)


def test_a_compiler_that_fails_later_puts_everything_back():
    """The net's graph is the first, the UNet's the second."""
    models, history = tiny.models("union"), History()
    expected = latents(models, 2)
    backend = Backend(RuntimeError("the second shape is too much"), after=1)
    compiling.apply(models, "full", backend=backend, history=history)
    assert close(latents(models, 2), expected)
    graphs = backend.graphs
    assert close(latents(models, 2), expected)
    assert backend.graphs == graphs, "it is not tried again"
    assert len(history.report()["fallbacks"]) == 1


def test_a_full_device_is_no_compile_error():
    models, history = tiny.models("union"), History()

    def too_small(graph, _inputs):
        def run(*_):
            raise torch.OutOfMemoryError("no room for activations")

        return run

    compiling.apply(models, "regional", backend=too_small, history=history)
    with pytest.raises(torch.OutOfMemoryError):
        latents(models)
    assert compiling.in_use(models) == "regional"
    assert history.report()["fallbacks"] == []


def test_an_error_of_the_model_itself_is_not_swallowed():
    models = tiny.models("union")
    compiling.apply(models, "regional", backend=Backend())
    block = next(module for module in models.unet.modules() if isinstance(module, BasicTransformerBlock))
    with pytest.raises(RuntimeError), torch.no_grad():
        block(torch.zeros((2, 16, 32)), encoder_hidden_states=torch.zeros((2, 7, 63)))


@pytest.mark.parametrize("rung", ["regional", "full"])
def test_what_was_applied_can_be_undone_and_applied_anew(rung):
    models, backend = tiny.models("union"), Backend()
    trunk, bucket, before_step = models.nets.trunk, models.bucket, models.before_step
    compiling.apply(models, rung, backend=backend)
    assert compiling.apply(models, "eager") == "eager"
    assert (models.nets.trunk, models.bucket, models.before_step) == (trunk, bucket, before_step)
    assert not any("forward" in vars(module) for module in models.unet.modules())
    compiling.apply(models, "full", backend=backend)
    assert compiling.apply(models, rung, backend=backend) == rung
    assert compiling.in_use(models) == rung
    assert not backend.graphs, "nothing is compiled before it is called"


@pytest.mark.parametrize(
    ("rows", "limit", "filled"),
    [(1, 8, 1), (2, 8, 2), (3, 8, 4), (5, 8, 8), (8, 8, 8), (9, 8, 9), (3, 2, 3), (3, 4, 4), (5, 6, 5), (1, 1, 1)],
)
def test_batches_are_filled_up_to_a_bucket_within_the_limit(rows, limit, filled):
    assert compiling.bucket(rows, limit) == filled


def test_a_rung_that_does_not_exist_is_a_wrong_setting():
    with pytest.raises(BadSettings, match="turbo"):
        compiling.apply(tiny.models("union"), "turbo")


def test_kernels_are_kept_apart_by_build_and_the_operators_word_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "elsewhere")
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    compiling.keep_kernels(tmp_path)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "elsewhere"
    assert os.environ["TRITON_CACHE_DIR"].startswith(str(tmp_path / f"torch-{torch.__version__}"))
    monkeypatch.delenv("TRITON_CACHE_DIR")


def test_a_folder_that_cannot_be_written_is_one_line_and_no_failure(tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    (tmp_path / "file").write_text("")
    compiling.keep_kernels(tmp_path / "file")
    assert "not kept" in caplog.text
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ


def test_graphs_are_captured_on_cuda_alone(monkeypatch):
    models = tiny.models("union")
    asked = []

    def compiled(function, **options):
        asked.append(options)
        return function

    monkeypatch.setattr(torch, "compile", compiled)
    compiling.apply(models, "full")
    assert [options["options"] for options in asked] == [None, None]
    compiling.undo(models)
    asked.clear()
    models.device = torch.device("cuda:0")
    compiling.apply(models, "full")
    assert [options["options"] for options in asked] == [{"triton.cudagraphs": True}] * 2
    assert models.before_step is torch.compiler.cudagraph_mark_step_begin
    compiling.undo(models)
    assert models.before_step is not torch.compiler.cudagraph_mark_step_begin
