"""The playground's refusals become operator errors, one clear line each."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from bot.neighbour import open_playground, refusals_explained
from bot.settings import PlaygroundSettings, Settings, StorageSettings
from generation.contracts.errors import AddressInUse, BadSettings, OperatorError, UnsafeAddress


def settings(folder: Path, **place: object) -> Settings:
    return Settings(storage=StorageSettings(folder=folder), playground=PlaygroundSettings(port=0, **place))


async def test_it_opens_on_a_free_port_and_closes(tmp_path: Path) -> None:
    playground = await open_playground(settings(tmp_path), fresh=False)
    assert playground.url.startswith("http://127.0.0.1:")
    assert list(settings(tmp_path).playground_folder().glob("playground.sqlite3*"))
    await playground.stop()


async def test_a_taken_port_says_which(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        asked = settings(tmp_path)
        asked = asked.model_copy(update={"playground": PlaygroundSettings(port=port)})
        with pytest.raises(AddressInUse, match=str(port)):
            await open_playground(asked, fresh=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
async def test_an_address_others_reach_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(UnsafeAddress, match="--expose"):
        await open_playground(settings(tmp_path, host=host), fresh=False)


async def test_a_file_that_is_no_database_is_an_operator_error(tmp_path: Path) -> None:
    folder = settings(tmp_path).playground_folder()
    folder.mkdir(parents=True)
    (folder / "playground.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(OperatorError):
        await open_playground(settings(tmp_path), fresh=False)


def test_a_folder_that_cannot_be_used_is_an_operator_error() -> None:
    with pytest.raises(BadSettings, match="playground"), refusals_explained("127.0.0.1", 1):
        raise PermissionError(13, "Permission denied")
