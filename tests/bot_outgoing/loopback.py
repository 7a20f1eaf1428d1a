"""The far end of the wire as a real server: a playground on loopback, its control side, and a bot in front of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.desk import Desk
from generation.painter import Painter
from generation.queue import FairQueue
from tests.bot_outgoing.conftest import QUICK, Office

FIRST = 1001
HTTP = replace(QUICK, backoff_first_s=0.03, backoff_last_s=0.1, private_floor_s=0.05, group_floor_s=0.1)


@dataclass
class Sim:
    """The control side of a playground."""

    client: httpx.AsyncClient
    url: str

    async def fault(self, method: str, **what: Any) -> None:
        (await self.client.post("/sim/faults", json={"method": method, **what})).raise_for_status()

    async def calls(self, method: str) -> list[dict[str, Any]]:
        return (await self.client.get("/sim/calls", params={"method": method})).json()["calls"]

    async def messages(self, chat: int = FIRST) -> list[dict[str, Any]]:
        chats = (await self.client.get("/sim/transcript")).json()["chats"]
        return [message for one in chats if one["id"] == chat for message in one["messages"]]

    async def photos(self, chat: int = FIRST) -> list[dict[str, Any]]:
        return [message for message in await self.messages(chat) if "photo" in message]

    async def block(self, blocked: bool = True) -> None:
        (await self.client.patch("/sim/learner", json={"id": FIRST, "blocked": blocked})).raise_for_status()


def bot_at(url: str) -> Bot:
    return Bot(
        "8600000001:playground-bot-of-this-machine-only",
        session=AiohttpSession(api=TelegramAPIServer.from_base(url.rstrip("/"))),
    )


def desk_of(office: Office) -> tuple[Desk, FairQueue]:
    queue = FairQueue()
    desk = Desk(office.storage, queue, office.courier, Painter())
    office.courier.attach_desk(desk)
    return desk, queue
