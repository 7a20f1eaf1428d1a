"""Flood control: how often a bot may send and edit; knows token buckets and Telegram's published rates.

Telegram does not publish the exact rules. This follows its FAQ and its developers' words (tdlib/td#2592, #3034): one
message a second in a chat with a small burst, 20 a minute in a group, about 30 a second in all; sends and edits share
them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.refusals import too_many

COUNTED = frozenset(
    {
        "sendMessage",
        "sendPhoto",
        "sendDocument",
        "sendMediaGroup",
        "copyMessage",
        "forwardMessage",
        "editMessageText",
        "editMessageCaption",
        "editMessageMedia",
        "editMessageReplyMarkup",
    }
)
CHAT_BURST, CHAT_RATE = 5.0, 1.0
GROUP_BURST, GROUP_RATE = 20.0, 20 / 60
GLOBAL_BURST, GLOBAL_RATE = 30.0, 30.0


@dataclass
class Bucket:
    """A token bucket: ``burst`` tokens at most, ``rate`` new ones a second."""

    burst: float
    rate: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def wait(self, now: float, cost: float) -> float:
        """Seconds until ``cost`` tokens are there (0: now)."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        return max(0.0, (min(cost, self.burst) - self.tokens) / self.rate)


class Flood:
    """The buckets of one bot.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._everywhere = Bucket(GLOBAL_BURST, GLOBAL_RATE)
        self._chats: dict[str, list[Bucket]] = {}

    def spend(self, method: str, chat: object, cost: int = 1) -> None:
        """Takes ``cost`` tokens for a send or an edit in a chat.

        Raises:
            Refusal: 429 with ``retry_after``; nothing is taken then.
        """
        if method not in COUNTED:
            return
        now = self._clock()
        buckets = [self._everywhere, *self._of(str(chat))]
        wait = max(bucket.wait(now, cost) for bucket in buckets)
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
        for bucket in buckets:
            bucket.tokens -= min(cost, bucket.burst)

    def _of(self, chat: str) -> list[Bucket]:
        if chat not in self._chats:
            group = [Bucket(GROUP_BURST, GROUP_RATE)] if chat.startswith("-") else []
            self._chats[chat] = [Bucket(CHAT_BURST, CHAT_RATE), *group]
        return self._chats[chat]
