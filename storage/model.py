"""What storage hands out and takes in: frozen values and the states of an order.

Knows the contracts only. Knows no SQL: `storage.tables` has the columns, `storage.rows` turns rows into these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from generation.contracts.errors import Detail
from generation.contracts.request import DEFAULT_SIDE_PX, PaintRequest, Pairs, Weights

FileKind = Literal["photo", "document"]
"""Telegram's file ids of a photo and of a document are not interchangeable."""


class State(StrEnum):
    """Where an order stands. The row is the truth; the queue in memory only wakes the worker."""

    DRAFT = "draft"  # written by the learner, no style chosen yet
    QUEUED = "queued"  # waits for the worker
    RUNNING = "running"  # claimed by the worker; the attempt is counted
    RENDERED = "rendered"  # the picture is on disk, nobody has begun to send it
    DELIVERING = "delivering"  # sending has begun and may have happened; the edit is safe to repeat
    DELIVERED = "delivered"  # the learner has the picture
    FAILED = "failed"  # painting or sending failed for a reason the row names
    CANCELLED = "cancelled"  # taken back by the learner before sending began
    DEAD = "dead"  # three attempts were not enough


OPEN = frozenset({State.DRAFT, State.QUEUED, State.RUNNING, State.RENDERED, State.DELIVERING})
"""States that are not terminal. In a row: `finished_at IS NULL`."""
TERMINAL = frozenset(State) - OPEN
UNDELIVERED = frozenset({State.RENDERED, State.DELIVERING})
"""States with a picture the learner does not have yet; its file is never evicted."""
CANCELLABLE = frozenset({State.DRAFT, State.QUEUED, State.RUNNING, State.RENDERED})
"""States in which a learner may take an order back: sending has not begun."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order's messages go.

    Attributes:
        chat: Telegram chat id.
        thread: forum topic, or None.
        reply_to: message the first answer replies to, or None.
        private: whether the chat is with one learner alone.
    """

    chat: int
    thread: int | None = None
    reply_to: int | None = None
    private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parts of a request that have no column of their own; see `PaintRequest` for their meaning."""

    steps: int | None = None
    guidance: float | None = None
    weights: Weights = ()
    methods: Pairs = ()
    writing: str = "sans"
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order about to be taken in. With a style it is queued at once, without one it is a draft.

    Attributes:
        source_key: where it came from (`tg:<bot>:<chat>:<message>`, `tg:<bot>:cb:<callback>`); unique, so that the
            same update taken twice makes one order.
        learner: id of the learner's row.
        locale: language of everything said about it.
        destination: where to say it.
        word, translation, language, style, seed, width, height, parameters: what to paint, see `PaintRequest`.
        status_message: the message that shows it, when there already is one.
        parent: order whose button made this one.
        action: that button; at most one open child exists for a parent and an action.
    """

    source_key: str
    learner: int
    locale: str
    destination: Destination
    word: str
    translation: str = ""
    language: str = "und"
    style: str | None = None
    seed: int
    width: int = DEFAULT_SIDE_PX
    height: int = DEFAULT_SIDE_PX
    parameters: Parameters = field(default_factory=Parameters)
    status_message: int | None = None
    parent: int | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as its row stood when it was read.

    Attributes:
        id: never used twice, so that a button of a forgotten order cannot reach another one.
        source_key, learner, locale, destination, parent, action: see `NewOrder`.
        status_message: message that shows the order, None until it was sent.
        word, translation, language, style, seed, width, height, parameters: what to paint; `style` is None in a draft.
        state: see `State`.
        attempts: how often the worker took it.
        picture: row of the picture, from `rendered` on; None again when that picture was dropped.
        error_key: Fluent key of what went wrong, when failed or dead.
        error_details: its arguments.
        told: whether the learner was told of the failure.
        created_at, queued_at, started_at, rendered_at, finished_at: UTC, seconds since 1970; None until it happened.
    """

    id: int
    source_key: str
    learner: int
    locale: str
    destination: Destination
    status_message: int | None = None
    word: str
    translation: str
    language: str
    style: str | None
    seed: int
    width: int
    height: int
    parameters: Parameters = field(default_factory=Parameters)
    state: State
    attempts: int = 0
    picture: int | None = None
    error_key: str | None = None
    error_details: Mapping[str, Detail] = field(default_factory=dict)
    told: bool = False
    parent: int | None = None
    action: str | None = None
    created_at: float
    queued_at: float | None = None
    started_at: float | None = None
    rendered_at: float | None = None
    finished_at: float | None = None

    def request(self, *, style: str | None = None, seed: int | None = None) -> PaintRequest:
        """What to paint; `style` and `seed` replace the order's own (a draft has no style yet).

        Raises:
            ValueError: the order is a draft and no style is given.
        """
        chosen = style or self.style
        if chosen is None:
            raise ValueError(f"order {self.id} is a draft: it has no style yet")
        more = self.parameters
        return PaintRequest(
            word=self.word,
            translation=self.translation,
            language=self.language,
            style=chosen,
            seed=self.seed if seed is None else seed,
            width=self.width,
            height=self.height,
            steps=more.steps,
            guidance=more.guidance,
            weights=more.weights,
            methods=more.methods,
            writing=more.writing,
            prompt=more.prompt,
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """What a start finds. Each tuple is in the order the orders were taken in.

    Attributes:
        drafts: drafts whose style buttons were never sent.
        queued: to be put back into the queue (those that were running are among them).
        deliverable: rendered or delivering; sending may be repeated.
        dead: orders that died just now, after their last attempt; also among `untold`.
        untold: failed or dead, and the learner was not told.
    """

    drafts: tuple[Order, ...] = ()
    queued: tuple[Order, ...] = ()
    deliverable: tuple[Order, ...] = ()
    dead: tuple[Order, ...] = ()
    untold: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Somebody who writes to the bot.

    Attributes:
        id: row id.
        user: Telegram user id.
        telegram_locale: language their Telegram speaks.
        chosen_locale: language they chose with `/language`, or None.
        blocked: they blocked the bot; nothing can be sent until they write again.
    """

    id: int
    user: int
    telegram_locale: str
    chosen_locale: str | None = None
    blocked: bool = False

    @property
    def locale(self) -> str:
        """The language the bot speaks with them."""
        return self.chosen_locale or self.telegram_locale


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture that was kept.

    Attributes:
        id: row id.
        sha256: hash of the file's bytes, hexadecimal.
        size: of the file, in bytes.
        path: the file.
        width, height: pixels.
        engine, engine_version: what painted it.
        word, translation, language, style, seed: what was asked for.
        meta: what the engine reported: `box`, `prompt`, `methods`, `weights`, `seconds`, `legibility`.
    """

    id: int
    sha256: str
    size: int
    path: Path
    width: int
    height: int
    engine: str
    engine_version: str
    word: str
    translation: str
    language: str
    style: str
    seed: int
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """How much there is, for `/gpu`.

    Attributes:
        orders: number of orders by state; states without orders are there with 0.
        learners: number of learners.
        pictures: number of kept pictures.
        picture_bytes: size of their files.
        budget_bytes: what those may take.
        database_bytes: size of the database file and its write-ahead log.
    """

    orders: Mapping[State, int]
    learners: int
    pictures: int
    picture_bytes: int
    budget_bytes: int
    database_bytes: int
