"""Words through the diffusion engine in the real process: random weights of every model, tiny, on the CPU.

What is painted is noise; that it is painted step by step, seen growing, stopped half-way and taken up after a kill is
not. One playground and one bot serve the module, because each start costs more than a picture.
"""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.contracts.request import PaintRequest
from tests.end_to_end.chat import Chat, Message
from tests.end_to_end.conftest import Pair
from tests.end_to_end.processes import Process, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.diffusion, pytest.mark.timeout(600)]

PATIENCE_S = 150.0
SIDE = "640"
"""Large enough that thirty steps of even these models last some ten seconds: several previews fit in between."""


def settings(models: Path) -> dict[str, str]:
    """The bot's environment: the tiny models, a preview every step."""
    from generation.diffusion.measuring import tiny

    sources = tiny.save(models)
    named = {f"DIFFUSION__{role.upper()}": source.model for role, source in sources.items()}
    files = {f"DIFFUSION__{role.upper()}_WEIGHTS": source.weights for role, source in sources.items() if source.weights}
    return {
        **named,
        **files,
        "GENERATION__ENGINE": "diffusion",
        "GENERATION__WIDTH": SIDE,
        "GENERATION__HEIGHT": SIDE,
        "DIFFUSION__DEVICE": "cpu",
        "DIFFUSION__LOCAL_FILES_ONLY": "true",
        "DIFFUSION__PREVIEW_EVERY": "1",
        # OpenMP's threads spin while they wait: on a machine that is busy otherwise, two take twenty times as long as one.
        "OMP_NUM_THREADS": "1",
    }


@dataclass
class Studio:
    """A bot with tiny models in front of a playground that outlives it."""

    pair: Pair
    environment: dict[str, str]
    bot: Process | None = None
    seen: dict[int, list[str]] = field(default_factory=dict)

    @property
    def chat(self) -> Chat:
        return self.pair.chat

    def start(self) -> None:
        self.bot = self.pair.start(**self.environment)

    def ask(self, text: str) -> int:
        return int(self.chat.ask(text, "Ink")["message_id"])

    def message(self, number: int) -> Message:
        found = next(message for message in self.chat.replies() if message["message_id"] == number)
        photo = photo_of(found)
        if photo and photo not in self.seen.setdefault(number, []):
            self.seen[number].append(photo)
        return found

    def until(self, number: int, what: str, test) -> Message:
        """The message once it passes `test`; the photos it had meanwhile are in `seen`."""

        def look() -> Message | None:
            message = self.message(number)
            return message if test(message) else None

        return wait_until(look, what, PATIENCE_S)

    def until_previews(self, number: int, count: int) -> Message:
        return self.until(number, f"{count} previews", lambda _message: len(self.seen.get(number, ())) >= count)

    def picture(self, file_id: str) -> np.ndarray:
        with Image.open(io.BytesIO(self.pair.sim.file(file_id))) as image:
            return np.asarray(image.convert("RGB").resize((64, 64)), np.float32)

    def rows(self) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(f"file:{self.pair.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute("SELECT * FROM orders ORDER BY id").fetchall()

    def row(self, number: int) -> sqlite3.Row:
        return next(row for row in self.rows() if row["status_message"] == number)


def photo_of(message: Message) -> str | None:
    return message["photo"][-1]["file_id"] if message.get("photo") else None


def caption_of(message: Message) -> str:
    return str(message.get("caption", message.get("text", "")))


def is_picture(message: Message) -> bool:
    return bool(message.get("photo")) and "seed" in caption_of(message)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    environment = settings(tmp_path_factory.mktemp("models"))
    with closing(Pair(tmp_path_factory.mktemp("studio"))) as pair:
        made = Studio(pair, environment)
        made.start()
        yield made


def painters_look(row: sqlite3.Row) -> np.ndarray:
    """How the painter would sketch the order."""
    from generation.painter import Painter
    from generation.pipeline import Pipeline

    asked = {name: row[name] for name in ("word", "translation", "language", "style", "seed", "width", "height")}
    job, _ = Pipeline().prepare(PaintRequest(**asked), Painter(), threading.Event())
    look = Pipeline.first_look(job)
    assert look is not None
    return np.asarray(Image.fromarray(look).resize((64, 64)), np.float32)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def test_a_word_is_seen_growing_the_painters_look_first(studio: Studio) -> None:
    status = studio.ask("/write 学习 study")

    preview = studio.until_previews(status, 1)
    assert "%" in caption_of(preview)
    assert len(preview["reply_markup"]["inline_keyboard"]) == 1
    studio.until_previews(status, 2)
    photo = studio.until(status, "the picture", is_picture)

    first, *later, last = [studio.picture(file_id) for file_id in studio.seen[status]]
    sketch = painters_look(studio.row(status))
    assert apart(first, sketch) < 12, "the painter's look comes first"
    assert later, "then the engine's own"
    assert min(apart(look, sketch) for look in later) > 20
    assert photo_of(photo) == studio.seen[status][-1]
    assert apart(last, sketch) > 20
    assert max(size["width"] for size in photo["photo"]) == studio.row(status)["width"]
    assert len(studio.chat.photos()) == 1
    assert "quick painter" not in caption_of(photo), "nobody stood in"


def test_cancelled_half_way_it_stops_and_killed_half_way_it_comes_once(studio: Studio) -> None:
    painted = len(studio.chat.photos())
    first = studio.ask("/write 山 mountain")
    studio.until_previews(first, 2)
    second = studio.ask("/write 水 water")

    studio.chat.tap(studio.message(first), "Cancel")

    stopped = studio.until(first, "the cancellation", lambda message: "Cancelled" in caption_of(message))
    assert "unfinished" in caption_of(stopped)
    assert photo_of(stopped), "Telegram cannot turn a photo back into a text"
    studio.until_previews(second, 1)
    assert studio.bot is not None
    studio.bot.kill()
    assert studio.row(first)["state"] == "cancelled"
    assert studio.row(first)["rendered_at"] is None, "the engine did not go on with what nobody wanted"
    assert studio.row(second)["rendered_at"] is None, "killed half-way"
    studio.start()

    studio.until(second, "the picture after the kill", is_picture)
    wait_until(lambda: studio.row(second)["state"] == "delivered", "the last commit")
    assert studio.row(first)["state"] == "cancelled"
    assert studio.row(second)["attempts"] == 2
    assert "Cancelled" in caption_of(studio.message(first)), "no preview came after it"
    assert len([message for message in studio.chat.photos() if is_picture(message)]) == painted + 1
    assert len(studio.chat.photos()) == painted + 2
