"""``getUpdates``: offsets, long polls and who may poll; knows the updates table, not what is in an update."""

import asyncio
import json
import time
from typing import Any

from bot.playground.messages import Ask
from bot.playground.refusals import OTHER_POLLER, WEBHOOK_ACTIVE, Refusal
from bot.playground.state import Json, Store, Tx

MAX_TIMEOUT_S = 50
_KEPT_S = 24 * 3600
_SAME_OFFSET_S = 3.0


class Polls:
    """The one long poll a bot may have.

    Args:
        store: Where the updates wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = asyncio.Event()
        self._current: asyncio.Future[str] | None = None
        self._last: tuple[int, float] = (0, float("-inf"))
        self._stopped = False
        self.seen_at = float("-inf")
        store.watch(self._wake)

    def _wake(self, events: list[Json]) -> None:
        if any(event["type"] == "update" for event in events):
            self._news.set()

    @property
    def active(self) -> bool:
        """Whether a bot polls now or did so within the last seconds."""
        return self._current is not None or time.monotonic() - self.seen_at < _SAME_OFFSET_S

    def stop(self) -> None:
        """Ends the long poll and every later one at once."""
        self._stopped = True
        self._end("")

    def end_for_webhook(self) -> None:
        """A webhook was set: the long poll ends with its own 409."""
        self._end("Conflict: terminated by setWebhook request")

    def _end(self, why: str) -> None:
        if self._current is not None and not self._current.done():
            self._current.set_result(why)

    async def get_updates(self, ask: Ask) -> list[Json]:
        """Waits for updates and returns them.

        Raises:
            Refusal: 409 when another poller came, or a webhook is set.
        """
        offset = ask.get("offset", 0)
        limit = min(max(ask.get("limit", 100), 1), 100)
        self._end(OTHER_POLLER)
        await self._store.run(begin, offset, ask.get("allowed_updates"), ask.now)
        mine: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._current = mine
        try:
            return await self._wait(mine, offset, limit, self._timeout(offset, ask))
        finally:
            self.seen_at = time.monotonic()
            if self._current is mine:
                self._current = None

    def _timeout(self, offset: int, ask: Ask) -> float:
        """Seconds to wait: a bot that asks the same again at once is made to wait, as at Telegram."""
        asked = float(min(max(ask.get("timeout", 0), 0), MAX_TIMEOUT_S))
        now = time.monotonic()
        again = self._last[0] == offset and now - self._last[1] < _SAME_OFFSET_S
        self._last = (offset, now)
        return max(asked, _SAME_OFFSET_S) if again else asked

    async def _wait(self, mine: asyncio.Future[str], offset: int, limit: int, timeout: float) -> list[Json]:  # noqa: ASYNC109 - Telegram's own parameter
        until = time.monotonic() + timeout
        while True:
            self._news.clear()
            if mine.done() and mine.result():
                raise Refusal(409, mine.result())
            if found := await self._store.run(pending, offset, limit):
                return found
            left = until - time.monotonic()
            if left <= 0 or self._stopped:
                return []
            await self._news_or_end(mine, left)

    async def _news_or_end(self, mine: asyncio.Future[str], seconds: float) -> None:
        news = asyncio.ensure_future(self._news.wait())
        waiting: set[asyncio.Future[Any]] = {news, mine}
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()


def begin(tx: Tx, offset: int, allowed: list[str] | None, now: float) -> None:
    """Confirms what lies before the offset, remembers which kinds the bot wants, forgets what is older than a day.

    A negative offset keeps that many of the newest and confirms the rest.

    Raises:
        Refusal: 409 while a webhook is set.
    """
    if tx.remembered("webhook", {}).get("url"):
        raise Refusal(409, WEBHOOK_ACTIVE)
    if allowed is not None and allowed != tx.remembered("allowed_updates"):
        tx.remember("allowed_updates", allowed)
    tx.do("DELETE FROM updates WHERE at < ?", now - _KEPT_S)
    if offset > 0:
        tx.do("DELETE FROM updates WHERE id < ?", offset)
    elif offset < 0:
        tx.do("DELETE FROM updates WHERE id NOT IN (SELECT id FROM updates ORDER BY id DESC LIMIT ?)", -offset)


def pending(tx: Tx, offset: int, limit: int) -> list[Json]:
    """The updates waiting, oldest first, as Update objects."""
    rows = tx.all("SELECT * FROM updates WHERE id >= ? ORDER BY id LIMIT ?", max(offset, 0), limit)
    return [{"update_id": row["id"], row["kind"]: json.loads(row["body"])} for row in rows]
