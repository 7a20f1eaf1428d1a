"""The far end of the wire at aiogram's own boundary: a session that keeps messages and answers as it is told."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import Chat, Document, Message, PhotoSize

TOKEN = "8600000001:" + "a" * 35
Fault = Callable[[TelegramMethod[Any]], BaseException]


def lost(method: TelegramMethod[Any]) -> BaseException:
    return TelegramNetworkError(method=method, message="ServerDisconnectedError: Server disconnected")


def broken(method: TelegramMethod[Any]) -> BaseException:
    return TelegramServerError(method=method, message="Internal Server Error")


def blocked(method: TelegramMethod[Any]) -> BaseException:
    return TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user")


def busy(seconds: int) -> Fault:
    return lambda method: TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=seconds)


def bad(text: str) -> Fault:
    return lambda method: TelegramBadRequest(method=method, message=f"Bad Request: {text}")


@dataclass
class Call:
    name: str
    chat: int | None
    at: float
    method: Any


@dataclass
class Wire(BaseSession):
    """Keeps a little of what Telegram keeps; faults are queued by method name, before or after the deed."""

    now: Callable[[], float] = time.monotonic
    calls: list[Call] = field(default_factory=list)
    messages: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    before: defaultdict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    after: defaultdict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    delay: Callable[[TelegramMethod[Any]], float] = lambda _method: 0.0

    def __post_init__(self) -> None:
        super().__init__()
        self._next = 100

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    def photos(self, chat: int | None = None) -> list[dict[str, Any]]:
        return [m for (where, _), m in self.messages.items() if "media" in m and chat in {None, where}]

    def texts(self) -> list[str]:
        return [m["text"] for m in self.messages.values() if "text" in m]

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        name = type(method).__name__
        self.calls.append(Call(name, getattr(method, "chat_id", None), self.now(), method))
        if self.before[name]:
            raise self.before[name].pop(0)(method)
        if pause := self.delay(method):
            await asyncio.sleep(pause)
        result = getattr(self, f"_{name}", lambda _method: True)(method)
        if self.after[name]:
            raise self.after[name].pop(0)(method)
        return result

    async def close(self) -> None: ...

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    def _SendMessage(self, method: Any) -> Message:
        return self._posted(
            method.chat_id, {"text": method.text, "keyboard": method.reply_markup, "reply": method.reply_parameters}
        )

    def _SendPhoto(self, method: Any) -> Message:
        return self._posted(method.chat_id, {"media": method.photo, "text": None})

    def _SendDocument(self, method: Any) -> Message:
        return self._posted(method.chat_id, {"document": method.document})

    def _EditMessageText(self, method: Any) -> Message:
        old = self._existing(method)
        if "media" in old:
            raise TelegramBadRequest(method=method, message="Bad Request: there is no text in the message to edit")
        return self._changed(method, {"text": method.text, "keyboard": method.reply_markup})

    def _EditMessageCaption(self, method: Any) -> Message:
        old = self._existing(method)
        if "media" not in old:
            raise TelegramBadRequest(method=method, message="Bad Request: there is no caption in the message to edit")
        return self._changed(method, {**old, "caption": method.caption, "keyboard": method.reply_markup})

    def _EditMessageMedia(self, method: Any) -> Message:
        media = method.media.media
        shown = media if isinstance(media, str) else f"photo-of-{len(media.data)}"
        return self._changed(method, {"media": shown, "caption": method.media.caption, "keyboard": method.reply_markup})

    def _posted(self, chat: int, content: dict[str, Any]) -> Message:
        self._next += 1
        self.messages[chat, self._next] = content
        return self._message(chat, self._next)

    def _existing(self, method: Any) -> dict[str, Any]:
        found = self.messages.get((method.chat_id, method.message_id))
        if found is None:
            raise TelegramBadRequest(method=method, message="Bad Request: message to edit not found")
        return found

    def _changed(self, method: Any, content: dict[str, Any]) -> Message:
        if self._existing(method) == content:
            raise TelegramBadRequest(method=method, message="Bad Request: message is not modified: same content")
        self.messages[method.chat_id, method.message_id] = content
        return self._message(method.chat_id, method.message_id)

    def _message(self, chat: int, message: int) -> Message:
        content = self.messages[chat, message]
        made: dict[str, Any] = {"message_id": message, "date": 0, "chat": Chat(id=chat, type="private")}
        if "media" in content:
            made["photo"] = [
                PhotoSize(file_id=f"{size}-{content['media']}", file_unique_id=size, width=1, height=1)
                for size in "sml"
            ]
        if "document" in content:
            made["document"] = Document(file_id="original", file_unique_id="o")
        return Message(**made)
