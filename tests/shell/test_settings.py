"""Settings: one frozen tree, clear refusals, no secret ever shown, and `.env.example` equal to it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from bot.settings import PLAYGROUND_OWNER, SERVICE_ACCOUNTS, DiffusionSettings, env_example, load_settings
from generation.contracts.errors import BadSettings
from generation.diffusion.config import DEFAULT_SOURCES, DTYPES, LAYOUTS, SAMPLERS
from generation.gpu.profiles import RUNGS

ROOT = Path(__file__).resolve().parents[2]
BRANCHES = ("STORAGE__", "GENERATION__", "QUEUE__", "DIFFUSION__")
CANARY = "8600000001:canary-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith(("BOT_", "ADMINS", "PLAYGROUND", "GRACE", "LOG_", *BRANCHES)):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_open_the_playground_on_this_machine() -> None:
    settings = load_settings()
    assert settings.bot_token is None
    assert settings.playground.enabled
    assert settings.playground.host == "127.0.0.1"


def test_the_tree_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load_settings().grace_s = 3


@pytest.mark.parametrize("switch", ["off", "OFF", " off "])
def test_the_playground_switch_keeps_the_nested_names(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    monkeypatch.setenv("PLAYGROUND", switch)
    monkeypatch.setenv("PLAYGROUND__PORT", "9000")
    settings = load_settings()
    assert (settings.playground.enabled, settings.playground.port) == (False, 9000)


def test_the_switch_works_from_the_env_file(bare: Path) -> None:
    (bare / ".env").write_text("PLAYGROUND=off\nQUEUE__WAITING=7\n")
    settings = load_settings()
    assert (settings.playground.enabled, settings.queue.waiting) == (False, 7)


@pytest.mark.parametrize(("text", "ids"), [("1, 2", {1, 2}), ("5", {5}), ("[3,4]", {3, 4}), ("", set())])
def test_admins_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch, text: str, ids: set[int]) -> None:
    monkeypatch.setenv("ADMINS", text)
    assert load_settings().admins == ids


@pytest.mark.parametrize("account", sorted(SERVICE_ACCOUNTS))
def test_telegrams_own_accounts_are_never_admins(monkeypatch: pytest.MonkeyPatch, account: int) -> None:
    monkeypatch.setenv("ADMINS", f"1,{account}")
    with pytest.raises(BadSettings, match=str(account)):
        load_settings()


def test_the_first_learner_is_admin_only_in_the_playground() -> None:
    settings = load_settings()
    assert settings.admin_ids(playground=True) == {PLAYGROUND_OWNER}
    assert settings.admin_ids(playground=False) == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENERATION__WIDTH", "1000"),
        ("GRACE_S", "soon"),
        ("ADMINS", "@bob"),
        ("PLAYGROUND", "maybe"),
        ("BOT_API_URL", "garbage"),
        ("QUEUE__WAITNG", "3"),
    ],
)
def test_a_bad_value_names_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert name.split("__", maxsplit=1)[0].lower() in str(caught.value).lower()


def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", CANARY)
    settings = load_settings()
    assert settings.bot_token
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_token_in_a_file_others_can_read_is_refused(bare: Path) -> None:
    file = bare / ".env"
    file.write_text(f"BOT_TOKEN={CANARY}\n")
    file.chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600") as caught:
        load_settings()
    assert CANARY not in str(caught.value)
    file.chmod(0o600)
    assert load_settings().bot_token is not None


def test_the_choices_are_those_the_engine_knows() -> None:
    fields = DiffusionSettings.model_fields
    chosen = {
        name: set(get_args(get_args(fields[name].annotation)[0])) for name in ("dtype", "layout", "sampler", "compile")
    }
    assert chosen == {"dtype": set(DTYPES), "layout": set(LAYOUTS), "sampler": set(SAMPLERS), "compile": set(RUNGS)}


def test_a_role_has_a_model_and_three_further_names() -> None:
    names = [name for name in DiffusionSettings.model_fields if name.startswith("segmentation")]
    parts = ["segmentation", "segmentation_revision", "segmentation_variant", "segmentation_weights"]
    assert names == parts
    assert load_settings().diffusion.segmentation == DEFAULT_SOURCES["segmentation"].model


def test_weights_are_not_downloaded_unless_asked_for() -> None:
    assert load_settings().generation.download is False


def test_env_example_equals_the_settings() -> None:
    assert (ROOT / ".env.example").read_text() == env_example()


def test_env_example_with_everything_uncommented_is_the_default(bare: Path) -> None:
    defaults = load_settings()
    settings = [line[2:] for line in env_example().splitlines() if re.match(r"# [A-Z_]+=", line)]
    assert len(settings) >= 15
    (bare / ".env").write_text("\n".join(settings))
    (bare / ".env").chmod(0o600)
    assert load_settings() == defaults
