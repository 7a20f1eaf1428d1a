"""The processes the end-to-end tests talk to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.chat import Chat, Sim
from tests.end_to_end.processes import TOKEN, Process

SMALL = {"GENERATION__WIDTH": "512", "GENERATION__HEIGHT": "512", "PLAYGROUND__PORT": "0", "STORAGE__FOLDER": "data"}


@pytest.fixture(scope="session")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """`python -m bot` without a token: the bot and its playground in one process, as `make run` starts it."""
    bot = Process([], tmp_path_factory.mktemp("one"), SMALL, "bot")
    with closing(bot), closing(Sim(bot.url())) as sim:
        yield sim


@pytest.fixture
def learner(one_process: Sim) -> Chat:
    """A learner nobody else writes as."""
    return one_process.new_learner("Lin")


class Pair:
    """A playground that lives on while the bot in front of it is stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.playground = Process(["playground", "--port", "0", "--token", TOKEN], folder, SMALL, "playground")
        self.sim = Sim(self.playground.url())
        self.chat = Chat(self.sim)
        self._bots: list[Process] = []

    def start(self, **environment: str) -> Process:
        url = str(self.sim.http.base_url).rstrip("/")
        bot = Process(
            [],
            self.folder,
            {**SMALL, "BOT_TOKEN": TOKEN, "BOT_API_URL": url, "STORAGE__FOLDER": "botdata", **environment},
            "bot",
        )
        self._bots.append(bot)
        return bot

    @property
    def database(self) -> Path:
        return self.folder / "botdata" / "wordbrush.sqlite3"

    def close(self) -> None:
        self.sim.close()
        for process in (*self._bots, self.playground):
            process.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with closing(Pair(tmp_path)) as made:
        yield made
