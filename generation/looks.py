"""How paintings look before they are finished: a first look by the painter, then what the engine shows of its own.

Knows the pipeline, a thread pool and the announcer. Drops whatever would come too late; no engine waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, Future

from generation.announcer import Announcer
from generation.contracts.picture import Rgb
from generation.contracts.ports import Job
from generation.inbox import Inbox
from generation.pipeline import Pipeline
from generation.settling import explained
from generation.work import Work


class Looks:
    """Announces early looks at paintings.

    Args:
        inbox: where steps go once a thread is through.
        announcer: who tells them.
        pipeline: makes and encodes them.
        pool: where that happens.
        wanted: whether anybody wants them; otherwise none is made.
    """

    def __init__(self, inbox: Inbox, announcer: Announcer, *, pipeline: Pipeline, pool: Executor, wanted: bool) -> None:
        self._inbox, self._announcer = inbox, announcer
        self._pipeline, self._pool = pipeline, pool
        self._wanted = wanted

    def first(self, works: Iterable[Work]) -> None:
        """Show each of them as the painter would sketch it, unless the engine is quicker."""
        for work in works:
            if self._wanted and work.job is not None and not work.seen:
                self._submit(work, self._pool.submit(_sketched, self._pipeline, work.job), first=True)

    def later(self, work: Work, image: Rgb) -> None:
        """Show what the engine shows; while one is being encoded the next is dropped."""
        work.seen = True
        if self._wanted and not work.previewing:
            work.previewing = True
            self._submit(work, self._pool.submit(self._pipeline.preview_jpeg, image), first=False)

    def _submit(self, work: Work, future: Future[bytes] | Future[bytes | None], *, first: bool) -> None:
        future.add_done_callback(lambda future: self._inbox.post((), self._on_jpeg, work, future, first))

    async def _on_jpeg(self, work: Work, future: Future[bytes | None], first: bool) -> None:  # noqa: FBT001 - posted by position
        work.previewing = work.previewing and first
        if (error := future.exception()) is not None:
            explained(error, "a preview")
        elif not (work.closed or work.done is not None or (first and work.seen)):
            jpeg = future.result()
            if jpeg is not None:
                self._announcer.previewed(work, jpeg)


def _sketched(pipeline: Pipeline, job: Job) -> bytes | None:
    image = pipeline.first_look(job)
    return None if image is None else pipeline.preview_jpeg(image)
