"""What not to do: aiogram's default polling and an order that lives in memory. The control of the restart tests."""

from __future__ import annotations

import asyncio
import io
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BufferedInputFile, Message
from PIL import Image


async def main(url: str, token: str) -> None:
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def paint(message: Message) -> None:
        await message.answer("painting")
        await asyncio.sleep(1.5)
        png = io.BytesIO()
        Image.new("RGB", (256, 256), "navy").save(png, "PNG")
        await message.answer_photo(BufferedInputFile(png.getvalue(), "picture.png"))

    await dispatcher.start_polling(bot)


asyncio.run(main(*sys.argv[1:]))
