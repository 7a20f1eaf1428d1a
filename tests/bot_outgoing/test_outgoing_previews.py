"""A picture seen growing: previews are dropped first, paced, and never stand in the picture's place."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from bot import captions, keyboards
from bot.flood import Flood, Pace
from bot.refusals import Verdict
from bot.texts import strip_html
from generation.contracts.errors import OutOfMemory, PaintingFailed
from generation.contracts.events import OrderAdvanced, OrderFailed, OrderPreviewed, OrderRendered, OrderStarted
from storage import State
from tests.bot_outgoing.conftest import Office, employ
from tests.bot_outgoing.hands import HandClock, settle, until
from tests.bot_outgoing.test_outgoing_status import opened
from tests.bot_outgoing.wire import Call, Wire, bad, blocked, broken, busy, lost


def jpeg(number: int = 0) -> bytes:
    """Stands for a JPEG; the wire names a photo by its length, which no picture of the tests has."""
    return b"\xff\xd8\xff" + bytes(number)


def shown(number: int) -> str:
    return f"photo-of-{len(jpeg(number))}"


def is_preview(call: Call) -> bool:
    media = call.method.media.media
    return not isinstance(media, str) and media.filename.startswith("preview")


def previews(wire: Wire) -> list[Call]:
    return [call for call in wire.of("EditMessageMedia") if is_preview(call)]


async def previewed(office: Office, **options) -> tuple[int, int]:
    """An order whose status message shows a preview. Returns order and message."""
    order, message = await opened(office, **options)
    office.board(OrderPreviewed(order, jpeg()))
    await until(lambda: previews(office.wire), "the preview")
    await until(lambda: not office.courier._lanes.of(order).wanting)
    office.wire.calls.clear()
    return order, message


class TestShown:
    async def test_text_becomes_a_photo_with_the_progress_as_caption(self, office: Office, wire: Wire) -> None:
        order_id, message = await opened(office)
        order = await office.storage.orders.get(order_id)
        office.board(OrderAdvanced(order_id, 0.3, 40.0))
        office.board(OrderPreviewed(order_id, jpeg()))
        await until(lambda: previews(wire))
        await until(lambda: wire.photos())
        assert wire.messages[1001, message] == {
            "media": shown(0),
            "caption": captions.painting(office.texts, order, 0.3, 40.0),
            "keyboard": keyboards.waiting(office.texts, order),
        }

    async def test_later_words_go_into_the_caption_and_later_previews_replace_the_photo(
        self, office: Office, wire: Wire
    ) -> None:
        order_id, message = await previewed(office)
        order = await office.storage.orders.get(order_id)
        office.board(OrderAdvanced(order_id, 0.5, None))
        await until(lambda: wire.of("EditMessageCaption"))
        assert wire.messages[1001, message]["caption"] == captions.painting(office.texts, order, 0.5, None)
        office.board(OrderPreviewed(order_id, jpeg(7)))
        await until(lambda: wire.messages[1001, message]["media"] == shown(7))
        assert wire.messages[1001, message]["caption"] == captions.painting(office.texts, order, 0.5, None)
        assert not wire.of("EditMessageText")

    async def test_preview_before_any_progress_has_the_rows_words(self, office: Office, wire: Wire) -> None:
        order_id, message = await previewed(office)
        order = await office.storage.orders.get(order_id)
        assert wire.messages[1001, message]["caption"] == captions.painting(office.texts, order, 0.0, None)

    async def test_picture_takes_the_previews_place(self, office: Office, wire: Wire) -> None:
        order_id, message = await previewed(office)
        await office.painted_running(order_id)
        office.board(OrderRendered(order_id))
        assert await office.courier.drain(5)
        (photo,) = wire.photos()
        done = await office.storage.orders.get(order_id)
        assert done.status_message == message
        assert "seed" in photo["caption"]
        assert len(photo["keyboard"].inline_keyboard) == 2
        assert len(wire.of("EditMessageMedia")) == 1
        assert not wire.of("SendMessage")

    async def test_of_many_previews_the_last_is_shown_at_the_floor(
        self, slow_office: Office, hands: HandClock, wire: Wire
    ) -> None:
        order, message = await opened(slow_office)
        await hands.advance(4.0)
        for number in range(20):
            slow_office.board(OrderPreviewed(order, jpeg(number)))
        await until(lambda: wire.photos())
        assert wire.messages[1001, message]["media"] == shown(19)
        for number in range(20, 40):
            slow_office.board(OrderPreviewed(order, jpeg(number)))
            slow_office.board(OrderAdvanced(order, number / 100, None))
        await until(lambda: hands.due == [4.0], "the pump waits for the preview's floor")
        await hands.advance(3.99)
        assert len(wire.calls) == 1
        await hands.advance(0.02)
        await until(lambda: wire.messages[1001, message]["media"] == shown(39))
        assert "39" in wire.messages[1001, message]["caption"]

    async def test_group_has_the_longer_floor(self, slow_office: Office, hands: HandClock, wire: Wire) -> None:
        order, _ = await opened(slow_office, chat=-500, private=False)
        await hands.advance(20.0)
        slow_office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: wire.photos())
        slow_office.board(OrderPreviewed(order, jpeg(1)))
        await until(lambda: hands.due == [8.0])


class TestDroppedFirst:
    async def test_not_worth_it_when_the_picture_is_about_to_come(self, office: Office, wire: Wire) -> None:
        order, message = await opened(office)
        office.board(OrderStarted(order, 1.0))
        office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: not office.courier._lanes.of(order).wanting)
        assert "text" in wire.messages[1001, message]
        assert not previews(wire)

    async def test_only_a_running_order_is_previewed(self, office: Office, wire: Wire) -> None:
        order = await office.order()
        office.courier.open_status(order.id)
        office.board(OrderPreviewed(order.id, jpeg()))
        assert await office.courier.drain(5)
        office.courier._line.resting = False
        office.board(OrderPreviewed(order.id, jpeg()))
        await until(lambda: not office.courier._lanes.of(order.id).wanting)
        assert not previews(wire)

    @pytest.mark.parametrize("end", ["cancel", "fail", "render"])
    async def test_after_the_end_none_is_shown(self, office: Office, wire: Wire, end: str) -> None:
        order, _ = await opened(office)
        if end == "cancel":
            assert await office.storage.orders.cancel(order)
        elif end == "fail":
            assert await office.storage.ledger.failed(order, OutOfMemory())
        else:
            await office.painted_running(order)
        office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: not office.courier._lanes.of(order).pumping)
        assert not wire.calls
        assert not office.courier._lanes.of(order).wanting, "its bytes are not kept"

    async def test_text_goes_where_there_is_no_room_for_a_preview(
        self, slow_office: Office, hands: HandClock, wire: Wire
    ) -> None:
        order, message = await opened(slow_office, chat=-500, private=False)
        await hands.advance(4.0)
        flood: Flood = slow_office.courier._outbox._flood
        while flood.spare(-500, keep=2):
            pass  # others have talked here: two tokens are left, one for the result
        slow_office.board(OrderAdvanced(order, 0.5, None))
        slow_office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: wire.calls)
        assert [call.name for call in wire.calls] == ["EditMessageText"]
        assert "text" in wire.messages[-500, message]
        began = hands.now
        while not previews(wire):
            await until(lambda: hands.due or previews(wire), "once there is room it is shown")
            await hands.advance(1.0)
            assert hands.now - began < 20

    @pytest.mark.parametrize("fault", [busy(3), broken], ids=["429", "500"])
    async def test_trouble_stops_previews_for_a_while_and_texts_go_on(
        self, slow_office: Office, hands: HandClock, wire: Wire, fault
    ) -> None:
        order, _ = await opened(slow_office)
        await hands.advance(4.0)
        wire.before["EditMessageMedia"] = [fault]
        slow_office.board(OrderAdvanced(order, 0.01, None))
        slow_office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: previews(wire))
        began = hands.now
        number = 0
        while len(previews(wire)) < 2:
            number += 1
            slow_office.board(OrderAdvanced(order, number / 100, None))
            slow_office.board(OrderPreviewed(order, jpeg(number)))
            await until(lambda: hands.due or not slow_office.courier._lanes.of(order).pumping)
            await hands.advance(2.0)
            assert hands.now - began < 60
        assert previews(wire)[1].at - began >= 30
        texts = [call.at for call in wire.of("EditMessageText")]
        assert texts
        assert min(texts) - began >= (3 if fault is not broken else 0)

    @pytest.mark.parametrize("reason", ["not enough rights to send photos to the chat", "PHOTO_INVALID_DIMENSIONS"])
    async def test_chat_without_photos_sees_the_progress_as_text(self, office: Office, wire: Wire, reason: str) -> None:
        order_id, message = await opened(office)
        wire.before["EditMessageMedia"] = [bad(reason)]
        order = await office.storage.orders.get(order_id)
        for step in (1, 2, 3):
            office.board(OrderAdvanced(order_id, step / 4, None))
            office.board(OrderPreviewed(order_id, jpeg(step)))
            text = captions.painting(office.texts, order, step / 4, None)
            await until(lambda text=text: wire.messages[1001, message]["text"] == text)
        assert len(previews(wire)) == 1

    async def test_deleted_message_is_not_previewed_again_and_the_picture_comes(
        self, office: Office, wire: Wire
    ) -> None:
        order, message = await previewed(office)
        del wire.messages[1001, message]
        for step in range(4):
            office.board(OrderPreviewed(order, jpeg(step)))
            await until(lambda: not office.courier._lanes.of(order).wanting)
        assert len(previews(wire)) == 1
        await office.painted_running(order)
        office.board(OrderRendered(order))
        assert await office.courier.drain(5)
        (photo,) = wire.photos()
        assert "seed" in photo["caption"]

    async def test_blocked_while_previewing(self, office: Office, wire: Wire) -> None:
        order, _ = await opened(office)
        wire.before["EditMessageMedia"] = [blocked]
        office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: previews(wire))
        await until(lambda: not office.courier._lasting)
        assert (await office.storage.learners.get(1001)).blocked

    async def test_nothing_is_shown_while_the_process_stops(self, office: Office, wire: Wire) -> None:
        order, _ = await opened(office)
        assert await office.courier.drain(1)
        office.board(OrderPreviewed(order, jpeg()))
        await settle()
        assert not wire.calls


ENDS = [State.CANCELLED, State.FAILED]


class TestAPhotoWithoutAPicture:
    async def end(self, office: Office, order: int, state: State) -> None:
        if state is State.CANCELLED:
            assert await office.storage.orders.cancel(order)
            office.courier.refresh(order)
        else:
            assert await office.storage.ledger.failed(order, PaintingFailed(reference="ab12"))
            office.board(OrderFailed(order, PaintingFailed(reference="ab12")))

    @pytest.mark.parametrize("state", ENDS)
    async def test_the_caption_says_that_it_is_none(self, office: Office, wire: Wire, state: State) -> None:
        order_id, message = await previewed(office)
        await self.end(office, order_id, state)
        assert await office.courier.drain(5)
        order = await office.storage.orders.get(order_id)
        page = captions.cancelled if state is State.CANCELLED else captions.failed
        now = wire.messages[1001, message]
        assert now["media"] == shown(0)
        assert now["caption"] == page(office.texts, order) + "\n" + office.texts.get("order-unfinished", "en")
        assert now["keyboard"] == keyboards.retry(office.texts, order)
        assert order.told is (state is State.FAILED)
        assert [call.name for call in wire.calls] == ["EditMessageCaption"]

    @pytest.mark.parametrize("state", ENDS)
    async def test_another_process_finds_out_that_it_is_a_photo(self, office: Office, wire: Wire, state: State) -> None:
        """A row does not say what kind of message shows it: a text edit is tried, and the refusal tells."""
        order_id, message = await previewed(office)
        second = employ(office.storage, office.bot, office.texts, pace=office.courier._outbox.pace)
        await self.end(second, order_id, state)
        assert await second.courier.drain(5)
        assert office.texts.get("order-unfinished", "en") in wire.messages[1001, message]["caption"]
        assert [call.name for call in wire.calls] == ["EditMessageText", "EditMessageCaption"]

    async def test_back_in_the_queue_after_a_restart(self, office: Office, wire: Wire) -> None:
        order_id, message = await previewed(office)
        await office.storage.ledger.released(order_id)
        second = employ(office.storage, office.bot, office.texts, pace=office.courier._outbox.pace)
        order = await office.storage.orders.get(order_id)
        second.courier.show_page(order_id, lambda order: (captions.queued(office.texts, order), None))
        await until(lambda: wire.of("EditMessageCaption"))
        assert wire.messages[1001, message]["caption"] == captions.queued(office.texts, order)
        await until(lambda: not second.courier._lanes.of(order_id).pumping)
        await second.courier.close()

    async def test_urgent_words_go_into_the_caption_too(self, office: Office, wire: Wire) -> None:
        order_id, message = await previewed(office)
        office.courier.rest(order_id)
        assert await office.courier.drain(5)
        order = await office.storage.orders.get(order_id)
        assert wire.messages[1001, message]["caption"] == captions.resting(office.texts, order)

    async def test_a_new_message_is_a_text_again(self, office: Office, wire: Wire) -> None:
        order_id, message = await previewed(office)
        del wire.messages[1001, message]
        assert await office.storage.ledger.failed(order_id, OutOfMemory())
        office.courier.tell_failure(order_id)
        assert await office.courier.drain(5)
        order = await office.storage.orders.get(order_id)
        assert wire.texts() == [captions.failed(office.texts, order)]
        lane = office.courier._lanes.of(order_id)
        assert not lane.pictured


class TestThePictureIsNeverCovered:
    async def test_result_waits_for_the_preview_that_is_on_its_way(self, office: Office, wire: Wire) -> None:
        order, message = await opened(office)
        wire.delay = lambda method: 0.1 if is_preview_method(method) else 0.0
        office.board(OrderPreviewed(order, jpeg()))
        await until(lambda: previews(wire), "it is on its way")
        await office.painted_running(order)
        office.board(OrderRendered(order))
        office.board(OrderPreviewed(order, jpeg(5)))
        assert await office.courier.drain(5)
        await until(lambda: not office.courier._lanes.of(order).pumping)
        assert [is_preview(call) for call in wire.of("EditMessageMedia")] == [True, False]
        assert "seed" in wire.messages[1001, message]["caption"]

    @pytest.mark.parametrize("seed", range(3))
    async def test_in_any_order_of_events_on_any_wire(self, office: Office, wire: Wire, seed: int) -> None:
        dice = random.Random(seed)
        wire.delay = lambda _method: dice.random() * 0.01
        orders = [await opened(office, chat=3000 + number) for number in range(12)]
        wire.after["EditMessageCaption"] = [lost] * 3
        wire.before["EditMessageMedia"] = [broken] * 3

        async def live(order: int) -> None:
            last = dice.randrange(2, 12)
            for step in range(last):
                office.board(OrderPreviewed(order, jpeg(step)))
                office.board(OrderAdvanced(order, step / 12, None))
                await asyncio.sleep(dice.random() * 0.008)
            await office.painted_running(order)
            office.board(OrderRendered(order))
            for step in range(6):
                office.board(OrderPreviewed(order, jpeg(step)))
                await asyncio.sleep(dice.random() * 0.006)

        await asyncio.gather(*(live(order) for order, _ in orders))
        assert await office.courier.drain(20)
        await until(lambda: not any(office.courier._lanes.of(order).pumping for order, _ in orders))
        assert len(previews(wire)) > 12
        assert late_previews(wire) == 0
        assert all("seed" in photo["caption"] for photo in wire.photos())
        assert len(wire.photos()) == len(wire.messages) == 12

    async def test_control_previews_past_the_lane_do_cover_it(self, office: Office, wire: Wire) -> None:
        """What the count above counts, with a preview sent without asking lane or row."""
        from bot.previews import preview_method

        order_id, message = await opened(office)
        await office.painted_running(order_id)
        office.board(OrderRendered(order_id))
        assert await office.courier.drain(5)
        order = await office.storage.orders.get(order_id)
        await office.bot(preview_method(order, jpeg(), ("late", None)))
        assert late_previews(wire) == 1
        assert wire.messages[1001, message]["media"] == shown(0)

    async def test_preview_that_arrives_after_its_answer_was_given_up_is_covered_again(
        self, slow_office: Office, hands: HandClock, wire: Wire
    ) -> None:
        """The request hung somewhere, the result went by, then it took effect."""
        order_id, message = await opened(slow_office)
        await hands.advance(4.0)
        wire.before["EditMessageMedia"] = [lost]
        slow_office.board(OrderPreviewed(order_id, jpeg()))
        await until(lambda: previews(wire))
        hung = previews(wire)[0].method
        await slow_office.painted_running(order_id)
        slow_office.board(OrderRendered(order_id))
        await until(lambda: wire.photos(), "the picture does not wait for the doubt to pass")
        picture = wire.messages[1001, message]["media"]
        await until(lambda: hands.due)
        wire._EditMessageMedia(hung)
        assert wire.messages[1001, message]["media"] == shown(0)
        assert (await slow_office.storage.orders.get(order_id)).state is State.DELIVERING
        await hands.advance(60.0)
        assert await slow_office.courier.drain(5)
        assert wire.messages[1001, message]["media"] != shown(0)
        assert picture in wire.messages[1001, message]["media"], "by file id, which the wire names after the picture"
        assert (await slow_office.storage.orders.get(order_id)).state is State.DELIVERED
        assert len(previews(wire)) == 1, "one doubt an order is enough"

    async def test_late_preview_does_not_cover_a_cancellation(
        self, slow_office: Office, hands: HandClock, wire: Wire
    ) -> None:
        order_id, message = await opened(slow_office)
        await hands.advance(4.0)
        wire.before["EditMessageMedia"] = [lost]
        slow_office.board(OrderPreviewed(order_id, jpeg()))
        await until(lambda: previews(wire))
        assert await slow_office.storage.orders.cancel(order_id)
        slow_office.courier.refresh(order_id)
        await until(lambda: wire.of("EditMessageText"))
        await until(lambda: hands.due)
        wire._EditMessageMedia(previews(wire)[0].method)
        await hands.advance(61.0)
        await until(lambda: wire.of("EditMessageCaption"))
        order = await slow_office.storage.orders.get(order_id)
        assert wire.messages[1001, message]["caption"].startswith(captions.cancelled(slow_office.texts, order))


def is_preview_method(method) -> bool:
    return type(method).__name__ == "EditMessageMedia" and is_preview(Call("", None, 0.0, method))


def late_previews(wire: Wire) -> int:
    """Previews that began after the same message was being edited into its picture."""
    pictured, late = set(), 0
    for call in wire.of("EditMessageMedia"):
        key = (call.chat, call.method.message_id)
        late += is_preview(call) and key in pictured
        if not is_preview(call):
            pictured.add(key)
    return late


async def test_kinds_are_learned_from_refusals_and_only_news_is_tried_again() -> None:
    from bot.lanes import Lane

    lane = Lane()
    assert not lane.learn(Verdict.GONE)
    assert lane.learn(Verdict.NO_TEXT)
    assert not lane.learn(Verdict.NO_TEXT)
    assert lane.learn(Verdict.NO_CAPTION)
    assert lane.pictured is False


def test_figures_fit_each_other() -> None:
    """A preview every floor is less than a chat's progress may cost, and a doubt outlasts the call it is about."""
    pace = Pace()
    assert pace.preview_floor_s(private=True) >= 1 / pace.progress_rate
    assert pace.preview_floor_s(private=False) > 1 / pace.group_rate
    assert pace.preview_doubt_s > 3 * pace.preview_timeout_s


@pytest.mark.parametrize("locale", ["en", "ru", "zh"])
async def test_no_page_is_too_long_for_a_caption(office: Office, locale: str) -> None:
    """Whatever the word, the meaning and the reason: a text that becomes a caption has 1,024 units, not 4,096."""
    order = replace(await office.order(word="&😀" * 300), locale=locale, translation="<🙂>" * 400)
    names = (
        "reference",
        "engine",
        "style",
        "known",
        "language",
        "kind",
        "method",
        "option",
        "value",
        "character",
        "code",
    )
    numbers = ("width", "height", "smallest", "largest", "step", "length", "limit")
    long = dict.fromkeys((*names, "name"), "x<&" * 400) | dict.fromkeys(numbers, 10**9)
    pages = [
        captions.waiting(office.texts, order, 99_999, 36_000.0),
        captions.painting(office.texts, order, 0.999, 36_000.0),
        captions.resting(office.texts, order),
    ]
    for state in (State.FAILED, State.DEAD, State.CANCELLED):
        for key in (key for key in office.texts.keys(locale) if key.startswith("error-")):
            over = replace(order, state=state, error_key=key, error_details=long)
            page = captions.cancelled if state is State.CANCELLED else captions.failed
            pages.append(captions.beneath_preview(office.texts, over, page(office.texts, over)))
    assert max(captions.units(strip_html(page)) for page in pages) <= captions.CAPTION_UNITS


@pytest.mark.parametrize(
    ("in_charge", "told"), [("", False), ("painter", False), ("diffusion", True)], ids=["unknown", "same", "another"]
)
async def test_picture_of_another_engine_says_so(office: Office, wire: Wire, in_charge: str, told: bool) -> None:
    office.courier._delivery.engine = in_charge
    done = await office.delivered(await office.rendered())
    caption = wire.messages[1001, done.status_message]["caption"]
    line = office.texts.get("order-substitute", "en")
    assert caption.endswith("\n" + line) is told
    assert (line in caption) is told
