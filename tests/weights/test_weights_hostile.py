"""Files and settings that somebody made on purpose: each is refused in one line, quickly, and nothing is left behind."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from pathlib import Path

import pytest

from bot.logs import REDACTED, RedactingFormatter, redact, set_up
from bot.settings import load_settings
from generation.contracts.errors import BadSettings, EngineUnavailable, WeightsDamaged, WrongArchitecture
from generation.diffusion.background import BackgroundFetch
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.weights import ModelStore
from generation.diffusion.weights.answers import TooLongError, TooSlowError, paced, whole
from generation.diffusion.weights.checks import check_class, check_safetensors, check_text
from generation.diffusion.weights.durable import write_json
from generation.diffusion.weights.layout import check_names, is_inside
from generation.diffusion.weights.lock import Lock
from generation.diffusion.weights.receipts import Receipts
from tests.weights.made import fetched, net, put, tensors

DEEP = b"[" * 200_000 + b"]" * 200_000
SOUND = {"_class_name": "ControlNetModel", "block_out_channels": [320, 640, 1280], "layers_per_block": 2}


def config(folder: Path, **more: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(SOUND | more))
    return path


class TestConfigurations:
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"_attn_implementation": "sdpa", "quantization_config": None, "auto_map": {}},
            {"text_config": {"num_hidden_layers": 32, "eos_token_id": 49407, "attn_implementation": None}},
            {"transformer_layers_per_block": [1, 2, 10], "scaling_factor": 0.13025, "latents_mean": None},
        ],
    )
    def test_what_models_really_have_passes(self, tmp_path: Path, more: dict[str, object]) -> None:
        check_text(config(tmp_path, **more), model="m/n", name="unet/config.json")

    @pytest.mark.parametrize(
        "more",
        [
            {"_attn_implementation": "kernels-community/flash-attn2"},
            {"attn_implementation": {"text_config": "evil/kernel"}},
            {"quantization_config": {"quant_method": "gptq"}},
            {"auto_map": {"AutoModel": "evil/repo--module.Class"}},
            {"text_config": {"auto_map": {"AutoModel": "x.Y"}}},
            {"transformers_weights": "../other.safetensors"},
        ],
    )
    def test_code_by_configuration_is_refused(self, tmp_path: Path, more: dict[str, object]) -> None:
        for name in ("config.json", "tokenizer/tokenizer_config.json", "model_index.json"):
            with pytest.raises(WrongArchitecture, match="foreign code"):
                check_text(config(tmp_path, **more), model="m/n", name=name)

    @pytest.mark.parametrize(
        "more",
        [
            {"layers_per_block": 10**9},
            {"layers_per_block": 129},
            {"num_hidden_layers": 10**5},
            {"text_config": {"hidden_size": 10**9}},
            {"block_out_channels": [-(10**9)] * 3},
            {"sample_size": 10**4000},
            {"scaling_factor": math.inf},
            {"scaling_factor": math.nan},
            {"down_block_types": ["DownBlock2D"] * 2000},
            {"down_block_types": ["DownBlock2D"] * 60, "layers_per_block": 100},
        ],
    )
    def test_numbers_that_would_never_end(self, tmp_path: Path, more: dict[str, object]) -> None:
        with pytest.raises(WrongArchitecture) as raised:
            check_text(config(tmp_path, **more), model="m/n", name="config.json")
        assert len(str(raised.value)) < 300

    def test_json_without_a_bottom(self, tmp_path: Path) -> None:
        path = tmp_path / "config.json"
        for content in (b'{"_class_name": ' + DEEP + b"}", b"[" * 60 + b"]" * 60):
            path.write_bytes(content)
            with pytest.raises(WeightsDamaged):
                check_text(path, model="m/n", name="config.json")
            with pytest.raises((WeightsDamaged, WrongArchitecture)):
                check_class(path, "canny", model="m/n")

    def test_a_header_without_a_bottom(self, tmp_path: Path) -> None:
        path, header = tmp_path / "x.safetensors", b'{"a": ' + DEEP + b"}"
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        with pytest.raises(WeightsDamaged):
            check_safetensors(path, model="m/n", name=path.name)

    def test_a_class_name_that_is_a_page(self, tmp_path: Path) -> None:
        with pytest.raises(WrongArchitecture) as raised:
            check_class(config(tmp_path, _class_name="x\n\x1b[31m" * 1000), "canny", model="m/n")
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300

    def test_own_folders_are_looked_into(self, tmp_path: Path) -> None:
        files = net() | {"config.json": json.dumps(SOUND | {"layers_per_block": 10**9}).encode()}
        source = Source(model=str(put(tmp_path / "own", files)))
        store = ModelStore(DiffusionConfig(sources={"canny": source}, data_folder=tmp_path / "data"))
        with pytest.raises(WrongArchitecture, match="layers_per_block"):
            store.files("canny")


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["a/\ud800.json", "a/" + "b" * 256, "a\n2026 ERROR forged", "\x1b[31m.json", "x/" * 600 + "y", "é" * 128],
    )
    def test_no_file_name(self, name: str) -> None:
        assert not is_inside(name)
        with pytest.raises(EngineUnavailable) as raised:
            check_names("m/n", [name])
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 1000

    def test_names_of_the_world(self) -> None:
        assert is_inside("模型/权重.safetensors")
        assert is_inside("a b/" + "c" * 255)

    def test_nothing_is_left_of_a_file_that_could_not_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(UnicodeEncodeError):
            write_json(tmp_path / "x.json", {"a": "\ud800"})
        assert list(tmp_path.iterdir()) == []


class TestLocks:
    @pytest.fixture
    def store(self, tmp_path: Path) -> ModelStore:
        fetched(tmp_path, net())
        sources = {"canny": Source(model="maker/net")}
        config = DiffusionConfig(sources=sources, data_folder=tmp_path / "data", cache_folder=tmp_path / "cache")
        return ModelStore(config)

    @pytest.mark.parametrize(
        "content",
        [
            None,
            b"\xff\xfe",
            b'{"version": 1, "models": ' + DEEP + b"}",
            b'{"version": ' + b"[" * 900 + b"]" * 900 + b', "models": {}}',
            b'{"version": 1, "models": {"canny": {"model": "maker/net", "revision": "main", "commit": "'
            + b"a" * 40
            + b'", "files": {"config.json": {"size": -5, "sha256": null}}}}}',
        ],
    )
    def test_one_clear_line_everywhere(self, store: ModelStore, content: bytes | None) -> None:
        path = store.lock.path
        path.unlink()
        path.mkdir() if content is None else path.write_bytes(content)
        for look in (store.files, lambda role: store.verify([role]), lambda role: store.fetch([role])):
            with pytest.raises(BadSettings, match=r"models\.lock") as raised:
                look("canny")
            assert str(raised.value).isprintable()
        (status,) = store.status(["canny"])
        assert status.state == "missing"
        assert "models.lock" in status.note

    def test_deleted_while_it_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fetched(tmp_path, net())
        lock = Lock(tmp_path / "data" / "models.lock")
        facts = lock.path.stat()
        lock.path.unlink()
        monkeypatch.setattr(Path, "stat", lambda _path, **_how: facts)
        assert lock.models() == {}


def test_a_folder_of_nobodys_is_a_note(tmp_path: Path) -> None:
    sources = {"canny": Source(model="~nobody-of-this-name/net")}
    (status,) = ModelStore(DiffusionConfig(sources=sources, data_folder=tmp_path)).status(["canny"])
    assert status.state == "missing"
    assert status.note


class TestReceipts:
    def test_a_file_exchanged_under_its_old_time_is_hashed_again(self, tmp_path: Path) -> None:
        path = put(tmp_path, {"w": tensors(fill=1)}) / "w"
        receipts, before = Receipts(tmp_path / "receipts.json"), path.stat()
        first = receipts.sha256(path)
        path.write_bytes(tensors(fill=2))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_mtime_ns == before.st_mtime_ns
        assert receipts.known(path) is None
        assert receipts.sha256(path) != first
        assert Receipts(receipts.path).known(path) == receipts.sha256(path)

    def test_receipts_of_an_older_kind_count_for_nothing(self, tmp_path: Path) -> None:
        path = put(tmp_path, {"w": tensors()}) / "w"
        facts = path.stat()
        old = {"hashed": {str(path): [facts.st_size, facts.st_mtime_ns, "0" * 64]}}
        (tmp_path / "receipts.json").write_text(json.dumps(old))
        assert Receipts(tmp_path / "receipts.json").known(path) is None


class TestAnswers:
    def test_a_drip_is_too_slow(self) -> None:
        def drip():
            while True:
                time.sleep(0.01)
                yield b"x"

        with pytest.raises(TooSlowError):
            list(paced(drip(), stall_s=0.05))
        with pytest.raises(TooSlowError):
            whole(drip(), limit=1000, within_s=0.05)

    def test_a_body_without_end_is_too_long(self) -> None:
        with pytest.raises(TooLongError):
            whole(iter(lambda: b"x" * 1000, b""), limit=5000, within_s=10)

    def test_a_reader_who_is_busy_is_no_slow_sender(self) -> None:
        taken = []
        for chunk in paced([b"a", b"b", b"c"], stall_s=0.01):
            time.sleep(0.02)
            taken.append(chunk)
        assert taken == [b"a", b"b", b"c"]


class TestSecrets:
    @pytest.mark.parametrize(
        "line",
        [
            "GET http://user:PASSWORD@127.0.0.1:9/api",
            "proxy 'https://PASSWORD@proxy'",
            "Authorization: Bearer hf_PASSWORDPASSWORDPASSWORD",
        ],
    )
    def test_logins_and_tokens_by_their_shape(self, line: str) -> None:
        assert "PASSWORD" not in redact(line)
        assert REDACTED in redact(line)

    def test_the_hubs_token_and_the_loud_libraries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "an-odd-SECRET")
        monkeypatch.setattr("sys.excepthook", lambda *_: None)
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            set_up("INFO")
            (handler,) = root.handlers
            assert isinstance(handler.formatter, RedactingFormatter)
            record = logging.LogRecord("x", logging.INFO, "", 0, "it is %s", ("an-odd-SECRET",), None)
            assert "SECRET" not in handler.formatter.format(record)
            for name in ("httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub", "filelock"):
                assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
        finally:
            logging.captureWarnings(capture=False)
            root.handlers[:] = handlers
            root.setLevel(level)


class TestSettings:
    @pytest.mark.parametrize("value", ["inf", "nan", "3601", "1e20", "0"])
    def test_a_patience_that_never_ends(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("DIFFUSION__STALL_S", value)
        with pytest.raises(BadSettings, match="DIFFUSION__STALL_S"):
            load_settings()

    @pytest.mark.parametrize("name", ["IDLE_UNLOAD_S", "UNION_GAIN"])
    @pytest.mark.parametrize("value", ["inf", "nan"])
    def test_no_other_number_without_end(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(f"DIFFUSION__{name}", value)
        with pytest.raises(BadSettings, match=name):
            load_settings()


@pytest.mark.parametrize("error", [OverflowError("odd"), KeyError("odd"), TypeError("odd"), RecursionError("odd")])
def test_the_background_survives_what_nobody_foresaw(error: Exception) -> None:
    class Store:
        calls = 0

        def fetch(self, roles, *, on_progress, cancelled):
            self.calls += 1
            if self.calls == 1:
                raise error

    store = Store()
    fetch = BackgroundFetch(store, ("vae",), first_pause_s=0.01)
    fetch.start()
    fetch._thread.join(10)
    assert store.calls == 2
    assert fetch.report() == {}
