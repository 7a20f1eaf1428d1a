"""A dispatcher over real storage and a real queue. Faked: Telegram's server (the session) and the courier."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.methods import GetMe, TelegramMethod
from aiogram.types import Update, User

from bot.desk import Desk
from bot.dispatcher import build_dispatcher
from bot.patience import Patience
from bot.services import BotSettings, DeviceReport, Services
from bot.texts import Texts
from generation.contracts.picture import Picture
from generation.glyphs import FontBook
from generation.painter import Painter
from generation.queue import FairQueue, QueueLimits
from storage import Destination, Order, State, Storage, open_storage
from storage.opening import DATABASE_NAME
from storage.upgrade import prepare

BOT_ID, ADA, BOB, ADMIN = 42, 1001, 1002, 9001
GROUP, CHANNEL = -500, -100_777
NOW = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())


class RecordingSession(BaseSession):
    """Telegram's server as the intake side may see it: it answers who the bot is, and writes everything else down."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []

    async def close(self) -> None:
        """Nothing is open."""

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        if isinstance(method, GetMe):
            return User(id=BOT_ID, is_bot=True, first_name="Wordbrush", username="WordbrushBot")
        self.calls.append(method)
        return True

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        raise AssertionError("the intake side downloads nothing")
        yield b""


@dataclass
class Said:
    """One text that would be sent."""

    destination: Destination
    text: str
    keyboard: Any = None


@dataclass
class Answered:
    """One answer to a button."""

    callback: str
    text: str | None
    alert: bool


@dataclass
class RecordingCourier:
    """Writes down what it is told to do."""

    said: list[Said] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    refreshed: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    originals: list[tuple[int, Destination]] = field(default_factory=list)
    keyboards: list[tuple[Destination, int, Any]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def say(self, destination: Destination, text: str, keyboard: Any = None, *, asker: int | None = None) -> None:
        self.said.append(Said(destination, text, keyboard))

    def answer(self, callback_id: str, text: str | None = None, *, alert: bool = False) -> None:
        assert len((text or "").encode("utf-16-le")) // 2 <= 200
        self.answers.append(Answered(callback_id, text, alert))

    def open_status(self, order_id: int) -> None:
        self.opened.append(order_id)

    def refresh(self, order_id: int) -> None:
        self.refreshed.append(order_id)

    def deliver(self, order_id: int) -> None:
        self.delivered.append(order_id)

    def send_original(self, order_id: int, destination: Destination) -> bool:
        sent = any(order == order_id for order, _ in self.originals)
        if not sent:
            self.originals.append((order_id, destination))
        return not sent

    def edit_keyboard(self, destination: Destination, message: int, keyboard: Any) -> None:
        self.keyboards.append((destination, message, keyboard))

    def blocked(self, user: int) -> None:
        self.lost.append(user)


@dataclass
class Room:
    """Everything a test needs to be a learner."""

    storage: Storage
    queue: FairQueue
    courier: RecordingCourier
    services: Services
    dispatcher: Dispatcher
    bot: Bot
    session: RecordingSession
    report: DeviceReport
    count: int = 0

    def next(self) -> int:
        self.count += 1
        return self.count

    def person(self, user: int, **more: Any) -> dict[str, Any]:
        return {"id": user, "is_bot": False, "first_name": f"L{user}", "language_code": "en"} | more

    def chat(self, chat: int) -> dict[str, Any]:
        return (
            {"id": chat, "type": "private", "first_name": "L"}
            if chat > 0
            else {"id": chat, "type": "supergroup", "title": "Class"}
        )

    def message(
        self, text: str | None = None, *, user: int = ADA, chat: int | None = None, **more: Any
    ) -> dict[str, Any]:
        content: dict[str, Any] = {} if text is None else {"text": text}
        speaker = self.person(user, **more.pop("person", {}))
        return (
            {"message_id": self.next(), "date": NOW, "chat": self.chat(chat or user), "from": speaker} | content | more
        )

    async def feed(self, **content: Any) -> Any:
        """Give the dispatcher one update, as JSON would bring it."""
        update = Update.model_validate({"update_id": self.next(), **content}, context={"bot": self.bot})
        return await self.dispatcher.feed_update(self.bot, update)

    async def write(self, text: str | None = None, **more: Any) -> None:
        await self.feed(message=self.message(text, **more))

    async def press(self, data: str, *, user: int = ADA, chat: int | None = None, **more: Any) -> Answered:
        """Press a button; the one answer it got."""
        message = more.pop("message", None) or {
            "message_id": 7000,
            "date": NOW,
            "chat": self.chat(chat or user),
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "Wordbrush"},
            "text": "…",
            "reply_markup": {"inline_keyboard": [[{"text": "…", "callback_data": data}]]},
        }
        query = {
            "id": more.pop("callback", None) or f"c{self.next()}",
            "chat_instance": "1",
            "data": data,
            "from": self.person(user, **more),
        }
        before = len(self.courier.answers)
        await self.feed(callback_query=query | ({} if message == "none" else {"message": message}))
        answers = self.courier.answers[before:]
        assert len(answers) == 1, "every press is answered, once"
        return answers[0]

    async def orders(self) -> list[Order]:
        """Every order there is, by id."""
        found, number = [], 1
        while (order := await self.storage.orders.get(number)) is not None:
            found.append(order)
            number += 1
        return found

    async def order(self) -> Order:
        """The newest order."""
        return (await self.orders())[-1]

    async def finish(self, order_id: int, message: int = 7000) -> Order:
        """Do what the worker and the courier would do, so that the learner has the picture."""
        order = await self.storage.orders.get(order_id)
        assert order is not None
        if order.state is State.QUEUED:
            assert await self.storage.orders.claim(order_id)
            assert await self.storage.ledger.rendered(order_id, picture(order))
            self.queue.cancel(order_id)
        assert await self.storage.orders.begin_delivery(order_id)
        assert await self.storage.orders.delivered(order_id, message)
        done = await self.storage.orders.get(order_id)
        assert done is not None
        return done

    def reads(self, key: str, locale: str = "en", **args: Any) -> str:
        return self.services.texts.plain(key, locale, **args)


def picture(order: Order) -> Picture:
    """Bytes that differ from order to order; nobody here looks at them."""
    png = f"png {order.word} {order.style} {order.seed}".encode()
    return Picture(
        png=png, width=order.width, height=order.height, engine="painter", engine_version="1", box=(0, 0, 1, 1)
    )


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture(scope="session")
def fonts() -> FontBook:
    return FontBook(system=False)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An up-to-date database made once; every test copies it, which is quicker than making it."""
    path = tmp_path_factory.mktemp("empty") / DATABASE_NAME
    prepare(path, path.parent / "backups")
    return path


@pytest.fixture
async def storage(tmp_path: Path, empty_database: Path) -> AsyncIterator[Storage]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(empty_database, folder / DATABASE_NAME)
    async with open_storage(folder, cache_budget_bytes=1 << 24) as opened:
        yield opened


@pytest.fixture
async def room(storage: Storage, texts: Texts, fonts: FontBook) -> AsyncIterator[Room]:
    queue, courier = FairQueue(QueueLimits(waiting_per_learner=3, waiting=50)), RecordingCourier()
    patience = Patience(pauses_s=(0.0, 0.0))
    report: DeviceReport = {"engine": {"engine": "painter", "version": "1"}, "processor": "Test CPU", "cores": 2}

    async def device_report() -> DeviceReport:
        return report

    services = Services(
        storage=storage,
        queue=queue,
        courier=courier,
        texts=texts,
        fonts=fonts,
        device_report=device_report,
        desk=Desk(storage, queue, courier, Painter(), patience=patience),
        patience=patience,
        settings=BotSettings(admins=frozenset({ADMIN, 777000, 1087968824, 136817688}), version="0.1.0"),
    )
    session = RecordingSession()
    bot = Bot("42:TEST", session=session)
    yield Room(storage, queue, courier, services, build_dispatcher(services), bot, session, report)
    assert not session.calls, "a handler waits on nothing, least of all on the network"
