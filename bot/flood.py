"""The flood budget: who may talk to which chat now. Token buckets and the silences a 429 imposes.

Telegram publishes no exact limits; its FAQ and developers name one message a second in a chat, 20 a minute in a group
and about 30 a second overall, and say that edits count like messages. What lasts waits for its turn (`turn`), what is
only for the eye asks once and is dropped (`spare`). Knows chats and time; sends nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum

from bot.clock import Clock, SystemClock

_IDLE_CHATS_KEPT = 1024


class Rank(IntEnum):
    """Who goes first where several wait for one chat."""

    RESULT = 0
    """A picture."""
    STATUS = 1
    """An order's message, its buttons."""
    SIDE = 2
    """Help, refusals, notices."""


SHORTEST_SLEEP_S = 0.001
"""Shorter waits are rounding; sleeping them one by one would only spin."""
LONGEST_SILENCE_S = 24 * 3600.0
"""A `retry_after` beyond a day is a server's mistake; believing it would mute a chat for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Every figure of the outgoing side: rates in messages a second, bursts in messages, times in seconds.

    Attributes:
        private_rate: messages a second in a private chat.
        private_burst: how many may go at once after a quiet while.
        group_rate: messages a second in a group; burst + 60 x rate is the worst minute (5 + 15 = 20).
        group_burst: how many may go at once in a group.
        overall_rate: messages a second over all chats; burst + rate is the worst second (5 + 20 = 25).
        overall_burst: how many may go at once over all chats.
        progress_rate: progress edits a second in one chat, so that the result always finds a token.
        progress_burst: progress edits at once.
        private_floor_s: shortest time between two progress edits of one order in a private chat.
        group_floor_s: the same in a group.
        private_preview_floor_s: shortest time from a preview to the next edit of that order in a private chat; previews
            are uploads, so they take the place of two texts.
        group_preview_floor_s: the same in a group.
        preview_rest_s: after a preview that went wrong, how long texts alone are shown.
        preview_worth_s: a preview is not worth an upload when the picture itself is expected within this time.
        preview_timeout_s: limit of one preview; the result may have to wait that long behind it.
        preview_doubt_s: how long, at most, a preview whose answer was lost may still take effect; then the last word on
            the order is said once more.
        backoff_first_s: first pause after a failure.
        backoff_last_s: longest pause between two attempts.
        long_wait_s: after so long the learner has looked away: the result also notifies.
        answer_patience_s: how long a callback's answer is worth retrying; Telegram forgets the query soon.
        text_patience_s: how long a text that stands in no row is retried.
        call_timeout_s: limit of one call.
        upload_timeout_s: limit of one call that carries a file.
        uploads: files on their way at the same time; bounds the memory they take.
        original_again_s: after so long a learner may ask for the same document again; they may have deleted it.
        unsure_sends: new messages that may each have arrived, before a call holds back.
        unsure_rest_s: how long it then holds back, doubling each time.
    """

    private_rate: float = 1.0
    private_burst: int = 3
    group_rate: float = 0.25
    group_burst: int = 5
    overall_rate: float = 20.0
    overall_burst: int = 5
    progress_rate: float = 0.25
    progress_burst: int = 6
    private_floor_s: float = 2.0
    group_floor_s: float = 4.0
    private_preview_floor_s: float = 4.0
    group_preview_floor_s: float = 8.0
    preview_rest_s: float = 30.0
    preview_worth_s: float = 2.0
    preview_timeout_s: int = 10
    preview_doubt_s: float = 60.0
    backoff_first_s: float = 1.0
    backoff_last_s: float = 60.0
    long_wait_s: float = 20.0
    answer_patience_s: float = 15.0
    text_patience_s: float = 600.0
    call_timeout_s: int = 30
    upload_timeout_s: int = 120
    uploads: int = 4
    original_again_s: float = 30.0
    unsure_sends: int = 3
    unsure_rest_s: float = 600.0

    def floor_s(self, *, private: bool) -> float:
        """Shortest time between two progress edits of one order, in seconds."""
        return self.private_floor_s if private else self.group_floor_s

    def preview_floor_s(self, *, private: bool) -> float:
        """Shortest time from a preview to the next edit of that order, in seconds."""
        return self.private_preview_floor_s if private else self.group_preview_floor_s


class Bucket:
    """A token bucket: fills at `rate` tokens a second up to `burst`."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, float(burst)
        self._tokens, self._seen = float(burst), now

    def wait_s(self, now: float, keep: int = 0) -> float:
        """Seconds until one token is there and `keep` more stay behind; 0 when it is so."""
        self._fill(now)
        # A hair below a whole token is rounding, not debt.
        return max(0.0, (1.0 + keep - 1e-9 - self._tokens) / self._rate)

    def take(self, now: float) -> None:
        """Take one token; the caller has seen `wait_s` answer 0."""
        self._fill(now)
        self._tokens -= 1.0

    def full(self, now: float) -> bool:
        """Whether nothing has been taken for a while."""
        self._fill(now)
        return self._tokens >= self._burst

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
        self._seen = now


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a turn.

    Attributes:
        rank: results before status before side texts.
        asker: on whose behalf; whoever has fewer claims waiting in the chat goes first within a rank.
        wanted: asked when the turn comes; False gives it up without a token.
    """

    rank: Rank = Rank.RESULT
    asker: int = 0
    wanted: Callable[[], bool] = lambda: True


Place = tuple[int, int, int]
"""Rank, claims of the same asker that were there before, number: the smallest is next."""


class Line:
    """A lock whose waiters are served by place."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._held = False
        self._waiting: list[tuple[Place, asyncio.Future[None]]] = []
        self._claims: Counter[tuple[Rank, int]] = Counter()

    @property
    def locked(self) -> bool:
        """Whether somebody holds it."""
        return self._held

    @asynccontextmanager
    async def place(self, claim: Claim) -> AsyncIterator[Place]:
        """Count the claim until the block ends. The place itself holds nothing; see `hold`."""
        key = (claim.rank, claim.asker)
        round_, self._claims[key] = self._claims[key], self._claims[key] + 1
        try:
            yield (claim.rank, round_, next(self._numbers))
        finally:
            self._claims[key] -= 1
            if not self._claims[key]:
                del self._claims[key]

    @asynccontextmanager
    async def hold(self, place: Place) -> AsyncIterator[None]:
        """Wait until it is this place's turn and hold the line for the block."""
        if self._held:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (place, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._hand_on()  # it was given the line and left in the same moment
                raise
        self._held = True
        try:
            yield
        finally:
            self._hand_on()

    def outranks(self, place: Place) -> bool:
        """Whether somebody with a better place waits."""
        while self._waiting and self._waiting[0][1].done():
            heapq.heappop(self._waiting)
        return bool(self._waiting) and self._waiting[0][0] < place

    def _hand_on(self) -> None:
        while self._waiting:
            _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return  # the line stays held, now for the one just woken
        self._held = False


class _Chat:
    """One chat's buckets, its silence, and the line of those who wait for their turn."""

    def __init__(self, pace: Pace, now: float, *, private: bool) -> None:
        rate, burst = (pace.private_rate, pace.private_burst) if private else (pace.group_rate, pace.group_burst)
        self.messages = Bucket(rate, burst, now)
        self.progress = Bucket(pace.progress_rate, pace.progress_burst, now)
        self.silent_until = 0.0
        self.line = Line()

    def wait_s(self, now: float, keep: int = 0) -> float:
        """Seconds until a message may go to this chat with `keep` tokens left behind."""
        return max(self.silent_until - now, self.messages.wait_s(now, keep))

    def idle(self, now: float) -> bool:
        """Whether forgetting this chat loses nothing."""
        quiet = self.silent_until <= now and not self.line.locked
        return quiet and self.messages.full(now) and self.progress.full(now)


_ORDINARY = Claim()


class Flood:
    """Budgets of all chats of one bot. One event loop."""

    def __init__(self, clock: Clock | None = None, pace: Pace | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.pace = pace or Pace()
        self._overall = Bucket(self.pace.overall_rate, self.pace.overall_burst, self.clock.monotonic())
        self._overall_line = Line()
        self._chats: dict[int, _Chat] = {}
        self._waiting: defaultdict[int, int] = defaultdict(int)

    async def turn(self, chat: int, claim: Claim = _ORDINARY) -> bool:
        """Wait until a message may go to `chat` and take its tokens: by rank, then fairly, then first come.

        Returns:
            False when nobody wanted it any more by then; no token was taken.

        The tokens are taken on the same tick as this returns: a caller that sends at once cannot run into a silence.
        """
        self._waiting[chat] += 1
        try:
            line = self._chat(chat).line
            async with line.place(claim) as place:
                taken: bool | None = None
                while taken is None:
                    async with line.hold(place):
                        taken = await self._take_turn(chat, claim, place)
                return taken
        finally:
            self._waiting[chat] -= 1
            if not self._waiting[chat]:
                del self._waiting[chat]

    async def _take_turn(self, chat: int, claim: Claim, place: Place) -> bool | None:
        """At the head of the chat's line: whether the tokens were taken; None when a better place came meanwhile."""
        while claim.wanted():
            await self._wait_for_chat(chat)
            if self._chat(chat).line.outranks(place):
                return None
            async with self._overall_line.place(claim) as overall, self._overall_line.hold(overall):
                while (wait := self._overall.wait_s(self.clock.monotonic())) > 0:
                    await self.clock.sleep(max(wait, SHORTEST_SLEEP_S))
                now = self.clock.monotonic()
                # While this one stood in the overall line, a 429 may have silenced the chat.
                if claim.wanted() and self._chat(chat).wait_s(now) <= 0:
                    self._chat(chat).messages.take(now)
                    self._overall.take(now)
                    return True
        return False

    async def _wait_for_chat(self, chat: int) -> None:
        while (wait := self._chat(chat).wait_s(self.clock.monotonic())) > 0:
            await self.clock.sleep(max(wait, SHORTEST_SLEEP_S))

    def spare(self, chat: int, *, keep: int = 1) -> bool:
        """Whether a progress edit may go to `chat` now, taking its tokens if so.

        Never before those who wait, and a token always stays for the result.

        Args:
            chat: where.
            keep: tokens that stay; whoever asks for more gives way earlier.
        """
        now, state = self.clock.monotonic(), self._chat(chat)
        busy = self._waiting.get(chat, 0) > 0 or self._overall_line.locked
        wait = max(state.wait_s(now, keep=keep), state.progress.wait_s(now), self._overall.wait_s(now, keep=keep))
        if busy or wait > 0:
            return False
        for bucket in (state.messages, state.progress, self._overall):
            bucket.take(now)
        return True

    def silence(self, chat: int, seconds: float) -> None:
        """Telegram asked to be left alone: nothing goes to `chat` for `seconds`, whatever its priority."""
        state = self._chat(chat)
        until = self.clock.monotonic() + min(seconds, LONGEST_SILENCE_S)
        state.silent_until = max(state.silent_until, until)

    def silent_s(self, chat: int) -> float:
        """Seconds for which `chat` must still be left alone; 0 when it may hear from us."""
        state = self._chats.get(chat)
        return max(0.0, state.silent_until - self.clock.monotonic()) if state else 0.0

    def _chat(self, chat: int) -> _Chat:
        state = self._chats.get(chat)
        if state is None:
            self._forget_idle()
            # Telegram's private chats have positive ids, groups and channels negative ones.
            state = self._chats[chat] = _Chat(self.pace, self.clock.monotonic(), private=chat > 0)
        return state

    def _forget_idle(self) -> None:
        if len(self._chats) < _IDLE_CHATS_KEPT:
            return
        now = self.clock.monotonic()
        for chat in [chat for chat, state in self._chats.items() if chat not in self._waiting and state.idle(now)]:
            del self._chats[chat]
