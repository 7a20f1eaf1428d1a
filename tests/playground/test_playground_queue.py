"""The bot's queue as a state machine over the very file: nothing lost before it is confirmed, nothing back after, across restarts."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.playground import actions, people
from bot.playground.messages import Ask
from bot.playground.methods_send import send_message
from bot.playground.polling import begin, pending
from bot.playground.state import FIRST_LEARNER, Store, forget

KINDS = ("message", "callback_query", "my_chat_member")
BUTTON = {"inline_keyboard": [[{"text": "x", "callback_data": "tap"}]]}


def tap(tx):
    """A message with a button, and the tap on it."""
    sent = send_message(tx, Ask({"chat_id": FIRST_LEARNER, "text": "x", "reply_markup": BUTTON}))
    actions.tap(tx, FIRST_LEARNER, FIRST_LEARNER, sent["message_id"], {"data": "tap"})
    return tx.one("SELECT max(id) FROM updates")[0]


class Queue(RuleBasedStateMachine):
    """What learners do, what the bot asks, and what a crash leaves; against a list of what must be waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "state.sqlite3"
        self.loop = asyncio.new_event_loop()
        self.waiting: list[tuple[int, str]] = []
        self.newest = 0
        self.confirmed = 0
        self.allowed: list[str] = []
        self.blocked = False
        self.open()

    def open(self) -> None:
        self.store = Store(self.path)
        self.loop.run_until_complete(self.store.open())
        self.run(people.ensure_first_learner)

    def run(self, work, *values):
        return self.loop.run_until_complete(self.store.run(work, *values))

    def came(self, number: int | None, kind: str) -> None:
        """An update was made, or was not because the bot does not want its kind."""
        if self.allowed and kind not in self.allowed:
            assert number is None
            return
        assert number is not None
        assert number > self.newest, "ids only grow"
        self.newest = number
        self.waiting.append((number, kind))

    @precondition(lambda self: not self.blocked)
    @rule(text=st.text("ab学😀", min_size=1, max_size=5))
    def write(self, text: str) -> None:
        self.came(self.run(actions.write, FIRST_LEARNER, None, text, None)["update_id"], "message")

    @precondition(lambda self: not self.blocked)
    @rule()
    def tap(self) -> None:
        newest = self.run(tap)
        self.came(newest if newest and newest > self.newest else None, "callback_query")

    @rule()
    def block_or_unblock(self) -> None:
        self.blocked = not self.blocked
        self.run(actions.change, FIRST_LEARNER, {"blocked": self.blocked})
        newest = self.run(lambda tx: tx.one("SELECT max(id) FROM updates")[0])
        self.came(newest if newest and newest > self.newest else None, "my_chat_member")

    @rule(kinds=st.lists(st.sampled_from(KINDS), unique=True, max_size=2))
    def want_only(self, kinds: list[str]) -> None:
        """Holds for what comes from now on; what waits already still comes."""
        self.run(begin, 0, kinds, 0.0)
        self.allowed = kinds

    @rule(limit=st.integers(1, 5))
    def look_without_confirming(self, limit: int) -> None:
        self.run(begin, 0, None, 0.0)
        assert [one["update_id"] for one in self.run(pending, 0, limit)] == [
            number for number, _ in self.waiting[:limit]
        ]

    @rule(skip=st.integers(0, 4), limit=st.integers(1, 100))
    def confirm(self, skip: int, limit: int) -> None:
        offset = self.waiting[min(skip, len(self.waiting) - 1)][0] if self.waiting else self.newest + 1
        self.run(begin, offset, None, 0.0)
        self.confirmed = max(self.confirmed, offset - 1)
        self.waiting = [one for one in self.waiting if one[0] >= offset]
        got = self.run(pending, offset, limit)
        assert [one["update_id"] for one in got] == [number for number, _ in self.waiting[:limit]]

    @rule(newest=st.integers(1, 5))
    def keep_the_newest(self, newest: int) -> None:
        self.run(begin, -newest, None, 0.0)
        self.waiting = self.waiting[-newest:]

    @rule()
    def restart(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.open()

    @rule()
    def fail_half_way(self) -> None:
        """A transaction that breaks leaves neither an update nor a gap that shows."""

        def half(tx):
            people.user_of(tx, FIRST_LEARNER)
            tx.update("message", self.run_message(tx), 0.0)
            raise KeyError("half way")

        try:
            self.run(half)
        except KeyError:
            return
        raise AssertionError("the work went through")

    def run_message(self, tx):
        private = people.telegram_chat(tx, FIRST_LEARNER)
        return {"message_id": 1, "date": 0, "chat": private, "from": people.user_of(tx, FIRST_LEARNER), "text": "x"}

    @rule()
    def start_over(self) -> None:
        self.run(forget)
        self.run(people.ensure_first_learner)
        self.waiting, self.blocked = [], False

    @invariant()
    def what_waits_is_what_must(self) -> None:
        got = self.run(pending, 0, 100)
        assert [(one["update_id"], next(k for k in one if k != "update_id")) for one in got] == self.waiting
        assert all(number > self.confirmed for number, _ in self.waiting)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.folder.cleanup()


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def test_a_day_old_update_is_gone_and_a_younger_one_is_not(tmp_path):
    async def play():
        store = Store(tmp_path / "state.sqlite3")
        await store.open()
        await store.run(people.ensure_first_learner)
        number = (await store.run(actions.write, FIRST_LEARNER, None, "x", None))["update_id"]
        written = await store.run(lambda tx: tx.one("SELECT at FROM updates")[0])
        await store.run(begin, 0, None, written + 24 * 3600 - 1)
        assert [one["update_id"] for one in await store.run(pending, 0, 100)] == [number]
        await store.run(begin, 0, None, written + 24 * 3600 + 1)
        assert await store.run(pending, 0, 100) == []
        await store.close()

    asyncio.run(play())


def test_over_http_limits_are_brought_into_their_range(desk, anna):
    last = desk.last_update()
    numbers = [desk.write(anna, text)["update_id"] for text in "abc"]
    for limit, count in ((0, 1), (-5, 1), (1, 1), (2, 2), (1000, 3)):
        got = desk.result("getUpdates", offset=last + 1, limit=limit)
        assert [one["update_id"] for one in got] == numbers[:count]
    assert [one["update_id"] for one in desk.result("getUpdates", offset=-1)] == numbers[-1:]
    assert "must be Integer" in desk.refused("getUpdates", offset="soon")
    assert "must be an Array" in desk.refused("getUpdates", allowed_updates={"message": True})
