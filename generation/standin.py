"""Two engines as one: the one that should paint, and the painter that goes on while it cannot.

Knows both by the engine's contract and when to ask again. Knows no models, no devices and no downloads: why the first
one cannot work is for it to say (`trouble`, or an `EngineUnavailable` while painting). One that loads and then paints
nothing (picture after picture fails, or an error nobody foresaw) is doubted too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from generation.contracts.errors import (
    EngineError,
    EngineUnavailable,
    OutOfMemory,
    PaintingCancelled,
    WordbrushError,
)
from generation.contracts.events import Done, EngineEvent, Failed
from generation.contracts.ports import Engine, Job
from generation.contracts.request import PaintRequest
from generation.work import is_loading

BROKEN_AFTER = 3
"""So many failed pictures in a row, and none painted between them, are the engine's fault and not the pictures'."""
_log = logging.getLogger(__name__)


class Primary(Engine, Protocol):
    """An engine that knows, without much ado, whether it can work."""

    def trouble(self) -> EngineUnavailable | None:
        """What keeps it from painting now, as far as a look at the disk tells; None when it should work. Cheap."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """When an engine that failed is asked again, in seconds.

    Attributes:
        first_s: after the first failure; doubles with each further one.
        longest_s: the longest pause.
        look_s: for how long one look at the engine's troubles is believed.
    """

    first_s: float = 30.0
    longest_s: float = 1800.0
    look_s: float = 1.0

    def pause_s(self, failures: int) -> float:
        """The pause after so many failures in a row, at least 1."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 32))


class StandIn:
    """Paints with the primary engine where it can, and with the painter where it cannot. Implements `Engine`.

    `name`, `version` and `needs` are those of whichever is expected to paint the next picture, so the cache and the
    pipeline ask at that moment; every `Done` says who really painted.

    Args:
        primary: who should paint.
        painter: who always can.
        clock: seconds that never go back.
        back_off: when the primary is asked again.
        further: more to tell in `diagnostics`, such as a download's progress.
    """

    def __init__(
        self,
        primary: Primary,
        painter: Engine,
        *,
        clock: Callable[[], float] = time.monotonic,
        back_off: BackOff | None = None,
        further: Callable[[], Mapping[str, object]] | None = None,
    ) -> None:
        self._primary, self._painter = primary, painter
        self._further = further or dict
        self._doubts = _Doubts(primary, clock, back_off or BackOff())

    @property
    def name(self) -> str:
        """Who is expected to paint."""
        return self._acting.name

    @property
    def version(self) -> str:
        """Their version."""
        return self._acting.version

    @property
    def needs(self) -> tuple[str, ...]:
        """The control images they want."""
        return self._acting.needs

    @property
    def loaded(self) -> bool:
        """Whether whoever is expected to paint has its models in memory; see `generation.work.Loads`."""
        return not is_loading(self._acting)

    @property
    def _acting(self) -> Engine:
        return self._primary if self._doubts.reason() is None else self._painter

    def batch_key(self, request: PaintRequest) -> Hashable:
        """As whoever is expected to paint says."""
        return self._acting.batch_key(request)

    def batch_limit(self, width: int, height: int) -> int:
        """As whoever is expected to paint says."""
        return self._acting.batch_limit(width, height)

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        """Paint with the primary what it can work on, and with the painter the rest and what was made for the painter.

        A job made for the painter has no control images; the primary would paint it without the word in it.
        """
        ready = self._acting is self._primary
        fit = [index for index, job in enumerate(jobs) if ready and set(job.control) >= set(self._primary.needs)]
        refused = yield from self._by_primary(jobs, fit)
        rest = sorted(set(range(len(jobs))) - set(fit) | set(refused))
        yield from _stamped(_renumbered(self._painter, jobs, rest), self._painter)

    def warm(self) -> None:
        """Warm both; what keeps the primary from it is noted, not raised."""
        self._painter.warm()
        if self._acting is self._primary:
            try:
                with self._doubts.trying():
                    self._primary.warm()
            except EngineUnavailable as error:
                self._doubts.failed(error)
            except EngineError as error:
                self._doubts.broke(error)
                raise

    def unload(self) -> None:
        """Unload both."""
        self._primary.unload()
        self._painter.unload()

    def diagnostics(self) -> dict[str, object]:
        """What the primary says, and who acts.

        While that is the painter: `standing_in` (the class of the error), `standing_in_details`, `standing_in_reason`
        (one line for an operator), `retry_in_s` (None while something has to change first), `painter` (its report).
        """
        report: dict[str, object] = {**self._primary.diagnostics(), **self._further(), "standing_in": None}
        reason = self._doubts.reason()
        if reason is None:
            return report
        return report | {
            "engine": self._painter.name,
            "version": self._painter.version,
            "standing_in": type(reason).__name__,
            "standing_in_details": reason.details,
            "standing_in_reason": str(reason),
            "retry_in_s": self._doubts.retry_in_s(),
            "painter": self._painter.diagnostics(),
        }

    def _by_primary(self, jobs: Sequence[Job], fit: Sequence[int]) -> Generator[EngineEvent, None, list[int]]:
        """Paint those that fit; returns the ones the primary could not work on."""
        refused: list[int] = []
        ended: set[int] = set()
        try:
            with self._doubts.trying():
                for event in _stamped(_renumbered(self._primary, jobs, fit), self._primary):
                    if isinstance(event, Done | Failed):
                        ended.add(event.job)
                    if self._is_refusal(event):
                        refused.append(event.job)
                    else:
                        yield event
        except EngineUnavailable as error:
            self._doubts.failed(error)
            refused += [index for index in fit if index not in ended]
        return refused

    def _is_refusal(self, event: EngineEvent) -> bool:
        """Whether it tells that the primary cannot work, so that the painter paints this job; draws the conclusions."""
        if isinstance(event, Done):
            self._doubts.worked()
        if not isinstance(event, Failed) or not isinstance(event.error, EngineError):
            return False
        if isinstance(event.error, EngineUnavailable):
            self._doubts.failed(event.error)
            return True
        return self._doubts.broke(event.error)


class _Doubts:
    """Whether the primary is expected to work, and if not, why and until when. May be asked from any thread."""

    def __init__(self, primary: Primary, clock: Callable[[], float], back_off: BackOff) -> None:
        self._primary, self._clock, self._back_off = primary, clock, back_off
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._trouble: EngineUnavailable | None = None
        self._failure: EngineUnavailable | None = None
        self._failures = self._broken = 0
        self._retry_at = 0.0

    def reason(self) -> EngineUnavailable | None:
        """Why the painter stands in; None when the primary is expected to work."""
        with self._lock:
            now = self._clock()
            if now - self._looked_at >= self._back_off.look_s:
                self._look(now)
            return self._trouble or (self._failure if now < self._retry_at else None)

    def retry_in_s(self) -> float | None:
        """Seconds until the primary is asked again; None when that depends on something else."""
        with self._lock:
            return None if self._trouble else max(0.0, self._retry_at - self._clock())

    def failed(self, error: EngineUnavailable) -> None:
        """The primary tried and could not. Failures of one batch count once."""
        with self._lock:
            now = self._clock()
            self._looked_at = float("-inf")
            if self._failure is not None and now < self._retry_at:
                return
            self._failures += 1
            self._failure, pause_s = error, self._back_off.pause_s(self._failures)
            self._retry_at = now + pause_s
        _log.warning("the painter stands in for %.0f s: %s", pause_s, error)

    def broke(self, error: EngineError) -> bool:
        """A picture failed; returns whether so many did, one after the other, that the primary is doubted for it.

        What says something about the picture alone (too large for the memory, cancelled) is no reason for doubt. After
        the pause one more failure is enough: only a painted picture starts the count anew.
        """
        if isinstance(error, OutOfMemory | PaintingCancelled):
            return False
        with self._lock:
            self._broken += 1
            broken = self._broken
        if broken < BROKEN_AFTER:
            return False
        self.failed(_unavailable(self._primary, f"{broken} pictures in a row failed: {error}"))
        return True

    @contextmanager
    def trying(self) -> Iterator[None]:
        """While the primary works: an error that is not ours to explain counts as a failure of it, and goes on."""
        foreseen = False
        try:
            yield
            foreseen = True
        except (WordbrushError, GeneratorExit):
            foreseen = True
            raise
        finally:
            if not foreseen:
                self.failed(_unavailable(self._primary, "it failed in an unforeseen way, see the log"))

    def worked(self) -> None:
        """The primary painted a picture."""
        with self._lock:
            self._failure, self._failures, self._broken, self._retry_at = None, 0, 0, 0.0

    def _look(self, now: float) -> None:
        before, self._trouble, self._looked_at = self._trouble, self._primary.trouble(), now
        if before is None and self._trouble is not None:
            _log.warning("the painter stands in: %s", self._trouble)
        if before is not None and self._trouble is None:
            _log.info("%s can work now", self._primary.name)
            self._failure, self._failures, self._broken, self._retry_at = None, 0, 0, 0.0


def _unavailable(engine: Engine, reason: str) -> EngineUnavailable:
    return EngineUnavailable(engine=engine.name, reason=reason)


def _renumbered(engine: Engine, jobs: Sequence[Job], indices: Sequence[int]) -> Iterator[EngineEvent]:
    """The engine's events about some of the jobs, numbered as all of them are."""
    if indices:
        for event in engine.paint([jobs[index] for index in indices]):
            yield replace(event, job=indices[event.job])


def _stamped(events: Iterator[EngineEvent], engine: Engine) -> Iterator[EngineEvent]:
    """The events, each `Done` saying who painted it."""
    for event in events:
        if isinstance(event, Done) and not event.engine:
            yield replace(event, engine=engine.name, version=engine.version)
        else:
            yield event
