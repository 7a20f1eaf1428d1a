"""What handlers work with: one frozen value, built once where the bot is put together and injected as `services`.

Knows the shapes of the parts; builds none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from aiogram.types import ForceReply, InlineKeyboardMarkup

from bot.desk import Carrier, Desk
from bot.patience import Patience
from bot.texts import Texts
from generation.contracts.ports import JobQueue
from generation.contracts.request import DEFAULT_SIDE_PX
from generation.glyphs import FontBook
from generation.gpu import DeviceReport as Cards
from generation.gpu import Diagnostics
from storage import Destination, Storage

Keyboard = InlineKeyboardMarkup | ForceReply


class Post(Carrier, Protocol):
    """What handlers need of the courier; every call returns at once."""

    def say(
        self, destination: Destination, text: str, keyboard: Keyboard | None = None, *, asker: int | None = None
    ) -> None:
        """Send an HTML text; of those that wait for one asker (a Telegram user) in a chat the newest is sent."""
        ...

    def answer(self, callback_id: str, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a button's tap with plain text."""
        ...

    def open_status(self, order_id: int) -> None:
        """Send the status message of a draft or queued order."""
        ...

    def send_original(self, order_id: int, destination: Destination) -> bool:
        """Send the PNG itself as a document. False: it is on its way there, or was sent just now."""
        ...

    def edit_keyboard(self, destination: Destination, message: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Replace the buttons under a message."""
        ...

    def blocked(self, user: int) -> None:
        """The learner cannot be reached any more."""
        ...


class DeviceReport(TypedDict, total=False):
    """Facts for `/gpu`; every key may be missing.

    Attributes:
        engine: its diagnostics.
        cards: the graphics cards as their driver sees them.
        processor: its name.
        cores: how many this process may use.
        process_mib: resident memory of this process.
        memory_total_mib: the machine's memory.
        running: paintings under way.
        last_s: seconds of the last paintings, newest first.
    """

    engine: Diagnostics
    cards: Cards
    processor: str
    cores: int
    process_mib: int
    memory_total_mib: int
    running: int
    last_s: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The settings handlers look at.

    Attributes:
        admins: numeric Telegram ids that may use `/gpu`.
        width: of the pictures, in pixels.
        height: likewise.
        version: of Wordbrush, for `/about`.
    """

    admins: frozenset[int] = frozenset()
    width: int = DEFAULT_SIDE_PX
    height: int = DEFAULT_SIDE_PX
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a handler may use.

    Attributes:
        storage: rows and files.
        queue: words that wait.
        courier: all sending.
        texts: what is said.
        desk: from rows to the queue and back.
        fonts: what can be drawn.
        settings: see `BotSettings`.
        device_report: gathers the facts for `/gpu`, in a thread where that takes time.
        executor: where fonts are searched, so that the event loop stays awake; None takes the loop's own.
        patience: how long a failing write is repeated before the next update is taken.
    """

    storage: Storage
    queue: JobQueue
    courier: Post
    texts: Texts
    desk: Desk
    fonts: FontBook
    settings: BotSettings
    device_report: Callable[[], Awaitable[DeviceReport]]
    executor: Executor | None = None
    patience: Patience = field(default_factory=Patience)
