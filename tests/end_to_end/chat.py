"""A learner's hands and eyes: writes, taps and reads through the playground's control API."""

from __future__ import annotations

from typing import Any

import httpx

from tests.end_to_end.processes import KEY, wait_until

Message = dict[str, Any]


class Sim:
    """The playground's control API."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Playground-Key": KEY}, timeout=40)

    def close(self) -> None:
        self.http.close()

    def call(self, verb: str, path: str, /, **body: object) -> Any:
        answer = self.http.request(verb, path, json=body or None)
        assert answer.status_code == 200, f"{verb} {path} {body}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, **query: object) -> Any:
        answer = self.http.get(path, params={key: str(value) for key, value in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, method: str, /, **details: object) -> None:
        self.call("POST", "/sim/faults", method=method, **details)

    def heal(self) -> None:
        self.call("DELETE", "/sim/faults")

    def calls(self, method: str) -> list[dict[str, Any]]:
        return self.get("/sim/calls", **({} if method == "*" else {"method": method}))["calls"]

    def new_learner(self, name: str, language: str = "en") -> Chat:
        made = self.call("POST", "/sim/learner", first_name=name, language_code=language)
        return Chat(self, made["learner"]["id"])

    def new_group(self, title: str, members: list[int]) -> int:
        return int(self.call("POST", "/sim/group", title=title, members=members)["chat"]["id"])

    def messages(self, chat: int) -> list[Message]:
        chats = self.get("/sim/transcript", chat=chat)["chats"]
        return [message for one in chats if one["id"] == chat for message in one["messages"]]

    def file(self, file_id: str) -> bytes:
        answer = self.http.get(f"/sim/file/{file_id}")
        assert answer.status_code == 200
        return answer.content


class Chat:
    """One learner in one chat (their private one unless told otherwise)."""

    def __init__(self, sim: Sim, learner: int = 1001, chat: int | None = None) -> None:
        self.sim, self.learner, self.chat = sim, learner, learner if chat is None else chat

    def write(self, text: str, **more: object) -> Message:
        made = self.sim.call("POST", "/sim/message", learner=self.learner, chat=self.chat, text=text, **more)
        return made["message"]

    def tap(self, message: Message, label: str, **more: object) -> dict[str, Any] | None:
        """Tap the button whose text contains `label`."""
        texts = [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row]
        exact = next((text for text in texts if label.casefold() in text.casefold()), None)
        assert exact, f"no button {label!r} among {texts}"
        return self.tap_data(message, label=exact, **more)

    def tap_data(self, message: Message, **which: object) -> dict[str, Any] | None:
        answer = self.sim.call(
            "POST", "/sim/tap", learner=self.learner, chat=self.chat, message=message["message_id"], **which
        )
        return answer["callback"]

    def messages(self) -> list[Message]:
        return self.sim.messages(self.chat)

    def replies(self) -> list[Message]:
        return [
            message
            for message in self.messages()
            if message["from"]["id"] != self.learner and message["from"].get("is_bot")
        ]

    def photos(self) -> list[Message]:
        return [message for message in self.replies() if message.get("photo")]

    def expect(self, what: str, test: Any, patience_s: float = 45.0) -> Message:
        """The newest reply of the bot that passes `test`."""

        def look() -> Message | None:
            return next((message for message in reversed(self.replies()) if test(message)), None)

        try:
            return wait_until(look, what, patience_s)
        except AssertionError as error:
            seen = [message.get("text") or message.get("caption") for message in self.messages()]
            raise AssertionError(f"{error}; the chat has {seen}") from None

    def expect_text(self, part: str, patience_s: float = 45.0) -> Message:
        return self.expect(f"a text with {part!r}", lambda message: part in message.get("text", ""), patience_s)

    def expect_styles(self, after: int = 0) -> Message:
        """The message with the five style buttons, newer than message `after`."""

        def five(message: Message) -> bool:
            rows = message.get("reply_markup", {}).get("inline_keyboard", [])
            return message["message_id"] > after and sum(len(row) for row in rows) >= 5 and not message.get("photo")

        return self.expect("five style buttons", five)

    def expect_photo(self, count: int = 1, patience_s: float = 60.0) -> Message:
        """The newest photo once there are `count` of them."""
        try:
            return wait_until(
                lambda: self.photos()[-1] if len(self.photos()) >= count else None, f"{count} photos", patience_s
            )
        except AssertionError as error:
            seen = [message.get("text") or message.get("caption") for message in self.messages()]
            raise AssertionError(f"{error}; the chat has {seen}") from None

    def ask(self, text: str, style: str = "Ink") -> Message:
        """Write a word, wait for the styles, tap one; returns the status message as it was before the tap."""
        sent = self.write(text)
        status = self.expect_styles(after=sent["message_id"])
        self.tap(status, style)
        return status
