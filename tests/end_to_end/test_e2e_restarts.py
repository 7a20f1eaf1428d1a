"""Stopped, killed and started again at every state of an order: the picture arrives, exactly once.

The playground lives on as Telegram would; only the bot dies. States are seen from outside, in the bot's SQLite file, and
held with the playground's faults, so that nothing in the product exists for the test's sake.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.chat import Chat, Sim
from tests.end_to_end.conftest import SMALL, Pair
from tests.end_to_end.processes import TOKEN, Process, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HELD_S = 30
SIGNALS = [signal.SIGTERM, signal.SIGKILL]


def states(database: Path) -> list[str]:
    """The orders' states; none while the bot has not made its tables yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return [row[0] for row in connection.execute("SELECT state FROM orders ORDER BY id")]
    except sqlite3.OperationalError:
        return []


def until_state(pair: Pair, *wanted: str) -> None:
    wait_until(
        lambda: any(state in wanted for state in states(pair.database)), f"an order that is {' or '.join(wanted)}"
    )


def end(bot: Process, number: int) -> None:
    bot.interrupt(number)
    bot.wait()


def put_back(pair: Pair, statement: str) -> None:
    """Leave the rows as a kill at that instant would."""
    with closing(sqlite3.connect(pair.database, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount == 1


def exactly_one_picture(pair: Pair, count: int = 1) -> None:
    pair.chat.expect_photo(count=count)
    wait_until(lambda: set(states(pair.database)) == {"delivered"}, "every order delivered")
    assert len(pair.chat.photos()) == count


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
class TestEveryState:
    def test_draft_before_its_buttons(self, pair: Pair, number: int) -> None:
        bot = pair.start()
        pair.sim.fault("sendMessage", delay=HELD_S, drop_request=True, times=1)
        pair.chat.write("/write 学习 study")
        until_state(pair, "draft")
        end(bot, number)
        pair.sim.heal()

        pair.start()

        status = pair.chat.expect_styles()
        pair.chat.tap(status, "Ink")
        exactly_one_picture(pair)

    def test_draft_with_its_buttons(self, pair: Pair, number: int) -> None:
        bot = pair.start()
        pair.chat.write("/write 学习 study")
        status = pair.chat.expect_styles()
        end(bot, number)
        pair.start()
        pair.chat.tap(status, "Ink", wait=30)
        exactly_one_picture(pair)

    def test_queued_behind_another(self, pair: Pair, number: int) -> None:
        bot = pair.start(GENERATION__WIDTH="1536", GENERATION__HEIGHT="1536")
        for word in ("山 mountain", "水 water", "火 fire"):
            pair.chat.ask(word, "Realistic")
        until_state(pair, "queued")
        end(bot, number)
        assert "queued" in states(pair.database)
        pair.start()
        exactly_one_picture(pair, count=3)

    def test_running(self, pair: Pair, number: int) -> None:
        bot = pair.start(GENERATION__WIDTH="1536", GENERATION__HEIGHT="1536")
        pair.chat.ask("学习 study", "Realistic")
        until_state(pair, "running")
        end(bot, number)
        pair.start()
        exactly_one_picture(pair)

    def test_delivering_before_telegram_has_it(self, pair: Pair, number: int) -> None:
        bot = pair.start(GRACE_S="2")
        pair.sim.fault("editMessageMedia", delay=HELD_S, drop_request=True, times=1)
        pair.chat.ask("学习 study", "Ink")
        until_state(pair, "delivering")
        end(bot, number)
        pair.sim.heal()
        pair.start()
        exactly_one_picture(pair)

    def test_delivering_when_telegram_has_it_and_the_answer_is_lost(self, pair: Pair, number: int) -> None:
        bot = pair.start(GRACE_S="2")
        pair.sim.fault("editMessageMedia", drop_response=True, times=10)
        pair.chat.ask("学习 study", "Ink")
        pair.chat.expect_photo()
        end(bot, number)
        pair.sim.heal()
        pair.start()
        exactly_one_picture(pair)

    def test_rendered_but_not_yet_on_its_way(self, pair: Pair, number: int) -> None:
        """The instant between the picture's commit and the first delivery is too short to hit: the row is put back to it."""
        bot = pair.start(GRACE_S="2")
        pair.sim.fault("editMessageMedia", delay=HELD_S, drop_request=True, times=1)
        pair.chat.ask("学习 study", "Ink")
        until_state(pair, "delivering")
        end(bot, number)
        pair.sim.heal()
        put_back(pair, "UPDATE orders SET state = 'rendered'")
        pair.start()
        exactly_one_picture(pair)

    def test_failed_but_not_yet_told(self, pair: Pair, number: int) -> None:
        bot = pair.start()
        pair.chat.write("/write 学习 study")
        status = pair.chat.expect_styles()
        end(bot, number)
        put_back(
            pair,
            "UPDATE orders SET state = 'failed', style = 'ink', told_at = NULL, finished_at = created_at, error_key = 'error-out-of-memory'",
        )
        pair.start()
        told = pair.chat.expect("the reason", lambda message: "memory" in message.get("text", ""))
        assert told["message_id"] == status["message_id"]
        assert len(pair.chat.replies()) == 1

    def test_delivered(self, pair: Pair, number: int) -> None:
        bot = pair.start()
        pair.chat.ask("学习 study", "Ink")
        exactly_one_picture(pair)
        end(bot, number)
        second = pair.start()
        pair.chat.write("/help")
        pair.chat.expect_text("/write")
        exactly_one_picture(pair)
        assert second.terminate() == 0


LARGE = {"GENERATION__WIDTH": "1536", "GENERATION__HEIGHT": "1536"}


def test_cancel_takes_back_what_waits_and_what_is_painted(pair: Pair) -> None:
    """Four large words of one learner; "all of them" ends the waiting ones for certain, the running one unless it was faster."""
    pair.start(**LARGE)
    for word in ("大 big", "中 middle", "小 small", "土 earth"):
        pair.chat.write(f"/write style:realistic {word}")
    wait_until(
        lambda: states(pair.database)[:1] == ["running"] and states(pair.database).count("queued") == 3,
        "one running, three waiting",
    )

    pair.chat.write("/cancel")
    pair.chat.tap(pair.chat.expect_text("Which one"), "All of them")

    ended = {"cancelled", "delivered"}
    wait_until(lambda: set(states(pair.database)) <= ended, "every order at its end")
    assert states(pair.database)[2:] == ["cancelled", "cancelled"]
    assert len(pair.chat.photos()) == states(pair.database).count("delivered") <= 2


def test_cancel_under_a_running_one(pair: Pair) -> None:
    pair.start(**LARGE)
    pair.chat.write("/write style:realistic 大 big")
    until_state(pair, "running")
    pair.chat.write("/cancel")
    wait_until(lambda: set(states(pair.database)) <= {"cancelled", "delivered"}, "its end")
    assert len(pair.chat.photos()) == states(pair.database).count("delivered")
    again = pair.chat.write("/write style:ink 小 small")
    photo = pair.chat.expect(
        "the next picture", lambda message: message["message_id"] > again["message_id"] and message.get("photo")
    )
    assert "小" in photo["caption"]


def test_written_while_the_bot_was_away(pair: Pair) -> None:
    pair.chat.write("/write 学习 study")
    pair.start()
    pair.chat.tap(pair.chat.expect_styles(), "Ink")
    exactly_one_picture(pair)


def test_a_failed_intake_commit_is_repeated_before_the_next_update(pair: Pair) -> None:
    """Another writer holds the database longer than its busy timeout; the order is taken once it lets go."""
    pair.start()
    pair.chat.write("/help")
    pair.chat.expect_text("/write")
    hold = sqlite3.connect(pair.database, isolation_level=None, timeout=30)
    hold.execute("BEGIN IMMEDIATE")
    pair.chat.write("/write 学习 study")
    wait_until(
        lambda: any("intake" in process.output() or "busy" in process.output().lower() for process in pair._bots),
        "a failed commit in the log",
    )
    hold.execute("ROLLBACK")
    hold.close()
    pair.chat.tap(pair.chat.expect_styles(), "Ink")
    exactly_one_picture(pair)


def test_a_second_bot_in_the_same_folder_is_refused(pair: Pair) -> None:
    pair.start()
    pair.chat.write("/help")
    pair.chat.expect_text("/write")
    second = pair.start()
    assert second.wait() == 2
    assert "already uses" in second.output()
    assert "Traceback" not in second.output()


def test_a_second_bot_with_the_same_token_ends_one_of_the_two(pair: Pair) -> None:
    first = pair.start()
    pair.chat.write("/help")
    pair.chat.expect_text("/write")
    second = pair.start(STORAGE__FOLDER="elsewhere")
    ended = wait_until(
        lambda: next((bot for bot in (first, second) if bot._process.poll() is not None), None), "one of them ending"
    )
    assert ended.wait() == 2
    assert "another process is polling" in ended.output()
    assert "Traceback" not in ended.output()


def test_a_wrong_token_is_one_clear_line(pair: Pair) -> None:
    bot = pair.start(BOT_TOKEN="8600000001:this-is-not-the-token-of-this-server")
    assert bot.wait() == 2
    assert "BotFather" in bot.output()
    assert "Traceback" not in bot.output()
    assert "ERROR" not in bot.output(), "one line, not a log entry beside it"
    assert "this-is-not-the-token" not in bot.output()


@pytest.mark.parametrize("token", ["abc", "123456:short"])
def test_a_malformed_token_is_one_clear_line_too(pair: Pair, token: str) -> None:
    bot = pair.start(BOT_TOKEN=token)
    assert bot.wait() == 2
    assert "BotFather" in bot.output()
    assert "Traceback" not in bot.output()


def test_a_signal_during_start_ends_it_at_once(pair: Pair) -> None:
    bot = pair.start(BOT_API_URL="http://127.0.0.1:9")
    wait_until(lambda: "does not answer yet" in bot.output(), "the first vain try")
    bot.interrupt(signal.SIGINT)
    assert bot.wait(5) == 0
    assert "Traceback" not in bot.output()


def test_twice_leaves_at_once(pair: Pair) -> None:
    bot = pair.start(GENERATION__WIDTH="1536", GENERATION__HEIGHT="1536")
    pair.sim.fault("editMessageMedia", delay=HELD_S, times=1)
    pair.chat.ask("学习 study", "Ink")
    until_state(pair, "delivering")
    bot.interrupt(signal.SIGINT)
    wait_until(lambda: "stopping" in bot.output(), "the first signal being heard")
    bot.interrupt(signal.SIGINT)
    assert bot.wait(2) == 130
    pair.sim.heal()
    pair.start()
    exactly_one_picture(pair)


def test_make_run_twice_keeps_the_chat(tmp_path: Path) -> None:
    """The bot with its own playground, stopped and started: chats, ids and pictures are still there."""
    with closing(Process([], tmp_path, SMALL, "first")) as first, closing(Sim(first.url())) as sim:
        chat = Chat(sim)
        chat.ask("学习 study", "Ink")
        photo = chat.expect_photo()
        assert first.terminate() == 0
    with closing(Process([], tmp_path, SMALL, "second")) as second, closing(Sim(second.url())) as sim:
        chat = Chat(sim)
        assert [message["message_id"] for message in chat.photos()] == [photo["message_id"]]
        chat.ask("学习 study", "Comic")
        assert chat.expect_photo(count=2)["message_id"] > photo["message_id"]
        assert second.terminate() == 0
    with closing(Process(["--fresh"], tmp_path, SMALL, "fresh")) as fresh, closing(Sim(fresh.url())) as sim:
        assert Chat(sim).messages() == []


def test_control_a_naive_bot_loses_the_picture(pair: Pair) -> None:
    """aiogram's defaults, an order kept in memory: killed after the tap, the picture never comes. So the tests above can fail."""
    url = str(pair.sim.http.base_url).rstrip("/")
    script = Path(__file__).with_name("naive_bot.py")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(script), url, TOKEN], stdin=subprocess.DEVNULL)

    naive = start()
    try:
        pair.chat.write("/write 学习 study")
        wait_until(
            lambda: any(call["parameters"].get("text") == "painting" for call in pair.sim.calls("sendMessage")),
            "the naive bot starting to paint",
        )
    finally:
        naive.kill()
        naive.wait()
    naive = start()
    try:
        pair.chat.write("/write 水 water")
        pair.chat.expect_photo()
        assert len(pair.chat.photos()) == 1, "two words were asked for, one was lost"
    finally:
        naive.kill()
        naive.wait()
