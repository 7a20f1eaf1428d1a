"""One call to Telegram, made as often as it may be made: the only module that hands a method to the bot.

Knows budgets, verdicts and patience; knows no order and no text. What may happen twice (edits, answers, texts) is
repeated after a lost answer; what may not (a photo, a document) only when it certainly did not happen.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.methods import TelegramMethod

from bot.clock import Clock
from bot.flood import LONGEST_SILENCE_S, SHORTEST_SLEEP_S, Claim, Flood, Pace, Rank
from bot.refusals import FAILURES, Refusal, Refused, Verdict, judge

logger = logging.getLogger(__name__)

_MOST_MOVES = 3
"""A chat moves once in its life; more in one call is a server that talks in circles."""

_PASSING = frozenset({Verdict.WAIT, Verdict.NOT_DONE, Verdict.UNSURE, Verdict.MOVED})
"""After these a later call may do better."""

T = TypeVar("T")
Maker = Callable[[], Awaitable[TelegramMethod[T] | None]]
"""Makes the method anew for every attempt, from what is true by then; None when nobody wants it any more."""


class Repeat(Enum):
    """What a lost answer allows."""

    SAFE = "safe"
    """The call may happen twice: the same edit again changes nothing, a text twice is an orphan at worst."""
    NEVER = "never"
    """The call must not happen twice: only a certain failure is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """How a call is to be made.

    Attributes:
        chat: whose budget it takes; None takes none (callback answers have no limit).
        repeat: what a lost answer allows.
        patience_s: how long it is worth repeating; infinite for what stands in a row.
        upload: carries a file: longer limit, few at a time.
        rank: who goes first where several calls wait for one chat; a side text whose patience ends there is dropped.
        asker: on whose behalf, so that one who asks much does not hold up the others.
        orphans: every unsure attempt may leave a message behind, so after a few the call holds back for long.
        revised: the method as it should be by now, asked on the very tick of the call; None sends what was made.
    """

    chat: int | None
    repeat: Repeat = Repeat.SAFE
    patience_s: float = math.inf
    upload: bool = False
    rank: Rank = Rank.RESULT
    asker: int = 0
    orphans: bool = False
    revised: Callable[[], TelegramMethod[Any]] | None = None


class Outbox:
    """Makes calls within the flood budget and repeats them as their kind allows.

    Attributes:
        clock, pace: the flood's; whoever sends keeps the same time.
        on_unreachable: called with a chat's id when that chat cannot be reached any more.
    """

    def __init__(self, bot: Bot, flood: Flood, *, dice: random.Random | None = None) -> None:
        self._bot, self._flood = bot, flood
        self.clock: Clock = flood.clock
        self.pace: Pace = flood.pace
        self._dice = dice or random.Random()
        self._uploads = asyncio.Semaphore(flood.pace.uploads)
        self._moved: dict[int, int] = {}
        self.on_unreachable: Callable[[int], None] | None = None

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot; file ids belong to it."""
        return self._bot.id

    async def send(self, method: TelegramMethod[T], errand: Errand) -> T | None:
        """Make the call until it is answered; see `send_made`."""

        async def make() -> TelegramMethod[T]:
            return method

        return await self.send_made(make, errand)

    async def send_made(self, make: Maker[T], errand: Errand) -> T | None:
        """Make the call that `make` builds until it is answered or cannot succeed.

        Returns:
            The result; None when it is done but its answer was lost ("message is not modified").

        Raises:
            Refused: it is not done and is not repeated.
        """
        began, attempt, unsure = self.clock.monotonic(), 0, 0
        claim = self._claim(errand, began)
        while True:
            refusal = await self._attempt(make, errand, claim)
            if not isinstance(refusal, Refusal):
                return refusal
            unsure += refusal.verdict is Verdict.UNSURE
            pause = self._pause_s(refusal, errand, attempt)
            if pause is not None and errand.orphans and refusal.verdict is Verdict.UNSURE:
                pause = max(pause, self._rest_s(unsure))
            spent = self.clock.monotonic() - began
            if pause is None or spent + pause > errand.patience_s:
                raise self._give_up(refusal, errand)
            logger.info("a call is repeated in %.1f s: %s", pause, refusal.kind)
            await self.clock.sleep(pause)
            attempt += 1

    async def glance(self, method: TelegramMethod[T], chat: int) -> bool:
        """Make a call that is only for the eye, at most once and only if the budget has room.

        Returns:
            False when there was no room or Telegram asked to wait: a later one may do better.

        Raises:
            Refused: with `GONE`, `BLOCKED` or another lasting reason.
        """
        return await self.try_once(method, chat) is Verdict.DONE

    async def try_once(
        self, method: TelegramMethod[T], chat: int, *, keep: int = 1, limit_s: int | None = None
    ) -> Verdict:
        """The same, telling what became of it.

        Args:
            method: what to call.
            chat: whose budget it takes.
            keep: tokens that stay there for what is more important.
            limit_s: of the call; None takes the usual one.

        Returns:
            `DONE`; `MOOT` when there was no room, so that it was not made; `WAIT`, `NOT_DONE`, `UNSURE` or `MOVED`
            when it was made in vain, or may have been.

        Raises:
            Refused: with `GONE`, `BLOCKED` or another lasting reason.
        """
        chat = self._home_of(chat)
        if not self._flood.spare(chat, keep=keep):
            return Verdict.MOOT
        outcome = await self._call(self._rehomed(method), limit_s or self.pace.call_timeout_s)
        if not isinstance(outcome, Refusal) or outcome.verdict is Verdict.DONE:
            return Verdict.DONE
        self._note(outcome, chat)
        if outcome.verdict in _PASSING:
            return outcome.verdict
        raise self._give_up(outcome, Errand(chat=chat))

    async def hint(self, method: TelegramMethod[Any], chat: int) -> None:
        """Make a call nobody misses (a chat action); whatever it answers, it is not repeated."""
        chat = self._home_of(chat)
        if self._flood.silent_s(chat) > 0:
            return
        outcome = await self._call(self._rehomed(method), self.pace.call_timeout_s)
        if isinstance(outcome, Refusal):
            self._note(outcome, chat)

    def _claim(self, errand: Errand, began: float) -> Claim:
        if errand.rank is not Rank.SIDE:
            return Claim(errand.rank, errand.asker)
        return Claim(errand.rank, errand.asker, lambda: self.clock.monotonic() - began <= errand.patience_s)

    async def _attempt(self, make: Maker[T], errand: Errand, claim: Claim) -> T | Refusal | None:
        outcome = await (self._upload if errand.upload else self._build_and_call)(make, errand, claim)
        if isinstance(outcome, Refusal):
            if outcome.verdict is Verdict.DONE:
                return None
            self._note(outcome, self._home(errand.chat))
        return outcome

    async def _upload(self, make: Maker[T], errand: Errand, claim: Claim) -> T | Refusal:
        """Take the turn first: a chat that waits must not occupy one of the few places with its file in memory."""
        if not await self._turn(errand, claim):
            return Refusal(Verdict.MOOT)
        while True:
            while (wait := self._silent_s(errand.chat)) > 0:
                await self.clock.sleep(max(wait, SHORTEST_SLEEP_S))
            async with self._uploads:
                method = await make()
                if method is None:
                    return Refusal(Verdict.MOOT)
                if self._silent_s(errand.chat) <= 0:
                    return await self._call(self._rehomed(method), self.pace.upload_timeout_s)

    async def _build_and_call(self, make: Maker[T], errand: Errand, claim: Claim) -> T | Refusal:
        method = await make()
        # Nothing is awaited between the turn and the call, so no silence can fall in between.
        if method is None or not await self._turn(errand, claim):
            return Refusal(Verdict.MOOT)
        newest = errand.revised() if errand.revised else method
        return await self._call(self._rehomed(newest), self.pace.call_timeout_s)

    async def _turn(self, errand: Errand, claim: Claim) -> bool:
        chat = self._home(errand.chat)
        return chat is None or await self._flood.turn(chat, claim)

    async def _call(self, method: TelegramMethod[T], limit_s: int) -> T | Refusal:
        try:
            return await self._bot(method, request_timeout=limit_s)
        except FAILURES as error:
            return judge(error)

    def _note(self, refusal: Refusal, chat: int | None) -> None:
        """Learn from a refusal what concerns more than this call."""
        if chat is None:
            return
        if refusal.verdict is Verdict.WAIT:
            self._flood.silence(chat, refusal.retry_after_s)
        elif refusal.verdict is Verdict.MOVED and refusal.chat:
            self._moved[chat] = refusal.chat

    def _pause_s(self, refusal: Refusal, errand: Errand, attempt: int) -> float | None:
        """Seconds until the next attempt, None when there must be none."""
        match refusal.verdict:
            case Verdict.WAIT:
                # With a chat, its silence holds everything back, this call included; without one, the call waits here.
                return refusal.retry_after_s if errand.chat is None else self._silent_s(errand.chat)
            case Verdict.MOVED:
                return 0.0 if errand.chat is not None and refusal.chat and attempt < _MOST_MOVES else None
            case Verdict.UNSURE if errand.repeat is Repeat.NEVER:
                return None
            case Verdict.NOT_DONE | Verdict.UNSURE:
                return self._backoff_s(attempt)
        return None

    def _backoff_s(self, attempt: int) -> float:
        """Doubling up to the longest pause, with jitter: a recovering server must not be met by a crowd."""
        first, last = self.pace.backoff_first_s, self.pace.backoff_last_s
        ceiling = min(last, first * 2.0 ** min(attempt + 1, 32))
        return self._dice.uniform(first, ceiling)

    def _rest_s(self, unsure: int) -> float:
        """How long to hold back after so many messages that may each have arrived; doubling, a day at most."""
        beyond = unsure - self.pace.unsure_sends
        return 0.0 if beyond < 0 else min(LONGEST_SILENCE_S, self.pace.unsure_rest_s * 2.0 ** min(beyond, 32))

    def _give_up(self, refusal: Refusal, errand: Errand) -> Refused:
        level = logging.DEBUG if refusal.verdict is Verdict.MOOT else logging.INFO
        logger.log(level, "a call was given up: %s (%s)", refusal.verdict.value, refusal.kind)
        if refusal.verdict is Verdict.BLOCKED and errand.chat is not None and self.on_unreachable is not None:
            self.on_unreachable(errand.chat)
        return Refused(refusal)

    def _silent_s(self, chat: int | None) -> float:
        return 0.0 if chat is None else self._flood.silent_s(self._home_of(chat))

    def _home(self, chat: int | None) -> int | None:
        return None if chat is None else self._home_of(chat)

    def _home_of(self, chat: int) -> int:
        """Where that chat lives now: a group that became a supergroup changed its id."""
        return self._moved.get(chat, chat)

    def _rehomed(self, method: TelegramMethod[T]) -> TelegramMethod[T]:
        chat = getattr(method, "chat_id", None)
        if chat not in self._moved:
            return method
        return method.model_copy(update={"chat_id": self._moved[chat]})
