"""What to do when memory runs out: half the batch, then a more frugal profile, then a polite refusal.

Knows jobs, events and the order of the remedies. Knows no torch and no models: how a batch is painted and how memory
comes back is the sitter's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from generation.contracts.errors import EngineUnavailable, OutOfMemory, WordbrushError
from generation.contracts.events import Done, EngineEvent, Failed
from generation.contracts.ports import Job

LOAD = "load"


@dataclass(frozen=True, slots=True)
class Shortage:
    """Memory ran out in a stage: `load`, `text`, `denoise` or `decode`."""

    stage: str


Accident = Shortage | WordbrushError


class Sitter(Protocol):
    """Who paints a batch, and can make room."""

    def attempt(self, jobs: Sequence[Job], indices: Sequence[int]) -> Generator[EngineEvent, None, Accident | None]:
        """Paint these jobs once, as one batch; None when that went well. Nothing it returns keeps memory alive."""
        ...

    def make_room(self) -> None:
        """Give back what nobody uses any more."""
        ...

    def halve(self, job: Job, size: int, stage: str) -> int:
        """`size` pictures like this one were too many; returns with how many it goes on."""
        ...

    def ease(self, job: Job, size: int, stage: str) -> int | None:
        """Take the next profile that needs less; returns how many at once it allows, None when there is none."""
        ...

    def refuse(self, size: int, stage: str) -> WordbrushError:
        """Nothing helped: the error for those that are left."""
        ...


def climb(sitter: Sitter, jobs: Sequence[Job], indices: Sequence[int]) -> Iterator[EngineEvent]:
    """Paint jobs as one batch, with every remedy that is needed on the way.

    Each of them that is not cancelled ends in exactly one `Done` or `Failed`; steps and previews may come again, what
    is done is not painted twice.
    """
    sitting = _Sitting(sitter, jobs, list(indices))
    first, size = jobs[indices[0]], len(indices)
    halved = eased = False
    while (short := (yield from sitting.in_batches(size))) is not None:
        sitter.make_room()
        if not halved and short.stage != LOAD:
            halved, size = True, sitter.halve(first, size, short.stage)
        elif not eased and (smaller := sitter.ease(first, size, short.stage)) is not None:
            eased, size = True, smaller
        else:
            yield from sitting.fail(sitter.refuse(size, short.stage))
            return


@dataclass(slots=True)
class _Sitting:
    """Jobs on their way, and which of them have come to their end."""

    sitter: Sitter
    jobs: Sequence[Job]
    indices: list[int]
    ended: set[int] = field(default_factory=set)

    def left(self) -> list[int]:
        return [index for index in self.indices if index not in self.ended and not self.jobs[index].cancelled.is_set()]

    def in_batches(self, size: int) -> Generator[EngineEvent, None, Shortage | None]:
        """Paint what is left in batches of `size`, until memory runs out."""
        left = self.left()
        for begin in range(0, len(left), size):
            short = yield from self.batch(left[begin : begin + size])
            if short is not None:
                return short
        return None

    def batch(self, indices: Sequence[int]) -> Generator[EngineEvent, None, Shortage | None]:
        """Paint one batch; where it breaks, each of its jobs by itself, so that a bad one takes no other along."""
        accident = yield from self.once(indices)
        if accident is None or isinstance(accident, Shortage):
            return accident
        left = [index for index in self.left() if index in indices]
        if len(indices) == 1 or isinstance(accident, EngineUnavailable):
            yield from self.failed(left, accident)
            return None
        for index in left:
            short = yield from self.batch([index])
            if short is not None:
                return short
        return None

    def once(self, indices: Sequence[int]) -> Generator[EngineEvent, None, Accident | None]:
        events = self.sitter.attempt(self.jobs, indices)
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                accident: Accident | None = end.value
                return accident
            if isinstance(event, Done | Failed):
                self.ended.add(event.job)
            yield event

    def fail(self, error: WordbrushError) -> Iterator[EngineEvent]:
        return self.failed(self.left(), error)

    def failed(self, indices: Sequence[int], error: WordbrushError) -> Iterator[EngineEvent]:
        for index in indices:
            self.ended.add(index)
            yield Failed(index, error)


def out_of_memory(stage: str, where: str) -> WordbrushError:
    """What is told when nothing helped: where not even the models fit, it is the engine that cannot work."""
    if stage != LOAD:
        return OutOfMemory()
    reason = f"its models do not fit into the free memory of {where}: close what else uses it, or take a smaller set"
    return EngineUnavailable(engine="diffusion", reason=reason)
