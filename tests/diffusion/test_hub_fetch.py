"""Fetching over real HTTP from a hub on this machine: what is asked for, what is kept, what is pinned, what is resumed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation.contracts.errors import (
    EngineUnavailable,
    ModelNotFound,
    PaintingCancelled,
    WeightsDamaged,
    WeightsMissing,
)
from generation.diffusion.config import DiffusionConfig, Source
from generation.diffusion.weights import FetchProgress, ModelStore
from tests.diffusion.loopback_hub import LoopbackHub, net, tensors
from tests.weights.made import complete

pytestmark = pytest.mark.diffusion
ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "diffusion_pytorch_model.safetensors"
NET = Source(model="maker/net")
STORED = r"^/maker/net/\w{40}/"
"""Paths of the storage server, which large files come from."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


def store(folder: Path, source: Source = NET, **facts: object) -> ModelStore:
    config = DiffusionConfig(
        sources={"canny": source}, data_folder=folder / "data", cache_folder=folder / "cache", **facts
    )
    return ModelStore(config, pauses_s=())


def lock(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "data/models.lock").read_text())["models"]


def asked(hub: LoopbackHub) -> set[str]:
    """Names of the files that were requested."""
    return {seen.path.split("/resolve/")[1].split("/", 1)[1] for seen in hub.seen if "/resolve/" in seen.path}


class TestWhatArrives:
    def test_only_what_the_role_needs_is_fetched_and_pinned(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net()
        unwanted = {
            "diffusion_pytorch_model.bin": b"x",
            "model.onnx": b"x",
            "diffusion_pytorch_model.fp16.safetensors": b"x",
        }
        commit = hub.publish("maker/net", files | unwanted)
        models = store(tmp_path)
        assert not complete(models, ["canny"])
        models.fetch(["canny"])
        assert asked(hub) == {"config.json", WEIGHTS}
        assert complete(models, ["canny"])
        pinned = lock(tmp_path)["canny"]
        assert (pinned["model"], pinned["revision"], pinned["commit"]) == ("maker/net", "main", commit)
        assert pinned["files"] == {
            name: {"size": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
            for name in ("config.json", WEIGHTS)
        }
        assert models.files("canny")[WEIGHTS].read_bytes() == files[WEIGHTS]

    def test_the_cache_is_the_hub_librarys_own(self, hub: LoopbackHub, tmp_path: Path) -> None:
        from huggingface_hub import try_to_load_from_cache

        commit = hub.publish("maker/net", net())
        models = store(tmp_path)
        models.fetch(["canny"])
        found = try_to_load_from_cache("maker/net", WEIGHTS, cache_dir=tmp_path / "cache", revision=commit)
        assert Path(found) == models.files("canny")[WEIGHTS]

    def test_what_another_tool_fetched_is_not_fetched_again(self, hub: LoopbackHub, tmp_path: Path) -> None:
        from huggingface_hub import hf_hub_download

        hub.publish("maker/net", net())
        hf_hub_download("maker/net", WEIGHTS, cache_dir=tmp_path / "cache", endpoint=hub.url)
        hub.forget()
        store(tmp_path).fetch(["canny"])
        assert asked(hub) == {"config.json"}
        assert hub.stored == []

    def test_a_second_fetch_asks_for_nothing(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net())
        store(tmp_path).fetch(["canny"])
        hub.forget()
        again = store(tmp_path)
        again.fetch(["canny"])
        assert complete(again, ["canny"])
        assert hub.seen == []

    def test_the_variant_is_chosen_and_changing_it_keeps_the_commit(self, hub: LoopbackHub, tmp_path: Path) -> None:
        small = "diffusion_pytorch_model.fp16.safetensors"
        commit = hub.publish("maker/net", net() | {small: tensors(9000, 5)})
        store(tmp_path).fetch(["canny"])
        half = store(tmp_path, Source(model="maker/net", variant="fp16"))
        assert half.status(["canny"])[0].state == "missing"
        hub.publish("maker/net", net(seed=7) | {small: tensors(9000, 8)})
        half.fetch(["canny"])
        assert lock(tmp_path)["canny"]["commit"] == commit
        assert half.files("canny")[WEIGHTS].name == small

    def test_shards_of_a_variant_come_with_their_index(self, hub: LoopbackHub, tmp_path: Path) -> None:
        shards = {f"diffusion_pytorch_model.fp16-0000{n}-of-00002.safetensors": tensors(5000, n) for n in (1, 2)}
        others = {f"diffusion_pytorch_model-0000{n}-of-00002.safetensors": tensors(5000, n) for n in (3, 4)}
        index = {"diffusion_pytorch_model.safetensors.index.fp16.json": b"{}"}
        config = {"config.json": net()["config.json"]}
        hub.publish("maker/net", config | shards | others | index)
        models = store(tmp_path, Source(model="maker/net", variant="fp16"))
        models.fetch(["canny"])
        assert asked(hub) == {"config.json", *shards, *index}
        assert set(models.files("canny")) == {"config.json", "diffusion_pytorch_model.safetensors.index.json", *shards}

    def test_a_file_name_of_its_own(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", {"config.json": net()["config.json"], "special.safetensors": tensors(900)})
        models = store(tmp_path, Source(model="maker/net", weights="special.safetensors"))
        models.fetch(["canny"])
        assert models.files("canny")[WEIGHTS].name == "special.safetensors"

    def test_a_mirror_whose_listing_has_no_sizes(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net())
        hub.bare_listings = True
        models = store(tmp_path)
        models.fetch(["canny"])
        assert complete(models, ["canny"])
        assert {seen.method for seen in hub.seen} == {"GET", "HEAD"}

    def test_progress_ends_where_it_said(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(300_000)
        hub.publish("maker/net", files)
        reports: list[FetchProgress] = []
        store(tmp_path).fetch(["canny"], on_progress=reports.append)
        total = len(files["config.json"]) + len(files[WEIGHTS])
        assert [report.done for report in reports] == sorted(report.done for report in reports)
        last = reports[-1]
        assert (last.done, last.total, last.received, last.files_done, last.files_total) == (total, total, total, 2, 2)
        assert {report.file for report in reports} == {"config.json", WEIGHTS}

    def test_one_file_wanted_twice_travels_once(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net())
        config = DiffusionConfig(
            sources={"canny": NET, "depth": NET}, data_folder=tmp_path / "data", cache_folder=tmp_path / "cache"
        )
        reports: list[FetchProgress] = []
        models = ModelStore(config)
        models.fetch(["canny", "depth"], on_progress=reports.append)
        assert complete(models, ["canny", "depth"])
        assert len(hub.stored) == 1
        assert reports[-1].done == reports[-1].total


class TestTheLock:
    def test_a_moved_branch_is_not_followed(self, hub: LoopbackHub, tmp_path: Path) -> None:
        first = hub.publish("maker/net", net(seed=1))
        models = store(tmp_path)
        models.fetch(["canny"])
        hub.publish("maker/net", net(seed=2))
        models.files("canny")[WEIGHTS].unlink()
        again = store(tmp_path)
        again.fetch(["canny"])
        assert lock(tmp_path)["canny"]["commit"] == first
        assert again.files("canny")[WEIGHTS].read_bytes() == net(seed=1)[WEIGHTS]

    def test_update_follows_it(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net(seed=1))
        models = store(tmp_path)
        models.fetch(["canny"])
        second = hub.publish("maker/net", net(seed=2))
        models.fetch(["canny"], update=True)
        assert lock(tmp_path)["canny"]["commit"] == second
        assert models.files("canny")[WEIGHTS].read_bytes() == net(seed=2)[WEIGHTS]

    def test_another_revision_in_the_settings_needs_an_update(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net(seed=1))
        other = hub.publish("maker/net", net(seed=2), branch="other")
        store(tmp_path).fetch(["canny"])
        for revision in ("other", other):
            moved = store(tmp_path, Source(model="maker/net", revision=revision))
            hub.forget()
            with pytest.raises(EngineUnavailable, match="--update canny"):
                moved.fetch(["canny"])
            with pytest.raises(EngineUnavailable, match="--update canny"):
                moved.files("canny")
            assert hub.seen == []
            assert "--update" in moved.status(["canny"])[0].note
            assert not complete(moved, ["canny"])
        moved.fetch(["canny"], update=True)
        assert complete(moved, ["canny"])

    def test_naming_the_pinned_commit_itself_changes_nothing(self, hub: LoopbackHub, tmp_path: Path) -> None:
        commit = hub.publish("maker/net", net())
        store(tmp_path).fetch(["canny"])
        hub.forget()
        exact = store(tmp_path, Source(model="maker/net", revision=commit))
        exact.fetch(["canny"])
        assert complete(exact, ["canny"])
        assert hub.seen == []

    def test_a_hub_that_changes_a_pinned_commit_is_refused(self, hub: LoopbackHub, tmp_path: Path) -> None:
        commit = hub.publish("maker/net", net(seed=1))
        models = store(tmp_path)
        models.fetch(["canny"])
        models.files("canny")[WEIGHTS].unlink()
        hub.repositories["maker/net"].commits[commit] = net(seed=2)
        with pytest.raises(WeightsDamaged):
            store(tmp_path).fetch(["canny"])
        assert hub.stored[1:] == []

    def test_the_pin_is_kept_when_the_first_fetch_is_cut_short(self, hub: LoopbackHub, tmp_path: Path) -> None:
        first = hub.publish("maker/net", net(seed=1))
        hub.fail("safetensors", status=503)
        with pytest.raises(EngineUnavailable):
            store(tmp_path).fetch(["canny"])
        hub.mend()
        hub.publish("maker/net", net(seed=2))
        models = store(tmp_path)
        assert models.status(["canny"])[0].state == "partial"
        models.fetch(["canny"])
        assert lock(tmp_path)["canny"]["commit"] == first

    def test_a_commit_that_is_gone_says_so(self, hub: LoopbackHub, tmp_path: Path) -> None:
        commit = hub.publish("maker/net", net(seed=1))
        models = store(tmp_path)
        models.fetch(["canny"])
        models.files("canny")[WEIGHTS].unlink()
        del hub.repositories["maker/net"].commits[commit]
        with pytest.raises(ModelNotFound, match=commit):
            store(tmp_path).fetch(["canny"])

    def test_an_exchanged_file_is_found_before_it_is_loaded_and_healed(self, hub: LoopbackHub, tmp_path: Path) -> None:
        hub.publish("maker/net", net())
        models = store(tmp_path)
        models.fetch(["canny"])
        path = models.files("canny")[WEIGHTS].resolve()
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with pytest.raises(WeightsDamaged, match=WEIGHTS):
            models.files("canny")
        assert models.status(["canny"])[0].state == "damaged"
        models.fetch(["canny"])
        assert models.files("canny")[WEIGHTS].read_bytes() == net()[WEIGHTS]


class TestResuming:
    @pytest.mark.timeout(60)
    def test_a_killed_download_goes_on_where_it_stopped(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(2_000_000)
        hub.publish("maker/net", files)
        slow = hub.fail(f"{WEIGHTS}$", pace_s=0.02)
        script = (
            "from pathlib import Path\nfrom tests.diffusion.test_hub_fetch import store\n"
            f"store(Path({str(tmp_path)!r})).fetch(['canny'])\n"
        )
        child = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env={**os.environ})
        partial = wait_for_partial(tmp_path, 400_000)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kept = partial.stat().st_size
        assert 400_000 <= kept < len(files[WEIGHTS])
        slow.times = 0
        hub.forget()
        reports: list[FetchProgress] = []
        models = store(tmp_path)
        assert models.status(["canny"])[0].state == "partial"
        assert models.status(["canny"])[0].bytes >= kept
        models.fetch(["canny"], on_progress=reports.append)
        assert [seen.headers.get("Range") for seen in hub.stored] == [f"bytes={kept}-"]
        assert sum(seen.sent for seen in hub.stored) == len(files[WEIGHTS]) - kept
        assert reports[-1].received == len(files[WEIGHTS]) - kept
        assert models.files("canny")[WEIGHTS].read_bytes() == files[WEIGHTS]
        assert not partial.exists()

    def test_a_broken_connection_is_taken_up_again_by_itself(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(500_000)
        hub.publish("maker/net", files)
        hub.fail(STORED, cut=200_000, times=1)
        models = ModelStore(store(tmp_path).config, pauses_s=(0.01,))
        models.fetch(["canny"])
        assert [seen.headers.get("Range") for seen in hub.stored] == [None, "bytes=200000-"]
        assert sum(seen.sent for seen in hub.stored) == len(files[WEIGHTS])
        assert complete(models, ["canny"])

    def test_a_server_without_ranges_begins_again(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(500_000)
        hub.publish("maker/net", files)
        hub.fail(STORED, cut=200_000, times=1)
        with pytest.raises(EngineUnavailable):
            store(tmp_path).fetch(["canny"])
        hub.mend()
        hub.fail("safetensors", ranges=False)
        reports: list[FetchProgress] = []
        models = store(tmp_path)
        models.fetch(["canny"], on_progress=reports.append)
        assert reports[-1].done == reports[-1].total
        assert models.files("canny")[WEIGHTS].read_bytes() == files[WEIGHTS]

    def test_leftovers_longer_than_the_file_are_thrown_away(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net()
        hub.publish("maker/net", files)
        models = store(tmp_path)
        partial = models.cache.partial("maker/net", hashlib.sha256(files[WEIGHTS]).hexdigest())
        partial.parent.mkdir(parents=True)
        partial.write_bytes(b"x" * (len(files[WEIGHTS]) + 1))
        models.fetch(["canny"])
        assert complete(models, ["canny"])

    def test_a_complete_leftover_needs_no_request(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net()
        hub.publish("maker/net", files)
        models = store(tmp_path)
        partial = models.cache.partial("maker/net", hashlib.sha256(files[WEIGHTS]).hexdigest())
        partial.parent.mkdir(parents=True)
        partial.write_bytes(files[WEIGHTS])
        models.fetch(["canny"])
        assert hub.stored == []

    def test_cancelling_keeps_what_has_arrived(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(3_000_000)
        hub.publish("maker/net", files)
        hub.fail(f"{WEIGHTS}$", pace_s=0.005)
        stop = threading.Event()

        def report(progress: FetchProgress) -> None:
            if progress.file == WEIGHTS and progress.received > 1_000_000:
                stop.set()

        models = store(tmp_path)
        with pytest.raises(PaintingCancelled):
            models.fetch(["canny"], on_progress=report, cancelled=stop)
        kept = models.status(["canny"])[0]
        assert kept.state == "partial"
        assert 1_000_000 < kept.bytes < len(files[WEIGHTS])

    def test_two_processes_fetch_the_bytes_once(self, hub: LoopbackHub, tmp_path: Path) -> None:
        files = net(500_000)
        hub.publish("maker/net", files)
        hub.fail(f"{WEIGHTS}$", pace_s=0.01)
        one, other = store(tmp_path), store(tmp_path)
        threads = [threading.Thread(target=models.fetch, args=(["canny"],)) for models in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert complete(other, ["canny"])
        assert sum(seen.sent for seen in hub.stored) == len(files[WEIGHTS])


class TestOffline:
    @pytest.mark.parametrize("switch", ["local_files_only", "HF_HUB_OFFLINE"])
    def test_nothing_touches_the_network(
        self, hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str
    ) -> None:
        hub.publish("maker/net", net())
        store(tmp_path).fetch(["canny"])
        hub.forget()
        if switch == "HF_HUB_OFFLINE":
            monkeypatch.setenv(switch, "1")
        models = store(tmp_path, local_files_only=switch == "local_files_only")
        refuse_sockets(monkeypatch)
        models.fetch(["canny"])
        assert complete(models, ["canny"])
        assert {result.state for result in models.verify(["canny"])} == {"fine"}
        models.files("canny")[WEIGHTS].unlink()
        models.status(["canny"])
        with pytest.raises(WeightsMissing, match="models fetch"):
            models.files("canny")
        with pytest.raises(EngineUnavailable, match=r"switched off.*canny"):
            models.fetch(["canny"])
        assert hub.seen == []


def refuse_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*arguments: object) -> None:
        message = f"a socket was asked to connect to {arguments[-1]}"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def wait_for_partial(folder: Path, size: int) -> Path:
    """Until the child has written so much of the weights."""
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        for partial in folder.glob("cache/*/blobs/*.incomplete"):
            if partial.stat().st_size >= size:
                return partial
        time.sleep(0.01)
    pytest.fail("the child wrote nothing")
