"""Attention kernels and fused projections: same pictures whichever is used, and one line when xformers does not work."""

from __future__ import annotations

import importlib.util
import logging
import sys
import types

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0, FusedAttnProcessor2_0
from torch.nn.functional import scaled_dot_product_attention

from generation.contracts.errors import BadSettings
from generation.diffusion import attention, fusing
from generation.diffusion.attention import XformersProcessor
from generation.diffusion.measuring import tiny
from generation.gpu.history import History

pytestmark = pytest.mark.diffusion


@pytest.fixture
def models():
    return tiny.models("multi")


def processors(models) -> set[type]:
    return {type(module.processor) for module in fusing.attentions(models)}


def prediction(model: torch.nn.Module, text_width: int = 64) -> torch.Tensor:
    """One forward of a UNet or a ControlNet, flat."""
    noise = torch.Generator().manual_seed(5)
    inputs = torch.randn((2, 4, 8, 8), generator=noise)
    given = {
        "encoder_hidden_states": torch.randn((2, 7, text_width), generator=noise),
        "added_cond_kwargs": {"text_embeds": torch.randn((2, 32), generator=noise), "time_ids": torch.ones((2, 6))},
        "return_dict": False,
    }
    if hasattr(model, "controlnet_cond_embedding"):
        given["controlnet_cond"] = torch.rand((2, 3, 64, 64), generator=noise)
    with torch.no_grad():
        outputs = model(inputs, torch.tensor(500), **given)
    flat = outputs[0] if isinstance(outputs[0], tuple | list) else outputs
    return torch.cat([output.flatten() for output in flat])


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() <= 1e-5 * other.abs().max())


def working_xformers(monkeypatch) -> list[torch.Tensor]:
    """xformers as it would be where it works: the kernel is the one thing this machine cannot have."""
    asked: list[torch.Tensor] = []

    def memory_efficient_attention(query, key, value, *, scale):
        asked.append(query)
        heads_first = [part.transpose(1, 2) for part in (query, key, value)]
        return scaled_dot_product_attention(*heads_first, scale=scale).transpose(1, 2)

    ops = types.ModuleType("xformers.ops")
    ops.memory_efficient_attention = memory_efficient_attention
    package = types.ModuleType("xformers")
    package.ops = ops
    monkeypatch.setitem(sys.modules, "xformers", package)
    monkeypatch.setitem(sys.modules, "xformers.ops", ops)
    return asked


def test_the_net_diffusers_does_not_fuse_is_fused_and_computes_the_same(models):
    net = models.nets.modules["depth"]
    net.fuse_qkv_projections()
    assert not any(module.fused_projections for module in net.modules() if isinstance(module, Attention))
    before = [prediction(models.unet), prediction(net)]
    count = fusing.fuse(models)
    assert count == len(list(fusing.attentions(models))) > 0
    assert processors(models) == {FusedAttnProcessor2_0}
    assert all(close(after, was) for after, was in zip([prediction(models.unet), prediction(net)], before, strict=True))
    assert fusing.fuse(models) == 0, "what is fused is left alone"


def test_fusing_keeps_no_second_copy_of_the_weights(models):
    def weights() -> int:
        return sum(parameter.numel() for parameter in models.unet.parameters())

    before = weights()
    fusing.fuse(models)
    assert weights() == before
    assert models.unet.state_dict().keys().isdisjoint({"to_k", "to_v"})


@pytest.mark.parametrize("layout", ["multi", "union"])
def test_channels_last_changes_the_order_of_weights_and_no_result(layout):
    models = tiny.models(layout)
    before = prediction(models.unet)
    fusing.channels_last(models)
    convolution = models.unet.conv_in.weight
    assert convolution.is_contiguous(memory_format=torch.channels_last)
    assert not convolution.is_contiguous()
    assert close(prediction(models.unet), before)


@pytest.mark.parametrize("fused", [False, True])
def test_torchs_own_attention_is_the_default_and_fits_the_projections(models, fused, caplog):
    before = prediction(models.unet)
    if fused:
        fusing.fuse(models)
    assert attention.choose(models, "sdpa") == "sdpa"
    assert processors(models) == {FusedAttnProcessor2_0 if fused else AttnProcessor2_0}
    assert close(prediction(models.unet), before)
    assert not caplog.records


@pytest.mark.parametrize("fused", [False, True])
def test_working_xformers_is_used_and_computes_the_same(models, monkeypatch, fused):
    asked = working_xformers(monkeypatch)
    net = models.nets.modules["canny"]
    before = [prediction(models.unet), prediction(net)]
    if fused:
        fusing.fuse(models)
    history = History()
    assert attention.choose(models, "xformers", history=history) == "xformers"
    assert len(asked) == 1, "tried once"
    assert (asked[0].dtype, asked[0].device) == (models.dtype, models.device)
    assert processors(models) == {XformersProcessor}
    assert all(close(after, was) for after, was in zip([prediction(models.unet), prediction(net)], before, strict=True))
    assert len(asked) > len(list(fusing.attentions(models))) / 5
    assert history.report()["fallbacks"] == []
    assert attention.choose(models, "sdpa") == "sdpa", "and back"
    assert XformersProcessor not in processors(models)


@pytest.mark.filterwarnings("ignore")  # what a foreign build of xformers warns about is its own
def test_xformers_that_does_not_run_here_falls_back_with_one_line(models, caplog):
    """No kernel of xformers runs on a CPU, whether it is missing, or built for another torch, or fine."""
    history = History()
    before = prediction(models.unet)
    with caplog.at_level(logging.INFO):
        assert attention.choose(models, "xformers", history=history) == "sdpa"
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "xformers does not work here" in lines[0].getMessage()
    assert processors(models) == {AttnProcessor2_0}
    assert close(prediction(models.unet), before)
    (noted,) = history.report()["fallbacks"]
    assert (noted["what"], noted["wanted"], noted["used"]) == ("attention", "xformers", "sdpa")
    if importlib.util.find_spec("xformers") is None:
        assert noted["reason"] == "not installed"


def test_xformers_that_is_not_installed_is_named_so(models, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "xformers", None)
    monkeypatch.delitem(sys.modules, "xformers.ops", raising=False)
    assert attention.choose(models, "xformers") == "sdpa"
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "error",
    [RuntimeError("no kernel image is available\nfor execution"), OSError("undefined symbol"), NotImplementedError()],
)
def test_any_failure_of_the_trial_is_a_reason_in_one_line(models, monkeypatch, caplog, error):
    working_xformers(monkeypatch)

    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr(attention, "memory_efficient", fail)
    assert attention.choose(models, "xformers") == "sdpa"
    assert "\n" not in caplog.records[0].getMessage()


def test_an_unknown_kernel_is_a_wrong_setting(models):
    with pytest.raises(BadSettings, match="flash"):
        attention.choose(models, "flash")
