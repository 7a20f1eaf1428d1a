"""The store over files on disk: what it says of them, without hub, network or torch."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generation.contracts.errors import (
    EngineUnavailable,
    UnsafeWeights,
    WeightsDamaged,
    WeightsMissing,
    WrongArchitecture,
)
from generation.diffusion.config import ROLES, DiffusionConfig, Source
from generation.diffusion.weights import ModelStore
from tests.weights.made import COMMIT, WEIGHTS, complete, fetched, net, put, tensors

ROOT = Path(__file__).resolve().parents[2]
NET = Source(model="maker/net")


def store(folder: Path, source: Source = NET, role: str = "canny") -> ModelStore:
    return ModelStore(
        DiffusionConfig(sources={role: source}, data_folder=folder / "data", cache_folder=folder / "cache")
    )


class TestStatus:
    def test_nothing_yet(self, tmp_path: Path) -> None:
        models = store(tmp_path)
        assert {status.state for status in models.status(ROLES)} == {"missing"}
        assert list(tmp_path.iterdir()) == [], "looking leaves nothing behind"
        with pytest.raises(WeightsMissing, match="maker/net"):
            models.files("canny")

    def test_complete(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        models = store(tmp_path)
        (status,) = models.status(["canny"])
        total = sum(map(len, net().values()))
        assert (status.state, status.commit, status.bytes, status.total) == ("complete", COMMIT, total, total)
        assert models.files("canny") == {name: folder / name for name in net()}

    def test_a_file_gone(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        (folder / WEIGHTS).unlink()
        models = store(tmp_path)
        (status,) = models.status(["canny"])
        assert status.state == "partial"
        assert 0 < status.bytes < (status.total or 0)
        with pytest.raises(WeightsMissing):
            models.files("canny")

    def test_a_file_of_another_size(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        (folder / WEIGHTS).write_bytes(tensors(99))
        models = store(tmp_path)
        assert models.status(["canny"])[0].state == "damaged"
        assert WEIGHTS in models.status(["canny"])[0].note
        with pytest.raises(WeightsDamaged, match=WEIGHTS):
            models.files("canny")

    def test_a_file_of_another_content_is_found_when_it_is_used(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        (folder / WEIGHTS).write_bytes(tensors(fill=8))
        models = store(tmp_path)
        with pytest.raises(WeightsDamaged):
            models.files("canny")
        assert models.status(["canny"])[0].state == "damaged"

    def test_another_model_in_the_settings_is_missing(self, tmp_path: Path) -> None:
        fetched(tmp_path, net())
        assert store(tmp_path, Source(model="maker/other")).status(["canny"])[0].state == "missing"

    def test_answers_are_cheap(self, tmp_path: Path) -> None:
        roles = ["base", "vae", "canny", "depth", "segmentation", "scribble", "union"]
        for role in roles[1:]:
            fetched(tmp_path, net(), role=role, model=f"maker/{role}")
        sources = {role: Source(model=f"maker/{role}") for role in roles}
        config = DiffusionConfig(sources=sources, data_folder=tmp_path / "data", cache_folder=tmp_path / "cache")
        models = ModelStore(config)
        began_s = time.perf_counter()
        for _ in range(20):
            models.status(roles)
        assert (time.perf_counter() - began_s) / 20 < 0.02


class TestVerify:
    def test_every_byte_is_read_again(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        models = store(tmp_path)
        assert {result.state for result in models.verify(["canny"])} == {"fine"}
        before = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
        (folder / WEIGHTS).write_bytes(tensors(fill=8))
        models._receipts.keep(folder / WEIGHTS, before)  # as where a disk fails: `stat` tells nothing of it
        assert models.files("canny"), "all that `stat` tells is as at the last hashing: it is believed"
        states = {result.file: result.state for result in models.verify(["canny"])}
        assert states == {"config.json": "fine", WEIGHTS: "damaged"}
        assert models.status(["canny"])[0].state == "damaged"

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        folder = fetched(tmp_path, net())
        (folder / "config.json").unlink()
        results = store(tmp_path).verify(["canny", "depth"])
        assert [(r.role, r.file, r.state) for r in results] == [
            ("canny", "config.json", "missing"),
            ("canny", WEIGHTS, "fine"),
            ("depth", "*", "missing"),
        ]


class TestOwnFolders:
    def test_complete_without_a_lock(self, tmp_path: Path) -> None:
        own = put(tmp_path / "own", net())
        models = store(tmp_path, Source(model=str(own)))
        assert models.status(["canny"])[0].state == "local"
        assert models.files("canny")[WEIGHTS] == own / WEIGHTS
        assert {result.state for result in models.verify(["canny"])} == {"fine"}
        models.fetch(["canny"])
        assert not (tmp_path / "data").exists()

    def test_a_relative_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path / "own", net())
        monkeypatch.chdir(tmp_path)
        assert complete(store(tmp_path, Source(model="./own")), ["canny"])

    @pytest.mark.parametrize(
        ("files", "error"),
        [
            ({"config.json": b"{}", "net.ckpt": b"\x80"}, UnsafeWeights),
            (net("AutoencoderKL"), WrongArchitecture),
            (net() | {WEIGHTS: tensors()[:-1]}, WeightsDamaged),
            ({"config.json": b"{"} | {WEIGHTS: tensors()}, WeightsDamaged),
        ],
    )
    def test_what_cannot_be_used(self, tmp_path: Path, files: dict[str, bytes], error: type[EngineUnavailable]) -> None:
        models = store(tmp_path, Source(model=str(put(tmp_path / "own", files))))
        with pytest.raises(error):
            models.files("canny")
        with pytest.raises(error):
            models.fetch(["canny"])

    def test_one_that_is_not_there_says_so_in_the_list(self, tmp_path: Path) -> None:
        (status,) = store(tmp_path, Source(model=str(tmp_path / "nowhere"))).status(["canny"])
        assert status.state == "missing"
        assert "nowhere" in status.note


class TestWithoutTheExtra:
    def test_fetching_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(EngineUnavailable, match="EXTRAS=diffusion"):
            store(tmp_path).fetch(["canny"])

    def test_looking_imports_nothing_heavy(self, tmp_path: Path) -> None:
        script = (
            "import sys, json\nfrom pathlib import Path\n"
            "from generation.diffusion.config import DiffusionConfig\n"
            "from generation.diffusion.weights import ModelStore\n"
            f"store = ModelStore(DiffusionConfig(data_folder=Path({str(tmp_path)!r})))\n"
            "store.status(['base']); store.verify(['base'])\n"
            "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))\n"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        loaded = set(json.loads(done.stdout))
        assert not loaded & {"torch", "diffusers", "transformers", "huggingface_hub", "safetensors", "httpx", "httpx2"}
