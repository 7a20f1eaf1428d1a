"""The lock file, the receipts of hashes, and the small checks under them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.contracts.errors import BadSettings, CannotWrite, NoRoomForWeights, WeightsDamaged, WrongArchitecture
from generation.diffusion.config import Source
from generation.diffusion.weights.checks import check_class, check_safetensors, git_sha1_of, sha256_of
from generation.diffusion.weights.durable import free, unwritable, write_json
from generation.diffusion.weights.lock import Lock, LockedFile, LockedModel
from generation.diffusion.weights.places import Cache, cache_root, endpoint, offline, without_login
from generation.diffusion.weights.receipts import Receipts
from tests.weights.made import COMMIT, net, put, tensors

MODEL = LockedModel("maker/net", "main", COMMIT, {"config.json": LockedFile(3, "ab" * 32), "w": LockedFile(9, None)})


class TestTheLock:
    def test_what_is_put_is_read_by_others(self, tmp_path: Path) -> None:
        Lock(tmp_path / "data" / "models.lock").put("canny", MODEL)
        assert Lock(tmp_path / "data" / "models.lock").models() == {"canny": MODEL}

    def test_it_is_sorted_and_readable(self, tmp_path: Path) -> None:
        lock = Lock(tmp_path / "models.lock")
        for role in ("vae", "base", "canny"):
            lock.put(role, MODEL)
        text = lock.path.read_text()
        assert list(json.loads(text)["models"]) == ["base", "canny", "vae"]
        assert text.endswith("}\n")
        assert '\n    "base": {' in text
        assert lock.path.stat().st_mode & 0o777 == 0o644

    def test_what_another_process_wrote_is_seen_and_kept(self, tmp_path: Path) -> None:
        one, other = Lock(tmp_path / "models.lock"), Lock(tmp_path / "models.lock")
        one.put("canny", MODEL)
        assert "canny" in other.models()
        other.put("depth", MODEL)
        one.put("vae", MODEL)
        assert set(one.models()) == {"canny", "depth", "vae"}

    def test_many_writers_lose_nothing(self, tmp_path: Path) -> None:
        roles = [f"role{n}" for n in range(12)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda role: Lock(tmp_path / "models.lock").put(role, MODEL), roles))
        assert set(Lock(tmp_path / "models.lock").models()) == set(roles)

    def test_without_a_file_nothing_is_pinned(self, tmp_path: Path) -> None:
        assert Lock(tmp_path / "models.lock").models() == {}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{",
            '{"version": 1}',
            '{"version": 1, "models": []}',
            '{"version": 1, "models": {"canny": {}}}',
            json.dumps(
                {"version": 1, "models": {"canny": {"model": "a/b", "revision": "m", "commit": "x", "files": {}}}}
            ),
            json.dumps(
                {
                    "version": 1,
                    "models": {
                        "canny": {
                            "model": "a/b",
                            "revision": "m",
                            "commit": COMMIT,
                            "files": {"../x": {"size": 1, "sha256": None}},
                        }
                    },
                }
            ),
        ],
    )
    def test_a_damaged_one_is_not_taken_for_an_empty_one(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "models.lock").write_text(text)
        with pytest.raises(BadSettings, match=r"models\.lock"):
            Lock(tmp_path / "models.lock").models()
        with pytest.raises(BadSettings):
            Lock(tmp_path / "models.lock").put("canny", MODEL)
        assert (tmp_path / "models.lock").read_text() == text

    def test_a_newer_one_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "models.lock").write_text('{"version": 2, "models": {}}')
        with pytest.raises(BadSettings, match="newer"):
            Lock(tmp_path / "models.lock").models()

    @pytest.mark.parametrize(
        ("model", "revision", "fits", "moved"),
        [
            ("maker/net", "main", True, False),
            ("maker/net", COMMIT, True, False),
            ("maker/net", "other", False, True),
            ("maker/other", "main", False, False),
        ],
    )
    def test_what_fits(self, model: str, revision: str, *, fits: bool, moved: bool) -> None:
        source = Source(model=model, revision=revision)
        assert (MODEL.fits(source), MODEL.has_moved(source)) == (fits, moved)


class TestReceipts:
    def test_a_file_is_read_once(self, tmp_path: Path) -> None:
        file = tmp_path / "w"
        file.write_bytes(b"abc")
        Receipts(tmp_path / "seen.json").sha256(file)
        Receipts(tmp_path / "seen.json").keep(file, "0" * 64)
        known = Receipts(tmp_path / "seen.json")
        assert known.sha256(file) == "0" * 64, "it was believed, hence not read"
        assert known.sha256(file, again=True) == hashlib.sha256(b"abc").hexdigest()

    def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
        file, receipts = tmp_path / "w", Receipts(tmp_path / "seen.json")
        file.write_bytes(b"abc")
        receipts.sha256(file)
        os.utime(file, ns=(1, 1))
        assert receipts.known(file) is None
        file.write_bytes(b"xyz")
        assert receipts.sha256(file) == hashlib.sha256(b"xyz").hexdigest()

    @pytest.mark.parametrize("text", ["", "[]", '{"hashed": 3}', '{"hashed": {"x": [1]}}'])
    def test_a_damaged_file_of_receipts_is_only_forgotten(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "seen.json").write_text(text)
        (tmp_path / "w").write_bytes(b"abc")
        assert Receipts(tmp_path / "seen.json").sha256(tmp_path / "w") == hashlib.sha256(b"abc").hexdigest()

    def test_where_they_cannot_be_kept_hashing_still_works(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"abc")
        receipts = Receipts(tmp_path / "file" / "seen.json")
        assert receipts.sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


class TestChecks:
    @given(st.binary(max_size=300))
    def test_hashes_are_the_known_ones(self, content: bytes) -> None:
        import tempfile

        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            assert sha256_of(Path(file.name)) == hashlib.sha256(content).hexdigest()
            assert git_sha1_of(Path(file.name)) == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def test_gits_own_answer(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"hello\n")
        git = subprocess.run(["git", "hash-object", tmp_path / "f"], capture_output=True, text=True, check=True)
        assert git_sha1_of(tmp_path / "f") == git.stdout.strip()

    def test_a_sound_file(self, tmp_path: Path) -> None:
        (tmp_path / "w").write_bytes(tensors())
        check_safetensors(tmp_path / "w", model="m", name="w")

    @given(st.integers(0, 160), st.integers(0, 255))
    def test_a_cut_or_grown_file_never_passes(self, at: int, byte: int) -> None:
        import tempfile

        sound = tensors(80)
        for spoiled in (sound[: at % len(sound)], sound + bytes([byte])):
            with tempfile.NamedTemporaryFile() as file:
                file.write(spoiled)
                file.flush()
                with pytest.raises(WeightsDamaged):
                    check_safetensors(Path(file.name), model="m", name="w")

    @pytest.mark.parametrize(
        "header",
        [
            {"w": {"data_offsets": [0, 5]}},
            {"w": {"data_offsets": [1, 4]}},
            {"a": {"data_offsets": [0, 3]}, "b": {"data_offsets": [2, 4]}},
            {"a": {"data_offsets": [3, 0]}},
            {"w": {}},
            {"w": 3},
            [],
        ],
    )
    def test_a_lying_header(self, tmp_path: Path, header: object) -> None:
        text = json.dumps(header).encode()
        (tmp_path / "w").write_bytes(len(text).to_bytes(8, "little") + text + b"four")
        with pytest.raises(WeightsDamaged):
            check_safetensors(tmp_path / "w", model="m", name="w")

    def test_a_header_longer_than_the_world(self, tmp_path: Path) -> None:
        (tmp_path / "w").write_bytes((2**63).to_bytes(8, "little") + b"{}")
        with pytest.raises(WeightsDamaged):
            check_safetensors(tmp_path / "w", model="m", name="w")

    def test_classes(self, tmp_path: Path) -> None:
        put(tmp_path, net("AutoencoderKL"))
        check_class(tmp_path / "config.json", "vae", model="m")
        with pytest.raises(WrongArchitecture, match=r"expected ControlNetModel, found AutoencoderKL"):
            check_class(tmp_path / "config.json", "depth", model="m")

    def test_a_configuration_without_a_class_is_left_to_its_tensors(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{}")
        check_class(tmp_path / "config.json", "depth", model="m")
        with pytest.raises(WrongArchitecture, match="StableDiffusionXLPipeline"):
            check_class(tmp_path / "config.json", "base", model="m")

    def test_a_base_of_another_family(self, tmp_path: Path) -> None:
        parts = {"unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"]}
        index = tmp_path / "model_index.json"
        index.write_text(json.dumps({"_class_name": "StableDiffusionPipeline"} | parts))
        with pytest.raises(WrongArchitecture, match="StableDiffusionPipeline"):
            check_class(index, "base", model="m")
        index.write_text(json.dumps({"_class_name": "StableDiffusionXLPipeline"} | parts))
        with pytest.raises(WrongArchitecture, match="text_encoder_2"):
            check_class(index, "base", model="m")


class TestPlaces:
    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({}, "~/.cache/huggingface/hub"),
            ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
            ({"HF_HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/h/hub"),
            ({"HF_HUB_CACHE": "/x", "HF_HOME": "/h"}, "/x"),
            ({"HUGGINGFACE_HUB_CACHE": "/y"}, "/y"),
        ],
    )
    def test_the_cache_is_where_the_hub_library_has_it(self, environment: dict[str, str], expected: str) -> None:
        assert cache_root(None, environment) == Path(expected).expanduser()
        assert cache_root(Path("/mine"), environment) == Path("/mine")

    def test_paths_in_it(self) -> None:
        cache = Cache(Path("/c"))
        assert cache.pointer("a/b", COMMIT, "unet/x") == Path(f"/c/models--a--b/snapshots/{COMMIT}/unet/x")
        assert cache.blob("a/b", "e") == Path("/c/models--a--b/blobs/e")

    def test_switches(self) -> None:
        assert endpoint({}) == "https://huggingface.co"
        assert endpoint({"HF_ENDPOINT": "http://mirror/"}) == "http://mirror"
        assert offline({"HF_HUB_OFFLINE": "1"})
        assert offline({"TRANSFORMERS_OFFLINE": "yes"})
        assert not offline({"HF_HUB_OFFLINE": "0"})

    @pytest.mark.parametrize(
        ("address", "shown"),
        [
            ("http://user:SECRET@mirror:80/a@b", "http://mirror:80/a@b"),
            ("http://us@er:SEC@RET@mirror", "http://mirror"),
            ("user:SECRET@mirror", "mirror"),
            ("http://[bad:SECRET@", "http://"),
            ("https://mirror/x", "https://mirror/x"),
        ],
    )
    def test_an_address_is_shown_without_its_login(self, address: str, shown: str) -> None:
        assert without_login(address) == shown


class TestWriting:
    def test_a_full_disk_and_a_refusal_are_two_things(self, tmp_path: Path) -> None:
        import errno

        full = unwritable(tmp_path / "x", OSError(errno.ENOSPC, "full"), 3 * 2**20)
        assert isinstance(full, NoRoomForWeights)
        assert full.details["needed_mib"] == 3
        assert isinstance(unwritable(tmp_path / "x", OSError(errno.EACCES, "no")), CannotWrite)

    def test_a_failed_write_leaves_the_old_file(self, tmp_path: Path) -> None:
        write_json(tmp_path / "f", {"a": 1})
        with pytest.raises(TypeError):
            write_json(tmp_path / "f", {"a": object()})
        assert json.loads((tmp_path / "f").read_text()) == {"a": 1}
        assert [path.name for path in tmp_path.iterdir()] == ["f"]

    def test_free_space_of_a_folder_to_come(self, tmp_path: Path) -> None:
        assert free(tmp_path / "not" / "yet") == pytest.approx(free(tmp_path), rel=0.2)
