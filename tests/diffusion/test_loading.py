"""Loading through the real `from_pretrained`: tiny models of every role, from the hub's cache and from own folders."""

from __future__ import annotations

import gc
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.contracts.errors import (
    EngineUnavailable,
    ModelNotFound,
    UnsafeWeights,
    WeightsDamaged,
    WeightsMissing,
    WrongArchitecture,
)
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.measuring import tiny
from generation.diffusion.weights import ModelStore
from generation.diffusion.weights.loading import load
from tests.diffusion.loopback_hub import LoopbackHub

pytestmark = pytest.mark.diffusion
NET_ROLES = ("canny", "depth", "segmentation", "scribble")
CLASSES = {
    "vae": "AutoencoderKL",
    **dict.fromkeys(NET_ROLES, "ControlNetModel"),
    "union": "ControlNetUnionModel",
    "taesd": "AutoencoderTiny",
}
BASE = ("unet", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    return tiny.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def fetched(local: dict[str, Source], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStore]:
    """A store that got every role from a hub which is gone now."""
    folder = tmp_path_factory.mktemp("fetched")
    with LoopbackHub() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        sources = {role: Source(model=f"tiny/{role}", weights=source.weights) for role, source in local.items()}
        for role, source in local.items():
            hub.publish(f"tiny/{role}", source.folder)
        config = DiffusionConfig(sources=sources, data_folder=folder / "data", cache_folder=folder / "cache")
        store = ModelStore(config)
        store.fetch(list(sources))
        yield store
        assert [seen.path for seen in hub.seen if "tiny/base" in seen.path and ("/vae" in seen.path)] == []


@pytest.fixture
def own(local: dict[str, Source], tmp_path: Path) -> Path:
    """A net's folder that a test may spoil."""
    return copytree(local["canny"].folder, tmp_path / "net")


class TestEveryRole:
    @pytest.mark.parametrize("role", CLASSES)
    def test_one_module_in_the_asked_dtype(self, fetched: ModelStore, local: dict[str, Source], role: str) -> None:
        loaded = load(fetched, role, dtype=torch.bfloat16)
        (module,) = loaded.modules.values()
        assert type(module).__name__ == CLASSES[role]
        assert {p.dtype for p in module.parameters()} == {torch.bfloat16}
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())
        sizes = sum(p.numel() * p.element_size() for p in [*module.parameters(), *module.buffers()])
        assert loaded.bytes == sizes > 0
        assert loaded.seconds > 0
        original = load_file(next(local[role].folder.glob("*.safetensors")))
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, original[name].to(torch.bfloat16)), name

    def test_the_base_gives_its_parts_and_its_schedule(self, fetched: ModelStore) -> None:
        loaded = load(fetched, "base", dtype="fp32")
        assert tuple(loaded.modules) == BASE
        assert loaded.scheduler["num_train_timesteps"] == 1000
        words = loaded.modules["tokenizer"]("abc", padding="max_length", max_length=77, return_tensors="pt")
        pooled = loaded.modules["text_encoder_2"](words.input_ids, output_hidden_states=True)
        assert torch.isfinite(pooled.text_embeds).all()
        assert {p.dtype for p in loaded.modules["text_encoder"].parameters()} == {torch.float32}

    def test_the_same_as_in_memory(self, fetched: ModelStore) -> None:
        held = tiny.models("multi", seed=0)
        unet = load(fetched, "base", dtype=torch.float32).modules["unet"]
        for name, tensor in held.unet.state_dict().items():
            assert torch.equal(unet.state_dict()[name], tensor), name

    def test_own_folders_need_no_lock_and_no_network(
        self, local: dict[str, Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = ModelStore(DiffusionConfig(sources=local, data_folder=tmp_path / "data", local_files_only=True))
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        assert {status.state for status in store.status(list(local))} == {"local"}
        store.fetch(list(local))
        for role in local:
            assert load(store, role, dtype=torch.float32).modules
        assert not (tmp_path / "data" / "models.lock").exists()

    def test_a_folder_alone(self, own: Path) -> None:
        assert type(load(own, "canny", dtype="fp16").modules["canny"]).__name__ == "ControlNetModel"

    def test_what_was_fetched_loads_with_every_socket_refused(
        self, fetched: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        for role in ("base", "segmentation"):
            load(fetched, role, dtype=torch.float32)

    def test_progress_bars_and_warnings_stay_away(
        self, fetched: ModelStore, capsys: pytest.CaptureFixture[str]
    ) -> None:
        load(fetched, "base", dtype=torch.float32)
        printed = capsys.readouterr()
        assert printed.out + printed.err == ""

    def test_a_lora_is_its_tensors(self, tmp_path: Path) -> None:
        save_file({"a.lora_down.weight": torch.ones(2, 3)}, tmp_path / "step.safetensors")
        source = Source(model=str(tmp_path), weights="step.safetensors")
        store = ModelStore(DiffusionConfig(sources={"turbo": source}))
        loaded = load(store, "turbo", dtype=torch.float32)
        assert loaded.modules["turbo"]["a.lora_down.weight"].shape == (2, 3)
        assert loaded.bytes == 24


class TestLayouts:
    def test_shards_and_variants(self, own: Path, tmp_path: Path) -> None:
        from diffusers import ControlNetModel

        plain = ControlNetModel.from_pretrained(own)
        plain.save_pretrained(tmp_path / "shards", max_shard_size="1MB", variant="fp16")
        assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
        store = local_store(tmp_path / "shards", variant="fp16")
        module = load(store, "canny", dtype=torch.float32).modules["canny"]
        for name, tensor in plain.state_dict().items():
            assert torch.equal(module.state_dict()[name], tensor), name

    def test_a_pickle_beside_the_weights_is_never_opened(self, own: Path) -> None:
        (own / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04 this would run")
        assert load(own, "canny", dtype=torch.float32).modules

    def test_buffers_of_older_libraries_are_no_fault(self, local: dict[str, Source], tmp_path: Path) -> None:
        """SDXL's own text encoders carry `position_ids`, which newer transformers compute."""
        base = copytree(local["base"].folder, tmp_path / "base")
        path = base / "text_encoder" / "model.safetensors"
        tensors = load_file(path)
        prefix = "text_model." if any(name.startswith("text_model.") for name in tensors) else ""
        tensors[f"{prefix}embeddings.position_ids"] = torch.arange(77).unsqueeze(0)
        save_file(tensors, path, metadata={"format": "pt"})
        assert load(base, "base", dtype=torch.float32).modules["text_encoder"]


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("role", "given", "expected"),
        [("vae", "canny", "AutoencoderKL"), ("canny", "vae", "ControlNetModel"), ("taesd", "vae", "AutoencoderTiny")],
    )
    def test_another_class(self, local: dict[str, Source], role: str, given: str, expected: str) -> None:
        with pytest.raises(WrongArchitecture) as raised:
            load(local[given].folder, role, dtype=torch.float32)
        assert raised.value.details["expected"] == expected
        assert one_line(raised.value)

    def test_a_plain_net_where_the_union_is_wanted(self, local: dict[str, Source]) -> None:
        with pytest.raises(WrongArchitecture, match=r"ControlNetUnionModel.*\d+ tensors missing"):
            load(local["canny"].folder, "union", dtype=torch.float32)

    def test_a_union_where_a_net_is_wanted(self, local: dict[str, Source]) -> None:
        with pytest.raises(WrongArchitecture, match=r"expected ControlNetModel, found ControlNetUnionModel"):
            load(local["union"].folder, "canny", dtype=torch.float32)

    def test_a_net_as_the_bases_unet(self, local: dict[str, Source], tmp_path: Path) -> None:
        base = copytree(local["base"].folder, tmp_path / "base")
        (base / "unet" / WEIGHTS).write_bytes((local["canny"].folder / WEIGHTS).read_bytes())
        with pytest.raises(WrongArchitecture, match=r"UNet2DConditionModel.*tensors missing.*do not belong"):
            load(base, "base", dtype=torch.float32)

    def test_missing_tensors(self, own: Path) -> None:
        spoil(own / WEIGHTS, lambda tensors: tensors.pop("conv_in.bias"))
        with pytest.raises(WrongArchitecture, match=r"1 tensors missing \(conv_in.bias\)"):
            load(own, "canny", dtype=torch.float32)

    def test_tensors_too_many(self, own: Path) -> None:
        spoil(own / WEIGHTS, lambda tensors: tensors.update(odd=torch.zeros(1)))
        with pytest.raises(WrongArchitecture, match="1 tensors that do not belong"):
            load(own, "canny", dtype=torch.float32)

    @pytest.mark.parametrize("part", ["canny", "text_encoder"])
    def test_tensors_of_another_shape(self, local: dict[str, Source], tmp_path: Path, part: str) -> None:
        role = "canny" if part == "canny" else "base"
        folder = copytree(local[role].folder, tmp_path / role)
        path = folder / WEIGHTS if role == "canny" else folder / part / "model.safetensors"
        name = "conv_in.bias" if role == "canny" else "final_layer_norm.bias"
        spoil(path, lambda tensors: shorten(tensors, name))
        with pytest.raises(WrongArchitecture) as raised:
            load(folder, role, dtype=torch.float32)
        assert one_line(raised.value)

    def test_a_configuration_of_nonsense(self, own: Path) -> None:
        config = json.loads((own / "config.json").read_text())
        (own / "config.json").write_text(json.dumps(config | {"block_out_channels": "wide"}))
        with pytest.raises(WrongArchitecture, match="configuration"):
            load(own, "canny", dtype=torch.float32)

    @pytest.mark.parametrize(
        ("part", "change"),
        [
            ("text_encoder", {"hidden_size": "abc"}),
            ("text_encoder", {"num_attention_heads": 0}),
            ("unet", {"norm_num_groups": 0}),
            ("unet", {"attention_head_dim": 0}),
        ],
    )
    def test_numbers_no_model_can_have_are_explained_whatever_the_library_raises(
        self, local: dict[str, Source], tmp_path: Path, part: str, change: dict[str, object]
    ) -> None:
        folder = copytree(local["base"].folder, tmp_path / "base")
        config = folder / part / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | change))
        with pytest.raises(WrongArchitecture):
            load(folder, "base", dtype=torch.float32)

    def test_a_configuration_that_is_no_json(self, own: Path) -> None:
        (own / "config.json").write_text("{")
        with pytest.raises(WeightsDamaged, match=r"config\.json"):
            load(own, "canny", dtype=torch.float32)

    def test_half_a_file(self, own: Path) -> None:
        content = (own / WEIGHTS).read_bytes()
        (own / WEIGHTS).write_bytes(content[: len(content) // 2])
        with pytest.raises(WeightsDamaged, match=WEIGHTS):
            load(own, "canny", dtype=torch.float32)

    def test_a_dtype_no_safetensors_has(self, own: Path) -> None:
        """Sound to a look at the header, refused by the library."""
        content = (own / WEIGHTS).read_bytes()
        (own / WEIGHTS).write_bytes(content.replace(b'"F32"', b'"X32"', 1))
        with pytest.raises(WeightsDamaged, match=WEIGHTS):
            load(own, "canny", dtype=torch.float32)

    def test_only_pickles_in_an_own_folder(self, own: Path) -> None:
        (own / WEIGHTS).rename(own / "diffusion_pytorch_model.bin")
        with pytest.raises(UnsafeWeights, match="pickle"):
            load(own, "canny", dtype=torch.float32)

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFound, match="not there"):
            load(tmp_path / "nowhere", "canny", dtype=torch.float32)

    def test_weights_that_were_never_fetched(self, tmp_path: Path) -> None:
        store = ModelStore(DiffusionConfig(data_folder=tmp_path, cache_folder=tmp_path))
        with pytest.raises(WeightsMissing, match=r"models fetch"):
            load(store, "canny", dtype=torch.float32)

    def test_damage_on_disk_is_found_before_loading(self, fetched: ModelStore, tmp_path: Path) -> None:
        path = fetched.files("scribble")[WEIGHTS].resolve()
        content = path.read_bytes()
        try:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            with pytest.raises(WeightsDamaged, match=WEIGHTS):
                load(fetched, "scribble", dtype=torch.float32)
        finally:
            path.write_bytes(content)
        assert load(fetched, "scribble", dtype=torch.float32).modules


class TestHostMemory:
    def test_at_most_one_extra_copy(self, own: Path, tmp_path: Path) -> None:
        """A net of 230 MB, loaded as half of that: the process gains at its peak the model, and its file's pages once."""
        write_big(own, tmp_path / "big")
        load(own, "canny", dtype="bf16")  # whatever is imported or allocated only once
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, see proc(5)
        before = memory("VmRSS")
        assert memory("VmHWM") < before + 20_000_000
        loaded = load(tmp_path / "big", "canny", dtype="bf16")
        assert sum(parameter.isnan().sum() for parameter in loaded.modules["canny"].parameters()) == 0, (
            "every page is read"
        )
        gained, file_size = memory("VmHWM") - before, (tmp_path / "big" / WEIGHTS).stat().st_size
        assert loaded.bytes > 100_000_000
        assert gained > loaded.bytes
        assert gained < 1.1 * (loaded.bytes + file_size)


def memory(name: str) -> int:
    """A figure of `/proc/self/status`, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def write_big(small: Path, folder: Path) -> None:
    from diffusers import ControlNetModel

    config = {key: value for key, value in ControlNetModel.load_config(small).items() if not key.startswith("_")}
    with torch.device("meta"):
        net = ControlNetModel.from_config(config | {"block_out_channels": (128, 256, 640), "norm_num_groups": 32})
    net.to_empty(device="cpu")
    for parameter in net.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    net.save_pretrained(folder)


def refuse(*arguments: object) -> None:
    message = f"a socket was asked to connect to {arguments[-1]}"
    raise AssertionError(message)


def local_store(folder: Path, **facts: str) -> ModelStore:
    return ModelStore(DiffusionConfig(sources={"canny": Source(model=str(folder), **facts)}))


def spoil(path: Path, change: object) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def shorten(tensors: dict[str, torch.Tensor], ending: str) -> None:
    name = next(name for name in tensors if name.endswith(ending))
    tensors[name] = tensors[name][:-1].clone()


def one_line(error: EngineUnavailable) -> bool:
    return "\n" not in str(error) and "?" not in str(error)


class TestHostileConfigurations:
    """Nothing is built by a configuration that asks for code, or for more than any machine has."""

    @pytest.mark.parametrize("part", ["text_encoder", "text_encoder_2", "unet"])
    @pytest.mark.parametrize(
        "more",
        [
            {"_attn_implementation": "kernels-community/flash-attn2"},
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
            {"num_hidden_layers": 10**9, "layers_per_block": 10**9},
        ],
    )
    def test_a_part_of_the_base(
        self, local: dict[str, Source], tmp_path: Path, part: str, more: dict[str, object]
    ) -> None:
        folder = copytree(local["base"].folder, tmp_path / "base")
        config = folder / part / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | more))
        with pytest.raises(WrongArchitecture, match=f"{part}/config.json"):
            load(folder, "base", dtype="fp32")

    @pytest.mark.parametrize("role", ["canny", "union", "vae", "taesd"])
    def test_every_other_role(self, local: dict[str, Source], tmp_path: Path, role: str) -> None:
        folder = copytree(local[role].folder, tmp_path / role)
        config = folder / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"auto_map": {"AutoModel": "x.Y"}}))
        with pytest.raises(WrongArchitecture, match="auto_map"):
            load(folder, role, dtype="fp32")

    def test_text_encoders_attend_by_torch_alone(self, fetched: ModelStore) -> None:
        modules = load(fetched, "base", dtype="fp32").modules
        for part in ("text_encoder", "text_encoder_2"):
            assert modules[part].config._attn_implementation == "sdpa"
