"""The playground as a process of its own: killed, restarted, started afresh; same chats, ids that never come back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

KEY = "key-of-this-test"
PROGRAM = """
import sys
from pathlib import Path
from bot.playground.serve import Playground, run_forever
playground = Playground(Path(sys.argv[1]), port=0, fresh="--fresh" in sys.argv, flood=False)
run_forever(playground, lambda url: print(url, playground.token, flush=True))
"""


class Process:
    """One run of the stand-alone playground."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), *options]
        environment = os.environ | {"PLAYGROUND_KEY": KEY}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        assert self.process.stdout is not None
        url, self.token = self.process.stdout.readline().split()
        headers = {"X-Playground-Key": KEY}
        self.http = httpx.Client(base_url=url, headers=headers, trust_env=False, verify=False, timeout=20)

    def call(self, method: str, **parameters: object) -> httpx.Response:
        return self.http.post(f"/bot{self.token}/{method}", json=parameters)

    def result(self, method: str, **parameters: object):
        return self.call(method, **parameters).json()["result"]

    def sim(self, path: str, **body: object):
        return self.http.post(f"/sim/{path}", json=body).json()

    def end(self, number: signal.Signals) -> int:
        self.http.close()
        self.process.send_signal(number)
        code = self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator:
    running: list[Process] = []

    def start(*options: str) -> Process:
        running.append(Process(tmp_path, *options))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_killed_and_restarted_it_is_the_same_chat(start, picture):
    first = start()
    updates = [first.sim("message", learner=1001, text=text)["update_id"] for text in ("one", "two", "three")]
    sent = first.result(
        "sendMessage",
        chat_id=1001,
        text="hello",
        reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "1"}]]},
    )
    files = {"photo": ("a.png", picture())}
    photo = first.http.post(f"/bot{first.token}/sendPhoto", data={"chat_id": "1001"}, files=files).json()["result"]
    tap = first.sim("tap", learner=1001, chat=1001, message=sent["message_id"], data="1", wait=0)["id"]
    assert [u["update_id"] for u in first.result("getUpdates", offset=updates[1])][:2] == updates[1:]
    first.result("setMyCommands", commands=[{"command": "a", "description": "b"}])
    transcript = first.http.get("/sim/transcript").json()["chats"]
    seq = first.http.get("/sim/session").json()["seq"]
    assert first.end(signal.SIGKILL) == -signal.SIGKILL

    second = start()
    assert second.http.get("/sim/transcript").json()["chats"] == transcript
    waiting = second.result("getUpdates")
    assert [u["update_id"] for u in waiting][:2] == updates[1:], "confirmed ones stay away, the others come again"
    assert second.result("answerCallbackQuery", callback_query_id=tap) is True
    again = second.result("sendPhoto", chat_id=1001, photo=photo["photo"][-1]["file_id"])
    assert again["photo"] == photo["photo"]
    assert again["message_id"] > photo["message_id"]
    assert second.sim("message", learner=1001, text="four")["update_id"] > waiting[-1]["update_id"]
    assert second.http.get("/sim/session").json()["seq"] > seq
    assert (
        second.result("editMessageText", chat_id=1001, message_id=sent["message_id"], text="edited")["text"] == "edited"
    )


def test_fresh_forgets_the_chats_and_not_the_numbers(start):
    first = start()
    update = first.sim("message", learner=1001, text="one")["update_id"]
    message = first.result("sendMessage", chat_id=1001, text="hello")["message_id"]
    learner = first.sim("learner", first_name="Anna")["learner"]["id"]
    first.end(signal.SIGTERM)
    second = start("--fresh")
    assert second.http.get("/sim/transcript").json()["chats"][0]["messages"] == []
    assert second.sim("message", learner=1001, text="one")["update_id"] > update
    assert second.result("sendMessage", chat_id=1001, text="hello")["message_id"] > message + 1
    assert second.sim("learner", first_name="Anna")["learner"]["id"] > learner


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(start, number):
    process = start()
    process.result("getMe")
    assert process.end(number) == 0
