"""Which files a role takes from a repository, over listings as the real ones are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.contracts.errors import EngineUnavailable, ModelNotFound, UnsafeWeights
from generation.diffusion.config import DEFAULT_SOURCES, ROLES, Source
from generation.diffusion.weights.layout import PICKLES, check_names, chosen, classes, config_of, is_inside, is_weights

NET = Source(model="maker/net")
HALF = Source(model="maker/net", variant="fp16")
WEIGHTS = "diffusion_pytorch_model.safetensors"
SDXL_BASE = [
    ".gitattributes",
    "LICENSE.md",
    "README.md",
    "comparison.png",
    "model_index.json",
    "pipeline.png",
    "sd_xl_base_1.0.safetensors",
    "sd_xl_base_1.0_0.9vae.safetensors",
    "sd_xl_offset_example-lora_1.0.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/flax_model.msgpack",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.onnx",
    "text_encoder/model.safetensors",
    "text_encoder/openvino_model.bin",
    "text_encoder/openvino_model.xml",
    "text_encoder_2/config.json",
    "text_encoder_2/flax_model.msgpack",
    "text_encoder_2/model.fp16.safetensors",
    "text_encoder_2/model.onnx",
    "text_encoder_2/model.onnx_data",
    "text_encoder_2/model.safetensors",
    "text_encoder_2/openvino_model.bin",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "tokenizer_2/merges.txt",
    "tokenizer_2/special_tokens_map.json",
    "tokenizer_2/tokenizer_config.json",
    "tokenizer_2/vocab.json",
    "unet/config.json",
    "unet/diffusion_flax_model.msgpack",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "unet/model.onnx",
    "unet/model.onnx_data",
    "unet/openvino_model.bin",
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "vae_1_0/config.json",
    "vae_1_0/diffusion_pytorch_model.safetensors",
    "vae_decoder/config.json",
    "vae_decoder/model.onnx",
]


class TestTheBase:
    def test_the_variant_of_every_part_and_nothing_else(self) -> None:
        found = chosen("base", DEFAULT_SOURCES["base"], SDXL_BASE)
        assert sorted(found.values()) == [
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.fp16.safetensors",
            "text_encoder_2/config.json",
            "text_encoder_2/model.fp16.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "tokenizer_2/merges.txt",
            "tokenizer_2/special_tokens_map.json",
            "tokenizer_2/tokenizer_config.json",
            "tokenizer_2/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.fp16.safetensors",
        ]
        assert found["unet/diffusion_pytorch_model.safetensors"] == "unet/diffusion_pytorch_model.fp16.safetensors"
        assert found["text_encoder/model.safetensors"] == "text_encoder/model.fp16.safetensors"

    def test_the_plain_files_without_a_variant(self) -> None:
        found = chosen("base", Source(model="maker/base"), SDXL_BASE)
        assert not [name for name in found.values() if "fp16" in name or name.startswith("vae")]

    def test_a_text_encoder_without_the_variant_is_taken_plain(self) -> None:
        names = [name for name in SDXL_BASE if name != "text_encoder/model.fp16.safetensors"]
        assert chosen("base", HALF, names)["text_encoder/model.safetensors"] == "text_encoder/model.safetensors"

    def test_the_unet_must_have_the_variant(self) -> None:
        names = [name for name in SDXL_BASE if name != "unet/diffusion_pytorch_model.fp16.safetensors"]
        with pytest.raises(ModelNotFound, match=r"unet/diffusion_pytorch_model\.fp16\.safetensors"):
            chosen("base", HALF, names)

    @pytest.mark.parametrize(
        "needed", [n for n in SDXL_BASE if n.endswith(("vocab.json", "merges.txt", "config.json"))]
    )
    def test_every_text_is_missed(self, needed: str) -> None:
        if needed.startswith("vae") or needed.endswith("tokenizer_config.json"):
            return
        with pytest.raises(ModelNotFound, match=needed):
            chosen("base", HALF, [name for name in SDXL_BASE if name != needed])

    def test_a_fast_tokenizer_needs_no_vocabulary(self) -> None:
        names = [n for n in SDXL_BASE if n not in {"tokenizer/vocab.json", "tokenizer/merges.txt"}]
        assert "tokenizer/tokenizer.json" in chosen("base", HALF, [*names, "tokenizer/tokenizer.json"])

    def test_pickles_in_one_part_only(self) -> None:
        names = [n for n in SDXL_BASE if not (n.startswith("unet/") and is_weights(n))]
        with pytest.raises(UnsafeWeights, match="pickle"):
            chosen("base", HALF, [*names, "unet/diffusion_pytorch_model.bin"])


class TestANet:
    def test_safetensors_beside_pickles(self) -> None:
        names = ["config.json", WEIGHTS, "diffusion_pytorch_model.bin", "other.safetensors"]
        assert chosen("depth", NET, names) == {"config.json": "config.json", WEIGHTS: WEIGHTS}

    def test_a_file_name_of_its_own(self) -> None:
        source = DEFAULT_SOURCES["segmentation"]
        found = chosen("segmentation", source, ["config.json", "sdxl_segmentation_ade20k_controlnet.safetensors"])
        assert found[WEIGHTS] == "sdxl_segmentation_ade20k_controlnet.safetensors"

    @pytest.mark.parametrize("order", ["{stem}.fp16{count}", "{stem}{count}.fp16"])
    def test_shards_of_a_variant_in_either_order(self, order: str) -> None:
        stem = "diffusion_pytorch_model"
        shards = [order.format(stem=stem, count=f"-0000{n}-of-00002") + ".safetensors" for n in (1, 2)]
        index = f"{stem}.safetensors.index.fp16.json"
        plain = [f"{stem}-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
        found = chosen("canny", HALF, ["config.json", index, f"{stem}.safetensors.index.json", *shards, *plain])
        assert found == {
            "config.json": "config.json",
            f"{stem}.safetensors.index.json": index,
            **{shard: shard for shard in shards},
        }

    def test_shards_without_their_index_are_not_a_model(self) -> None:
        with pytest.raises(ModelNotFound):
            chosen("canny", NET, ["config.json", "diffusion_pytorch_model-00001-of-00002.safetensors"])

    @pytest.mark.parametrize("ending", PICKLES)
    def test_only_pickles(self, ending: str) -> None:
        with pytest.raises(UnsafeWeights, match=f"net{ending}"):
            chosen("canny", NET, ["config.json", f"net{ending}"])

    def test_a_lora(self) -> None:
        source = DEFAULT_SOURCES["turbo"]
        names = ["Hyper-SDXL-8steps-CFG-lora.safetensors", "Hyper-SDXL-8steps-lora.safetensors", "x/y.safetensors"]
        assert list(chosen("turbo", source, names).values()) == [source.weights]
        assert chosen("turbo", NET, ["b.safetensors"]) == {"lora.safetensors": "b.safetensors"}
        with pytest.raises(ModelNotFound):
            chosen("turbo", NET, ["README.md"])


class TestNames:
    @pytest.mark.parametrize("name", ["", "/x", "../x", "a/../x", "a//x", "./x", "a\\x", "C:x", "x\0", "a/", "a/."])
    def test_outside(self, name: str) -> None:
        assert not is_inside(name)
        with pytest.raises(EngineUnavailable, match="outside"):
            check_names("maker/net", [name])

    @pytest.mark.parametrize("name", ["x", "a/b.json", "..x", "a..b/c", ".gitattributes"])
    def test_inside(self, name: str) -> None:
        assert is_inside(name)
        check_names("maker/net", [name])

    @given(st.lists(st.sampled_from(["..", ".", "a", "", "b.json"]), max_size=5).map("/".join))
    def test_what_is_inside_resolves_inside(self, name: str) -> None:
        if is_inside(name):
            assert (Path("/top") / name).resolve().is_relative_to("/top")

    @given(st.lists(st.text(max_size=12), max_size=12), st.sampled_from(ROLES))
    def test_any_listing_gives_names_of_its_own_or_one_of_two_errors(self, names: list[str], role: str) -> None:
        found = {}
        with suppress(ModelNotFound, UnsafeWeights):
            found = chosen(role, NET, names)
        assert set(found.values()) <= set(names)

    def test_each_role_has_its_class(self) -> None:
        assert {role: classes(role)[0] for role in ("vae", "canny", "union")} == {
            "vae": "AutoencoderKL",
            "canny": "ControlNetModel",
            "union": "ControlNetUnionModel",
        }
        assert config_of("turbo") is None
