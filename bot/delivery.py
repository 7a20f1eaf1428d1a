"""The picture's way to the learner: the status message becomes the picture, once, whatever happens on the way.

Everything here may be repeated without doubling a picture: `editMessageMedia` on the same message changes nothing the
second time, and where the message is missing a new *text* is sent first and then edited. `sendPhoto` is never used.
Knows rows, files and the outbox. Knows no queue: a picture to be painted again goes back through `Repainter`.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from aiogram.methods import EditMessageMedia, SendChatAction, SendDocument
from aiogram.types import BufferedInputFile, InputMediaPhoto, Message
from PIL import Image

from bot import captions, keyboards
from bot.flood import Rank
from bot.lanes import Lanes
from bot.nursery import Nursery
from bot.outbox import Errand, Outbox, Repeat
from bot.refusals import Refusal, Refused, Verdict
from bot.statusline import HTML, StatusLine, reply_to, text_method
from bot.texts import Texts
from generation.contracts.errors import DeliveryRefused, FileDamaged
from storage import Storage
from storage.model import Destination, FileKind, Order, StoredPicture

logger = logging.getLogger(__name__)

PHOTO_LIMIT_BYTES = 10 * 1024 * 1024
"""`sendPhoto` and its kin take no larger file (Bot API, "Sending files")."""
_JPEG_QUALITY = 95
_ACTION_EVERY_S = 4.5
"""Telegram shows a chat action for five seconds."""
_MOST_DETOURS = 8
"""A forgotten file id, a vanished message, a file too large: each costs one detour and none comes back for ever."""


class Repainter(Protocol):
    """Who puts an order back into the queue."""

    async def restore_ticket(self, order: Order) -> None:
        """Put a queued order back; limits never refuse it."""
        ...


class Delivery:
    """Delivers rendered orders.

    Args:
        storage: rows and files.
        texts: what is said.
        outbox: makes the calls.
        lanes: one an order.
        line: keeps the status messages.
        nursery: where the chat action pulses.

    Attributes:
        repainter: set when the desk is known; without it a damaged order waits in its row for the next start.
        engine: name of the engine in charge; a picture of another one says so. Empty: none says so.
    """

    def __init__(
        self, storage: Storage, texts: Texts, *, outbox: Outbox, lanes: Lanes, line: StatusLine, nursery: Nursery
    ) -> None:
        self._storage, self._texts, self._outbox, self._lanes = storage, texts, outbox, lanes
        self._line, self._nursery = line, nursery
        self.repainter: Repainter | None = None
        self.engine = ""
        self._originals: dict[tuple[int, int], float] = {}  # order and chat to when it was sent, infinite: on its way

    async def deliver(self, order_id: int) -> None:
        """Turn the order's status message into its picture, unless the row says otherwise by now."""
        async with self._lanes.hold(order_id) as lane:
            lane.drop_wishes()
            lane.latest = None
            order = await self._deliver(order_id)
        if order is not None and self._waited_long(order):
            await self._ring(order)

    def wants_original(self, order_id: int, destination: Destination) -> bool:
        """Whether the document should be sent: it is not on its way to this chat, nor was it sent there just now."""
        now, again_s = self._outbox.clock.monotonic(), self._outbox.pace.original_again_s
        self._originals = {key: at for key, at in self._originals.items() if now < at + again_s}
        key = (order_id, destination.chat)
        if key in self._originals:
            return False
        self._originals[key] = math.inf
        return True

    async def send_original(self, order_id: int, destination: Destination) -> None:
        """Send the PNG as a document, by file id when Telegram has it, where `wants_original` said so.

        A tap that Telegram repeats because the process was killed before it was confirmed sends it once more: a
        document twice harms nobody, and is not worth a row for every tap.

        Raises:
            Refused: Telegram will not have it.
        """
        key = (order_id, destination.chat)
        try:
            if await self._send_original(order_id, destination):
                self._originals[key] = self._outbox.clock.monotonic()
        finally:
            if self._originals.get(key) == math.inf:
                del self._originals[key]  # it was not sent: the next tap tries again

    async def _send_original(self, order_id: int, destination: Destination) -> bool:
        order = await self._storage.orders.get(order_id)
        picture = await self._picture_of(order)
        if order is None:
            return False
        try:
            if picture is None:
                raise _lost()
            await self._send_document(picture, destination)
        except FileDamaged as error:
            text = self._texts.get(error.message_key, order.locale, **error.details)
            await self._say(destination, text, destination.reply_to)
            return False
        return True

    async def _deliver(self, order_id: int) -> Order | None:
        """Returns the delivered order, None when it was not delivered now."""
        orders = self._storage.orders
        if not await orders.begin_delivery(order_id):
            return None
        order = await orders.get(order_id)
        picture = await self._picture_of(order)
        if order is None:
            return None
        if picture is None:
            await self._repaint(order)
            return None
        try:
            order = await self._put(order, picture)
        except FileDamaged:
            await self._repaint(order)
            return None
        except Refused as refused:
            await self._despair(order, refused)
            return None
        assert order.status_message is not None  # it was just edited into the picture
        if await self._line.outlast_doubt(order):
            with suppress(Refused, FileDamaged):
                await self._edit_in(order, picture, as_jpeg=False)
        return order if await orders.delivered(order.id, order.status_message) else None

    async def _put(self, order: Order, picture: StoredPicture) -> Order:
        """Edit the picture in, taking the detours that refusals ask for.

        Returns:
            The order with the status message that became the picture.

        Raises:
            Refused: Telegram will not have it, or the chat is out of reach.
            FileDamaged: the bytes are not what they were.
        """
        as_jpeg, detours = picture.size > PHOTO_LIMIT_BYTES, 0
        while True:
            if order.status_message is None:
                order = await self._opened(order)
            try:
                sent = await self._edit_in(order, picture, as_jpeg=as_jpeg)
            except Refused as refused:
                detours += 1
                if detours > _MOST_DETOURS or (as_jpeg and refused.verdict is Verdict.TOO_LARGE):
                    raise
                order = await self._detour(order, picture, refused)
                as_jpeg = as_jpeg or refused.verdict is Verdict.TOO_LARGE
            else:
                await self._keep_photo_id(picture, sent)
                return order

    async def _opened(self, order: Order) -> Order:
        """The order with a status message, a new text.

        Raises:
            Refused: unsure; a text was sent but its id could not be read, and more texts would not help.
        """
        order = await self._line.open(order)
        if order.status_message is None:
            raise Refused(Refusal(Verdict.UNSURE))
        return order

    async def _detour(self, order: Order, picture: StoredPicture, refused: Refused) -> Order:
        match refused.verdict:
            case Verdict.GONE:
                return await self._line.replace(order)
            case Verdict.WRONG_FILE:
                await self._storage.files.forget(picture.id, self._outbox.bot_id, "photo")
            case Verdict.TOO_LARGE:
                pass  # the next attempt is a JPEG
            case _:
                raise refused
        return order

    async def _edit_in(self, order: Order, picture: StoredPicture, *, as_jpeg: bool) -> Message | bool | None:
        async def make() -> EditMessageMedia:
            # Asked again for every attempt: another order of the same picture may have brought it meanwhile.
            known = await self._file_id(picture, "photo")
            media = known or await self._photo(picture, as_jpeg=as_jpeg)
            return self._media_edit(order, picture, media)

        upload = await self._file_id(picture, "photo") is None
        errand = Errand(chat=order.destination.chat, upload=upload, asker=order.learner)
        if not upload:
            return await self._outbox.send_made(make, errand)
        async with self._action(order.destination, "upload_photo"):
            return await self._outbox.send_made(make, errand)

    def _media_edit(self, order: Order, picture: StoredPicture, media: str | BufferedInputFile) -> EditMessageMedia:
        substitute = self.engine not in {"", picture.engine}
        caption = captions.finished(self._texts, order, picture, substitute=substitute)
        return EditMessageMedia(
            chat_id=order.destination.chat,
            message_id=order.status_message,
            media=InputMediaPhoto(media=media, caption=caption, parse_mode=HTML),
            reply_markup=keyboards.finished(self._texts, order),
        )

    async def _photo(self, picture: StoredPicture, *, as_jpeg: bool) -> BufferedInputFile:
        png = await self._storage.pictures.read(picture)
        if not as_jpeg:
            return BufferedInputFile(png, _file_name(picture, "png"))
        return BufferedInputFile(await asyncio.to_thread(jpeg_of, png), _file_name(picture, "jpg"))

    async def _send_document(self, picture: StoredPicture, destination: Destination) -> None:
        async def make() -> SendDocument:
            known = await self._file_id(picture, "document")
            document = known or BufferedInputFile(
                await self._storage.pictures.read(picture), _file_name(picture, "png")
            )
            return SendDocument(
                chat_id=destination.chat,
                message_thread_id=destination.thread,
                document=document,
                disable_content_type_detection=True,
                reply_parameters=reply_to(destination.reply_to),
            )

        async with self._action(destination, "upload_document"):
            try:
                sent = await self._outbox.send_made(make, self._document(destination))
            except Refused as refused:
                if refused.verdict is not Verdict.WRONG_FILE:
                    raise
                await self._storage.files.forget(picture.id, self._outbox.bot_id, "document")
                sent = await self._outbox.send_made(make, self._document(destination))
        if sent is not None and sent.document is not None:
            await self._storage.files.keep(picture.id, self._outbox.bot_id, "document", sent.document.file_id)

    def _document(self, destination: Destination) -> Errand:
        patience_s = self._outbox.pace.text_patience_s
        return Errand(chat=destination.chat, repeat=Repeat.NEVER, patience_s=patience_s, upload=True, rank=Rank.STATUS)

    async def _file_id(self, picture: StoredPicture, kind: FileKind) -> str | None:
        return await self._storage.files.find(picture.id, self._outbox.bot_id, kind)

    async def _keep_photo_id(self, picture: StoredPicture, sent: object) -> None:
        if isinstance(sent, Message) and sent.photo:
            # Telegram lists the sizes from small to large.
            await self._storage.files.keep(picture.id, self._outbox.bot_id, "photo", sent.photo[-1].file_id)

    async def _picture_of(self, order: Order | None) -> StoredPicture | None:
        if order is None or order.picture is None:
            return None
        return await self._storage.pictures.get(order.picture)

    async def _repaint(self, order: Order) -> None:
        """The file is not what was painted: back into the queue; the learner sees it wait once more."""
        logger.warning("order %d: its picture's file is damaged, it is painted again", order.id)
        await self._storage.orders.requeue(order.id)
        queued = await self._storage.orders.get(order.id)
        if queued is not None and self.repainter is not None:
            await self.repainter.restore_ticket(queued)

    async def _despair(self, order: Order, refused: Refused) -> None:
        """Telegram will never take it: end the order, and say so where anybody can still be told."""
        if refused.verdict is Verdict.UNSURE:
            return  # the row stays as it is; the next start delivers it
        logger.warning("order %d cannot be delivered: %s", order.id, refused.refusal.kind)
        await self._storage.orders.undeliverable(order.id, DeliveryRefused())
        failed = await self._storage.orders.get(order.id)
        if failed is not None and refused.verdict is not Verdict.BLOCKED:
            await self._line.settle(failed)

    def _waited_long(self, order: Order) -> bool:
        asked = order.queued_at or order.rendered_at or order.created_at
        return self._outbox.clock.wall() - asked > self._outbox.pace.long_wait_s

    async def _ring(self, order: Order) -> None:
        """Send a short text, because an edit makes no sound; in a group as a reply to the one who asked."""
        where = order.destination
        target = order.status_message if where.private or where.reply_to is None else where.reply_to
        await self._say(where, captions.ready(self._texts, order), target)

    async def _say(self, where: Destination, text: str, reply: int | None) -> None:
        errand = Errand(chat=where.chat, patience_s=self._outbox.pace.text_patience_s, rank=Rank.SIDE)
        await self._outbox.send(text_method(where, (text, None), reply), errand)

    @asynccontextmanager
    async def _action(self, where: Destination, action: str) -> AsyncIterator[None]:
        """Show "sending a photo" for as long as it takes."""
        pulse = self._nursery.spawn(self._pulse(where, action), name="chat action")
        try:
            yield
        finally:
            pulse.cancel()

    async def _pulse(self, where: Destination, action: str) -> None:
        method = SendChatAction(chat_id=where.chat, message_thread_id=where.thread, action=action)
        while True:
            await self._outbox.hint(method, where.chat)
            await self._outbox.clock.sleep(_ACTION_EVERY_S)


def jpeg_of(png: bytes) -> bytes:
    """The same picture as a JPEG, for when the PNG is larger than a photo may be. Takes tens of milliseconds."""
    with Image.open(io.BytesIO(png)) as picture:
        out = io.BytesIO()
        picture.convert("RGB").save(out, "JPEG", quality=_JPEG_QUALITY)
        return out.getvalue()


def _lost() -> FileDamaged:
    """The picture's row was dropped with its file; what was asked for can only be painted again."""
    return FileDamaged(sha256="")


def _file_name(picture: StoredPicture, ending: str) -> str:
    return f"wordbrush-{picture.style}-{picture.seed}.{ending}"
