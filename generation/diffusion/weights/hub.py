"""The model hub over HTTP: what a repository has, and the bytes of a file from any position on.

Knows `huggingface_hub` (imported when first used): its session, headers, URLs and errors. The bytes are streamed here
rather than by its `hf_hub_download`, which since 1.18 begins an interrupted file again from nothing; and so are the
listings, which it would read to whatever length they have. A status is judged by its headers, its body never read.
Foreign exceptions end here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeGuard
from urllib.parse import quote

from generation.contracts.errors import (
    DownloadBroken,
    DownloadStalled,
    EngineUnavailable,
    HubBusy,
    HubRefused,
    HubUnreachable,
    ModelNotFound,
    WeightsDamaged,
)
from generation.diffusion.weights.answers import TooSlowError, opened, paced, whole
from generation.diffusion.weights.durable import parsed
from generation.diffusion.weights.layout import check_names
from generation.diffusion.weights.lock import COMMIT, SHA256
from generation.diffusion.weights.places import endpoint, without_login

CONNECT_S = 15.0
LONGEST_STALL_S = 3600.0
LARGEST_LISTING = 32 * 2**20
"""Bytes. A thousand files take less than one MiB."""
LISTING_PAUSES = 4
"""A listing may take so many times what a silence may."""
LARGEST_FILE = 2**50
BLOB = re.compile(r"[0-9a-f]{32,128}")
"""What a mirror may call a file's bytes: some hash of them."""
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMEOUT, BAD_RANGE, TOO_MANY, PARTIAL = 401, 403, 404, 408, 416, 429, 206
SUCCESSES, ERRORS, SERVER_ERRORS = range(200, 300), 400, 500


@dataclass(frozen=True, slots=True)
class Announced:
    """What the hub says of a file.

    Attributes:
        name: in the repository.
        size: bytes.
        etag: what the hub calls its bytes: their SHA-256 for large files, git's SHA-1 for small ones.
    """

    name: str
    size: int
    etag: str

    @property
    def sha256(self) -> str | None:
        """The announced SHA-256; None where the hub gives another kind of name."""
        return self.etag if SHA256.fullmatch(self.etag) else None

    @property
    def git_sha1(self) -> str | None:
        """The announced git hash, likewise."""
        return self.etag if GIT_SHA1.fullmatch(self.etag) else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository at one commit.

    Attributes:
        commit: 40 hex digits.
        files: by name; size and etag may still be unknown (None), then `Hub.announced` asks for them.
    """

    commit: str
    files: Mapping[str, Announced | None]


@dataclass(frozen=True, slots=True)
class Body:
    """A file on its way.

    Attributes:
        start: position of the first byte; 0 where the server did not resume.
        chunks: the bytes.
    """

    start: int
    chunks: Iterator[bytes]


class Hub:
    """The hub that `HF_ENDPOINT` names, with the token of `HF_TOKEN` or of the hub's own login.

    Args:
        stall_s: an answer that brings nothing (or next to nothing) for so long is given up; an hour at most.

    Raises:
        EngineUnavailable: `huggingface_hub` is not installed.
    """

    def __init__(self, *, stall_s: float) -> None:
        try:
            self._library = import_module("huggingface_hub")
        except ImportError:
            reason = (
                "downloading needs the diffusion extra: run `make run EXTRAS=diffusion`, or "
                "`pip install '.[diffusion]'` in the checkout"
            )
            raise EngineUnavailable(engine="diffusion", reason=reason) from None
        self._utils = import_module("huggingface_hub.utils")
        self._stall_s = stall_s if 0 < stall_s < LONGEST_STALL_S else LONGEST_STALL_S
        self._endpoint = endpoint()
        self.endpoint = without_login(self._endpoint)

    def listing(self, model: str, revision: str) -> Listing:
        """Resolve a revision to its commit and list the files there.

        Raises:
            EngineUnavailable: one of the hub's errors, or an answer that no hub gives.
        """
        with self._explained(model, revision, file=None):
            self._utils.validate_repo_id(model)
            url = f"{self._endpoint}/api/models/{model}/revision/{quote(revision, safe='')}?blobs=true"
            with opened(self._session(), url, headers=self._headers(), timeout=self._connect_s()) as response:
                self._check_status(response, model, revision, None)
                within_s = LISTING_PAUSES * self._connect_s()
                body = whole(response.iter_bytes(), limit=LARGEST_LISTING, within_s=within_s)
            try:
                info = parsed(body)
                commit, found = info["sha"], dict(map(_announced, info.get("siblings") or ()))
            except (KeyError, TypeError, AttributeError):
                raise HubUnreachable(url=self.endpoint) from None
        if not isinstance(commit, str) or COMMIT.fullmatch(commit) is None:
            raise HubUnreachable(url=self.endpoint)
        check_names(model, found)
        return Listing(commit, found)

    def announced(self, model: str, commit: str, name: str) -> Announced:
        """Ask for one file's size and etag, where a mirror's listing leaves them out.

        Raises:
            EngineUnavailable: one of the hub's errors.
        """
        with self._explained(model, commit, file=name):
            facts = self._library.get_hf_file_metadata(
                self._url(model, commit, name), token=self._token(), timeout=self._connect_s(), endpoint=self._endpoint
            )
        if not _is_size(facts.size) or not isinstance(facts.etag, str) or BLOB.fullmatch(facts.etag) is None:
            raise HubUnreachable(url=self.endpoint)
        return Announced(name, facts.size, facts.etag)

    @contextmanager
    def open(self, model: str, commit: str, file: Announced, *, start: int) -> Iterator[Body]:
        """The file's bytes from `start` on, or from 0 where the server cannot resume.

        Raises:
            EngineUnavailable: one of the hub's errors, at the call or while the chunks are read.
        """
        headers = self._headers() | ({"Range": f"bytes={start}-"} if start else {})
        url = self._url(model, commit, file.name)
        with (
            self._explained(model, commit, file=file.name),
            opened(self._session(), url, headers=headers, timeout=self._timeout()) as response,
        ):
            self._check_status(response, model, commit, file.name)
            begins = start if response.status_code == PARTIAL else 0
            self._check_length(response, model, file, begins)
            # Without a chunk size: the client would hold back what does not fill one, and lose it with the connection.
            yield Body(begins, paced(response.iter_bytes(), stall_s=self._stall_s))

    def _check_status(self, response: Any, model: str, revision: str, file: str | None) -> None:
        if response.status_code >= ERRORS:
            raise _refusal(response, model, revision, file)
        if response.status_code not in SUCCESSES:  # a redirect that leads nowhere
            raise HubUnreachable(url=self.endpoint)

    def _check_length(self, response: Any, model: str, file: Announced, begins: int) -> None:
        """A page instead of a file (a login wall, an error with status 200) shows in its length."""
        length = response.headers.get("Content-Length")
        if length is None or response.headers.get("Content-Encoding", "identity") != "identity":
            return
        if begins + int(length) == file.size:
            return
        if "html" in response.headers.get("Content-Type", ""):
            raise HubUnreachable(url=self.endpoint)
        raise WeightsDamaged(model=model, file=file.name)

    @contextmanager
    def _explained(self, model: str, revision: str, *, file: str | None) -> Iterator[None]:
        """Turn the libraries' exceptions into ours; without a file nothing has begun, and a fault is the hub's."""
        transport = import_module(type(self._utils.get_session()).__module__.partition(".")[0])
        try:
            yield
        except self._utils.HfHubHTTPError as error:
            raise _refusal(error.response, model, revision, file) from error
        except (self._library.errors.OfflineModeIsEnabled, transport.ConnectError, transport.ConnectTimeout) as error:
            raise HubUnreachable(url=self.endpoint) from error
        except (transport.ReadTimeout, TooSlowError) as error:
            if file is None:
                raise HubUnreachable(url=self.endpoint) from error
            raise DownloadStalled(model=model, file=file, seconds=round(self._stall_s)) from error
        except (transport.ReadError, transport.RemoteProtocolError) as error:
            if file is None:
                raise HubUnreachable(url=self.endpoint) from error
            raise DownloadBroken(model=model, file=file) from error
        except (transport.HTTPError, transport.InvalidURL) as error:
            raise HubUnreachable(url=self.endpoint) from error
        except self._utils.HFValidationError as error:
            raise ModelNotFound(model=model, revision=revision) from error
        except ValueError as error:  # not JSON: a login page, a proxy's apology
            raise HubUnreachable(url=self.endpoint) from error

    def _url(self, model: str, commit: str, name: str) -> str:
        url: str = self._library.hf_hub_url(model, name, revision=commit, endpoint=self._endpoint)
        return url

    def _headers(self) -> dict[str, str]:
        """Our own: the library's ask the hub a question of theirs first, and read its answer however long it is."""
        token = self._token()
        own = {"User-Agent": "wordbrush", "Accept-Encoding": "identity"}
        return own | {"authorization": f"Bearer {token}"} if token else own

    def _session(self) -> Any:
        return self._utils.get_session()

    def _token(self) -> str | bool:
        """As the hub library finds it; one that no header can carry is told here and not as an error of the network."""
        token: str = self._library.get_token() or ""
        if not token.isascii() or not token.isprintable():
            reason = "HF_TOKEN has a character that no token has: copy it again from the hub's settings page"
            raise EngineUnavailable(engine="diffusion", reason=reason)
        return token or False

    def _connect_s(self) -> float:
        return min(CONNECT_S, self._stall_s)

    def _timeout(self) -> tuple[float, float, float, float]:
        """Connect, read, write, pool: the four that the client knows, in its order."""
        return self._connect_s(), self._stall_s, self._stall_s, self._stall_s


def _announced(sibling: Mapping[str, Any]) -> tuple[str, Announced | None]:
    """A listed file's name, and its size and etag; None where the listing does not tell them.

    Raises:
        KeyError, TypeError, AttributeError: no hub writes that.
    """
    name, large = sibling["rfilename"], sibling.get("lfs")
    if not isinstance(name, str):
        raise TypeError
    size, blob, shape = sibling.get("size"), sibling.get("blobId"), GIT_SHA1
    if large:
        size, blob, shape = large.get("size"), large.get("sha256"), SHA256
    if not _is_size(size) or not isinstance(blob, str) or shape.fullmatch(blob) is None:
        return name, None  # the file itself is asked
    return name, Announced(name, size, blob)


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_FILE


def _refusal(response: Any, model: str, revision: str, file: str | None) -> EngineUnavailable:
    """Our error for a status."""
    status = response.status_code
    if status == NOT_FOUND:
        return ModelNotFound(model=model, revision=f"{revision} with a file {file}" if file else revision)
    if status in {UNAUTHORIZED, FORBIDDEN}:
        # The hub answers 401 for models that do not exist, too, as long as nobody is logged in.
        unknown = response.headers.get("X-Error-Code") == "RepoNotFound"
        return HubRefused(model=model, status=f"{status}, or no such model" if unknown else status)
    if status == BAD_RANGE and file:
        return WeightsDamaged(model=model, file=file)
    if status in {TIMEOUT, TOO_MANY} or status >= SERVER_ERRORS:
        return HubBusy(model=model, status=status)
    return HubRefused(model=model, status=status)
