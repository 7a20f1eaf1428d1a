"""A model hub on this machine: the endpoints of the real one over models in memory, with faults to switch on.

Large files (safetensors) answer with a redirect to a second server, as the real hub sends to its storage.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

CHUNK = 16 * 1024
API = re.compile(r"/api/models/(?P<model>[^/]+/[^/]+)/(?P<what>revision|tree)/(?P<revision>.+)")
RESOLVE = re.compile(r"/(?P<model>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")


@dataclass
class Seen:
    """One request, and what it got."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Fault:
    """Something that goes wrong on paths that `where` matches, the first `times` times.

    Attributes:
        where: regular expression, searched in the path.
        status: answer with it instead.
        headers: of that answer.
        page: answer with this HTML and status 200.
        cut: bytes after which the connection ends.
        flip: damage one byte of the body.
        stall: bytes after which nothing comes any more, until the hub is closed.
        pace_s: pause between chunks of 16 KiB.
        replace: other bytes instead of the file's.
        ranges: whether Range is heeded.
        body: of the answer with `status`.
        silent: no answer at all, until the hub is closed.
        unsized: the answer does not say how long it is.
        endless: the body goes on for ever, in pieces of so many bytes, each after `pace_s`.
    """

    where: str
    times: int = 10**9
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""
    cut: int | None = None
    flip: bool = False
    stall: int | None = None
    pace_s: float = 0.0
    replace: bytes | None = None
    ranges: bool = True
    body: bytes = b"no"
    silent: bool = False
    unsized: bool = False
    endless: int = 0


class _Repository:
    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.branches: dict[str, str] = {}
        self.announced: dict[str, dict[str, object]] = {}


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def tensors(size: int, seed: int = 0) -> bytes:
    """A small, valid safetensors file with one tensor of bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + random.Random(seed).randbytes(size)


def net(size: int = 40_000, seed: int = 0, kind: str = "ControlNetModel", **more: bytes) -> dict[str, bytes]:
    """A repository in diffusers layout whose weights are only bytes."""
    config = json.dumps({"_class_name": kind, "seed": seed}).encode()
    return {
        "config.json": config,
        "diffusion_pytorch_model.safetensors": tensors(size, seed),
        "README.md": b"#",
        **more,
    }


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def etag(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if is_large(name) else git_sha1(content)


class LoopbackHub:
    """Two servers on 127.0.0.1: the hub and its storage. Use as a context manager."""

    def __init__(self) -> None:
        self.repositories: dict[str, _Repository] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.stored: list[Seen] = []
        self.bare_listings = False
        self.closing = threading.Event()
        self._servers = [_server(self, self.seen, _Hub), _server(self, self.stored, _Storage)]
        self.url, self.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in self._servers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def publish(self, model: str, files: dict[str, bytes] | Path, *, branch: str = "main") -> str:
        """A new commit on a branch; gives its hash."""
        if isinstance(files, Path):
            files = {p.relative_to(files).as_posix(): p.read_bytes() for p in files.rglob("*") if p.is_file()}
        digest = hashlib.sha1(repr(sorted((n, etag(n, c)) for n, c in files.items())).encode()).hexdigest()
        repository = self.repositories.setdefault(model, _Repository())
        repository.commits[digest] = files
        repository.branches[branch] = digest
        return digest

    def announce(self, model: str, name: str, **facts: object) -> None:
        """Say other things of a file than are true: `size`, `sha256`, `blobId`; a name that is not there is invented."""
        self.repositories[model].announced[name] = facts

    def fail(self, where: str, **facts: object) -> Fault:
        fault = Fault(where, **facts)
        self.faults.append(fault)
        return fault

    def mend(self) -> None:
        self.faults.clear()

    def fault(self, path: str) -> Fault:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.where, path):
                fault.times -= 1
                return fault
        return Fault("")

    def bytes_sent(self) -> int:
        return sum(seen.sent for seen in [*self.seen, *self.stored])

    def forget(self) -> None:
        self.seen.clear()
        self.stored.clear()


def _server(hub: LoopbackHub, seen: list[Seen], handler: type[_Handler]) -> ThreadingHTTPServer:
    bound = type(handler.__name__, (handler,), {"hub": hub, "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    seen: list[Seen]
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.record = Seen(self.command, self.path, dict(self.headers.items()))
        self.seen.append(self.record)
        fault = self.hub.fault(self.path)
        try:
            if fault.endless:
                self.go_on(fault)
            elif fault.silent:
                self.hub.closing.wait(30)
                self.close_connection = True
            elif fault.status:
                self.say(fault.status, fault.body, {"Content-Type": "text/plain", **fault.headers})
            elif fault.page:
                self.say(200, fault.page.encode(), {"Content-Type": "text/html; charset=utf-8"})
            else:
                self.answer(fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, fault: Fault) -> None:
        raise NotImplementedError

    def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.record.status = status
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.record.sent += len(body)

    def go_on(self, fault: Fault) -> None:
        self.close_connection = True
        self.send_response(fault.status or 200)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        while not self.hub.closing.wait(fault.pace_s):
            self.wfile.write(b" " * fault.endless)
            self.record.sent += fault.endless

    def serve(self, content: bytes, fault: Fault, headers: dict[str, str]) -> None:
        if fault.replace is not None:
            content = fault.replace
        if fault.flip:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = self.range_start() if fault.ranges else 0
        if start >= len(content) and start:
            self.say(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        self.record.status = 206 if start else 200
        self.send_response(self.record.status)
        whole = {"Content-Length": str(len(content) - start), "Accept-Ranges": "bytes", **headers}
        if fault.unsized:
            del whole["Content-Length"]
            self.close_connection = True
        if start:
            whole["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        for name, value in whole.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.pour(content[start:], fault)

    def range_start(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    def pour(self, content: bytes, fault: Fault) -> None:
        for at in range(0, len(content), CHUNK):
            chunk = content[at : at + CHUNK]
            for limit in (fault.cut, fault.stall):
                if limit is not None:
                    chunk = chunk[: max(0, limit - at)]
            self.wfile.write(chunk)
            self.wfile.flush()
            self.record.sent += len(chunk)
            if fault.cut is not None and at + CHUNK >= fault.cut:
                self.close_connection = True
                return
            if fault.stall is not None and at + CHUNK >= fault.stall:
                self.hub.closing.wait(30)
                self.close_connection = True
                return
            if fault.pace_s:
                time.sleep(fault.pace_s)


class _Hub(_Handler):
    def answer(self, fault: Fault) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := API.fullmatch(path):
            self.api(found["model"], found["what"], found["revision"])
        elif found := RESOLVE.fullmatch(path):
            self.resolve(found["model"], found["revision"], found["name"], fault)
        else:
            self.say(404, b"", {})

    def commit(self, model: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        repository = self.hub.repositories.get(model)
        if repository is None:
            # What the real hub says to somebody without a login: it does not tell whether the model exists.
            self.say(401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
            return None
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self.say(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit, repository.commits[commit]

    def api(self, model: str, what: str, revision: str) -> None:
        found = self.commit(model, revision)
        if found is None:
            return
        commit, files = found
        siblings = [self.sibling(model, name, content) for name, content in files.items()]
        invented = self.hub.repositories[model].announced.keys() - files.keys()
        siblings += [self.sibling(model, name, b"") for name in invented]
        if what == "tree":
            rows = [{"type": "file", "path": s["rfilename"], "oid": s.get("blobId"), **s} for s in siblings]
            self.say(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
            return
        body = {"_id": "1", "id": model, "modelId": model, "sha": commit, "siblings": siblings, "tags": []}
        self.say(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def sibling(self, model: str, name: str, content: bytes) -> dict[str, object]:
        if self.hub.bare_listings:
            return {"rfilename": name}
        facts = self.hub.repositories[model].announced.get(name, {})
        size = facts.get("size", len(content))
        sibling = {"rfilename": name, "size": size, "blobId": facts.get("blobId", git_sha1(content))}
        if is_large(name):
            sha256 = facts.get("sha256", hashlib.sha256(content).hexdigest())
            sibling["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 134}
        return sibling

    def resolve(self, model: str, revision: str, name: str, fault: Fault) -> None:
        found = self.commit(model, revision)
        if found is None:
            return
        commit, files = found
        if name not in files:
            self.say(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        content = files[name]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag(name, content)}"'}
        if not is_large(name):
            self.serve(content, fault, headers)
            return
        headers |= {"X-Linked-Etag": f'"{etag(name, content)}"', "X-Linked-Size": str(len(content))}
        self.say(302, b"", headers | {"Location": f"{self.hub.storage}/{model}/{commit}/{name}"})


class _Storage(_Handler):
    def answer(self, fault: Fault) -> None:
        owner, model, commit, name = unquote(self.path).lstrip("/").split("/", 3)
        self.serve(self.hub.repositories[f"{owner}/{model}"].commits[commit][name], fault, {})
