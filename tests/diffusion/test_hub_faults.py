"""Everything that goes wrong between us and the hub, over real HTTP: one clear line each, and what was kept."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation.contracts.errors import (
    CannotWrite,
    DownloadBroken,
    DownloadStalled,
    EngineUnavailable,
    HubBusy,
    HubRefused,
    HubUnreachable,
    ModelNotFound,
    NoRoomForWeights,
    UnsafeWeights,
    WeightsDamaged,
    WordbrushError,
    WrongArchitecture,
)
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.weights import ModelStore
from tests.diffusion.loopback_hub import LoopbackHub, net, tensors
from tests.weights.made import complete

pytestmark = pytest.mark.diffusion
WEIGHTS = "diffusion_pytorch_model.safetensors"
NET = Source(model="maker/net")
API, STORED = "/api/models/", r"^/maker/net/\w{40}/"
LOGIN = "<html><title>Free Wi-Fi</title>Please log in</html>"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        hub.publish("maker/net", net())
        yield hub


def store(
    folder: Path, source: Source = NET, *, role: str = "canny", pauses_s: tuple[float, ...] = (), **facts: object
):
    places = {"data_folder": folder / "data", "cache_folder": folder / "cache"}
    return ModelStore(DiffusionConfig(sources={role: source}, **(places | facts)), pauses_s=pauses_s)


def refused(models: ModelStore, kind: type[WordbrushError], *said: str, role: str = "canny") -> WordbrushError:
    """Fetch, and get exactly this error, in one line that says these things."""
    with pytest.raises(WordbrushError) as raised:
        models.fetch([role])
    error = raised.value
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    line = str(error)
    assert "\n" not in line
    assert "?" not in line, "a detail of the message is missing"
    assert not [part for part in said if part not in line], line
    assert not complete(models, [role])
    return error


class TestReaching:
    def test_nobody_listens(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        refused(store(tmp_path), HubUnreachable, str(port), "HTTPS_PROXY", "HF_ENDPOINT")

    def test_no_such_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        refused(store(tmp_path), HubUnreachable, "hub.invalid")

    @pytest.mark.parametrize("address", ["not an address", "ftp://127.0.0.1", "http://"])
    def test_an_endpoint_that_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        monkeypatch.setenv("HF_ENDPOINT", address)
        refused(store(tmp_path), HubUnreachable)

    def test_a_login_page_instead_of_an_answer(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, page=LOGIN)
        refused(store(tmp_path), HubUnreachable, hub.url)

    @pytest.mark.parametrize("where", [r"resolve/.*safetensors", STORED, r"resolve/.*json"])
    def test_a_login_page_instead_of_a_file(self, hub: LoopbackHub, tmp_path: Path, where: str) -> None:
        hub.fail(where, page=LOGIN)
        refused(store(tmp_path), HubUnreachable, hub.url)
        hub.mend()
        store(tmp_path).fetch(["canny"])

    @pytest.mark.parametrize("answer", [b"[]", b"null", b"{}", b'{"id": "x"}', b'{"id": "x", "sha": "main"}'])
    def test_json_that_no_hub_gives(self, hub: LoopbackHub, tmp_path: Path, answer: bytes) -> None:
        hub.fail(API, status=200, body=answer)
        refused(store(tmp_path), HubUnreachable)

    def test_a_hub_that_does_not_answer(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, silent=True)
        refused(store(tmp_path, stall_s=0.3), HubUnreachable)


class TestRefusals:
    def test_a_model_that_does_not_exist(self, hub: LoopbackHub, tmp_path: Path) -> None:
        error = refused(store(tmp_path, Source(model="maker/nothing")), HubRefused, "maker/nothing", "no such model")
        assert str(error.details["status"]).startswith("401")

    def test_a_model_behind_a_licence(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, status=403, headers={"X-Error-Code": "GatedRepo"})
        error = refused(store(tmp_path), HubRefused, "maker/net", "licence", "HF_TOKEN")
        assert error.details["status"] == 403

    def test_a_file_behind_a_licence(self, hub: LoopbackHub, tmp_path: Path) -> None:
        """The hub lists gated models to everybody and refuses their files."""
        hub.fail("/resolve/", status=401, headers={"X-Error-Code": "GatedRepo"})
        refused(store(tmp_path), HubRefused, "maker/net", "401", "HF_TOKEN")

    def test_a_token_that_is_not_valid(self, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_stale")
        hub.fail(API, status=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
        error = refused(store(tmp_path), HubRefused)
        assert "hf_stale" not in str(error)

    def test_a_model_that_was_removed(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, status=404, headers={"X-Error-Code": "RepoNotFound"})
        refused(store(tmp_path), ModelNotFound, "maker/net", "main")

    def test_a_revision_that_does_not_exist(self, hub: LoopbackHub, tmp_path: Path) -> None:
        refused(store(tmp_path, Source(model="maker/net", revision="v9")), ModelNotFound, "v9")

    def test_a_variant_that_does_not_exist(self, hub: LoopbackHub, tmp_path: Path) -> None:
        source = Source(model="maker/net", variant="fp8")
        refused(store(tmp_path, source), ModelNotFound, "diffusion_pytorch_model.fp8.safetensors", "variant")
        assert hub.stored == []

    def test_a_file_that_is_listed_and_not_there(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(rf"resolve/.*{WEIGHTS}", status=404, headers={"X-Error-Code": "EntryNotFound"})
        refused(store(tmp_path), ModelNotFound, WEIGHTS)

    @pytest.mark.parametrize("model", ["maker/../net", "a/b/c", "maker/net ", "-x/y"])
    def test_an_id_that_is_none(self, hub: LoopbackHub, tmp_path: Path, model: str) -> None:
        refused(store(tmp_path, Source(model=model)), ModelNotFound)
        assert list(tmp_path.rglob("*net*")) == []

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize("where", [API, "/resolve/", STORED])
    def test_a_hub_in_trouble(self, hub: LoopbackHub, tmp_path: Path, status: int, where: str) -> None:
        hub.fail(where, status=status)
        error = refused(store(tmp_path), HubBusy, "later")
        assert error.details["status"] == status

    def test_trouble_that_passes_is_waited_for(self, hub: LoopbackHub, tmp_path: Path) -> None:
        for where in (API, "resolve", STORED):
            hub.fail(where, status=503, times=1)
        models = store(tmp_path, pauses_s=(0.01, 0.01))
        models.fetch(["canny"])
        assert complete(models, ["canny"])


class TestBrokenBytes:
    def test_a_connection_that_ends_too_soon_keeps_what_came(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(STORED, cut=20_000)
        models = store(tmp_path)
        refused(models, DownloadBroken, WEIGHTS, "models fetch", "resumes")
        hub.mend()
        hub.forget()
        models.fetch(["canny"])
        assert [seen.headers["Range"] for seen in hub.stored] == ["bytes=20000-"]

    def test_standing_still_is_given_up_and_kept(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(STORED, stall=20_000)
        models = store(tmp_path, stall_s=0.4)
        refused(models, DownloadStalled, WEIGHTS, "stood still")
        assert models.status(["canny"])[0].bytes >= 20_000

    def test_slow_is_not_standing_still(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(STORED, pace_s=0.25)
        models = store(tmp_path, stall_s=0.6)
        models.fetch(["canny"])
        assert complete(models, ["canny"])

    @pytest.mark.parametrize("where", [STORED, "resolve/.*config.json"])
    def test_other_bytes_than_announced_are_removed_and_come_right_next_time(
        self, hub: LoopbackHub, tmp_path: Path, where: str
    ) -> None:
        hub.fail(where, flip=True, times=1)
        models = store(tmp_path)
        refused(models, WeightsDamaged, "maker/net", "damaged")
        assert list(tmp_path.rglob("*.incomplete")) == []
        models.fetch(["canny"])
        assert complete(models, ["canny"])
        assert models.files("canny")[WEIGHTS].read_bytes() == net()[WEIGHTS]

    @pytest.mark.parametrize("size", [10, 39_000, 90_000])
    def test_another_size_than_announced(self, hub: LoopbackHub, tmp_path: Path, size: int) -> None:
        hub.fail(STORED, replace=tensors(size), times=1)
        models = store(tmp_path)
        refused(models, WeightsDamaged, WEIGHTS)
        models.fetch(["canny"])

    def test_more_than_announced_without_saying_so(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(STORED, replace=tensors(900_000), unsized=True)
        refused(store(tmp_path), WeightsDamaged, WEIGHTS)

    def test_a_range_the_server_will_not_give(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(STORED, cut=20_000, times=1)
        hub.fail(STORED, status=416, times=1)
        models = store(tmp_path, pauses_s=(0.01,))
        refused(models, WeightsDamaged, WEIGHTS)
        models.fetch(["canny"])
        assert complete(models, ["canny"])

    def test_a_header_that_lies_about_its_tensors(self, hub: LoopbackHub, tmp_path: Path) -> None:
        header = json.dumps({"w": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}}).encode()
        lying = len(header).to_bytes(8, "little") + header + b"only"
        hub.publish("maker/net", net() | {WEIGHTS: lying})
        models = store(tmp_path)
        refused(models, WeightsDamaged, WEIGHTS)
        hub.forget()
        refused(models, WeightsDamaged, WEIGHTS)
        assert hub.stored == [], "fetching the same bytes again would not mend them"


class TestRoom:
    def test_it_is_looked_for_before_the_first_byte(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.announce("maker/net", WEIGHTS, size=10**15, sha256="0" * 64)
        error = refused(store(tmp_path), NoRoomForWeights, str(tmp_path), "MiB needed")
        assert int(error.details["needed_mib"]) > 9 * 10**8
        assert int(error.details["free_mib"]) > 0
        assert not [seen for seen in hub.seen if "/resolve/" in seen.path]

    def test_a_disk_that_fills_up_meanwhile(self, hub: LoopbackHub, tmp_path: Path) -> None:
        """`/dev/full` answers every write as a full disk does."""
        models = store(tmp_path)
        sha256 = hub.repositories["maker/net"]
        content = next(iter(sha256.commits.values()))[WEIGHTS]
        partial = models.cache.partial("maker/net", _sha256(content))
        partial.parent.mkdir(parents=True)
        partial.symlink_to("/dev/full")
        refused(models, NoRoomForWeights, "MiB free")
        partial.unlink()
        models.fetch(["canny"])

    def test_a_cache_that_cannot_be_written(self, hub: LoopbackHub, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        refused(store(tmp_path, cache_folder=tmp_path / "file" / "cache"), CannotWrite, "cannot write")

    def test_a_data_folder_that_cannot_be_written(self, hub: LoopbackHub, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        refused(store(tmp_path, data_folder=tmp_path / "file" / "data"), CannotWrite, "cannot write")


class TestWhatIsNotLetIn:
    @pytest.mark.parametrize("name", ["../x.json", "unet/../../x.safetensors", "/etc/x", "a\\..\\x", "C:x", "a//b"])
    def test_a_path_out_of_the_folder(self, hub: LoopbackHub, tmp_path: Path, name: str) -> None:
        hub.announce("maker/net", name)
        refused(store(tmp_path), EngineUnavailable, "outside the model's folder")
        assert not [seen for seen in hub.seen if "/resolve/" in seen.path]

    @pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "net.ckpt", "net.pt", "net.pth"])
    def test_a_pickle(self, hub: LoopbackHub, tmp_path: Path, name: str) -> None:
        hub.publish("maker/net", {"config.json": net()["config.json"], name: b"\x80\x04"})
        refused(store(tmp_path), UnsafeWeights, name, "pickle", "safetensors")
        assert not [seen for seen in hub.seen if "/resolve/" in seen.path]

    def test_a_pickle_by_name(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net(more=b"") | {"net.ckpt": b"\x80\x04"})
        refused(store(tmp_path, Source(model="maker/net", weights="net.ckpt")), UnsafeWeights, "net.ckpt")

    @pytest.mark.parametrize(("role", "kind"), [("canny", "UNet2DConditionModel"), ("vae", "ControlNetModel")])
    def test_another_kind_of_model_is_found_before_its_weights_travel(
        self, hub: LoopbackHub, tmp_path: Path, role: str, kind: str
    ) -> None:
        hub.publish("maker/net", net(kind=kind))
        refused(store(tmp_path, role=role), WrongArchitecture, "expected", kind, role=role)
        assert hub.stored == []

    def test_a_single_net_where_the_base_is_wanted(self, hub: LoopbackHub, tmp_path: Path) -> None:
        refused(store(tmp_path, role="base"), ModelNotFound, "model_index.json", role="base")


class TestTheToken:
    def test_it_goes_to_the_hub_and_nowhere_else(
        self, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret_of_a_test")
        hub.bare_listings = True  # HEAD requests, too
        store(tmp_path).fetch(["canny"])
        assert hub.seen
        assert {seen.headers.get("authorization") for seen in hub.seen} == {"Bearer hf_secret_of_a_test"}
        assert hub.stored
        leaked = [seen for seen in hub.stored if "hf_secret_of_a_test" in str(seen.headers) + seen.path]
        assert leaked == []

    def test_without_one_nothing_is_sent(self, hub: LoopbackHub, tmp_path: Path) -> None:
        assert not os.environ.get("HF_TOKEN")
        store(tmp_path).fetch(["canny"])
        assert {seen.headers.get("authorization") for seen in hub.seen} == {None}


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


class TestWithoutEnd:
    """What a hostile or broken server can send for ever ends all the same, and soon."""

    @pytest.mark.parametrize("status", [401, 404, 500])
    @pytest.mark.parametrize("where", [API, "/resolve/", STORED])
    def test_an_error_whose_body_never_ends(self, hub: LoopbackHub, tmp_path: Path, where: str, status: int) -> None:
        hub.fail(where, status=status, endless=10_000, pace_s=0.01)
        kind = {401: HubRefused, 404: ModelNotFound, 500: HubBusy}[status]
        began_s = time.monotonic()
        refused(store(tmp_path), kind)
        assert time.monotonic() - began_s < 10

    def test_a_redirect_whose_body_never_ends(self, hub: LoopbackHub, tmp_path: Path) -> None:
        location = f"{hub.url}/api/models/maker/net/revision/main?blobs=true"
        hub.fail(API, status=307, endless=10_000, pace_s=0.01, headers={"Location": location}, times=1)
        store(tmp_path).fetch(["canny"])

    def test_redirects_in_a_circle(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, status=302, headers={"Location": f"{hub.url}/api/models/maker/net/revision/main"})
        refused(store(tmp_path), HubUnreachable)
        assert len(hub.seen) < 20

    def test_a_listing_without_end(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, endless=2**20)
        refused(store(tmp_path), HubUnreachable)
        assert 32 * 2**20 < hub.bytes_sent() < 64 * 2**20

    def test_a_listing_that_drips(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, endless=1, pace_s=0.05)
        refused(store(tmp_path, stall_s=0.3), HubUnreachable)

    def test_a_listing_without_a_bottom(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.fail(API, status=200, body=b"[" * 200_000)
        refused(store(tmp_path), HubUnreachable)

    def test_a_file_that_drips(self, hub: LoopbackHub, tmp_path: Path) -> None:
        """Each byte comes in time; tries that gain so little do not count as getting on, either."""
        hub.fail(STORED, endless=1, pace_s=0.05)
        began_s = time.monotonic()
        refused(store(tmp_path, stall_s=0.3, pauses_s=(0.01,)), DownloadStalled, WEIGHTS)
        assert time.monotonic() - began_s < 10

    @pytest.mark.parametrize("stall_s", [float("inf"), float("nan"), 1e20])
    def test_a_patience_beyond_measure_is_cut(self, hub: LoopbackHub, tmp_path: Path, stall_s: float) -> None:
        models = store(tmp_path, stall_s=stall_s)
        models.fetch(["canny"])
        assert complete(models, ["canny"])


class TestSecrets:
    def test_a_login_in_the_address_is_not_told(
        self, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("//", "//user:PASSWORD@"))
        hub.fail(API, page=LOGIN)
        error = refused(store(tmp_path), HubUnreachable, hub.url)
        assert "PASSWORD" not in str(error)
        hub.mend()
        store(tmp_path).fetch(["canny"])

    @pytest.mark.parametrize("token", ["hf_ü", "hf_a\x01b"])
    def test_a_token_that_no_header_can_carry(
        self, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", token)
        error = refused(store(tmp_path), EngineUnavailable, "HF_TOKEN")
        assert token not in str(error)
        assert not hub.seen


class TestStrangeListings:
    @pytest.mark.parametrize("blob", ["../../evil", "notahash", "A" * 40, "a" * 39, 5, None])
    def test_a_blob_that_is_no_hash_is_asked_for(self, hub: LoopbackHub, tmp_path: Path, blob: object) -> None:
        hub.announce("maker/net", "config.json", blobId=blob)
        store(tmp_path).fetch(["canny"])
        assert any(seen.method == "HEAD" and "config.json" in seen.path for seen in hub.seen)

    @pytest.mark.parametrize("more", [{"auto_map": {"AutoModel": "x.Y"}}, {"layers_per_block": 10**9}])
    def test_a_hostile_configuration_ends_it_before_the_weights(
        self, hub: LoopbackHub, tmp_path: Path, more: dict[str, object]
    ) -> None:
        hub.publish("maker/net", net(**{"config.json": json.dumps({"_class_name": "ControlNetModel"} | more).encode()}))
        refused(store(tmp_path), WrongArchitecture, next(iter(more)))
        assert not hub.stored
