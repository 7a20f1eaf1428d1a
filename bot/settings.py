"""Every setting in one frozen tree, read once from the environment and `.env`. Knows names and limits, builds nothing.

`.env.example` is generated from this tree (`python -m bot doctor --env-example`), and a test keeps the two equal.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.settings_models import Branch, ModelSettings
from generation.contracts.errors import BadSettings
from generation.contracts.request import LARGEST_SIDE_PX, SIDE_STEP_PX, SMALLEST_SIDE_PX
from generation.diffusion.plans import plan_named, sampler_for
from generation.gpu.profiles import PROFILES, profile_named, with_overrides

SERVICE_ACCOUNTS = frozenset({777000, 1087968824, 136817688})
"""Telegram's own senders (notifications, anonymous admins, channel posts): as admins they would be everybody."""

PLAYGROUND_OWNER = 1001
"""The playground's first learner: whoever opens it is its owner, and an admin there."""

ENV_FILE = Path(".env")


def _comma_list(value: object) -> object:
    """Accept `1, 2` beside JSON, since people write lists into `.env` that way."""
    if isinstance(value, str):
        return [part for part in value.replace(" ", "").strip("[]").split(",") if part]
    return [value] if isinstance(value, int) else value


class StorageSettings(Branch):
    """Where rows and pictures live."""

    folder: Path = Field(
        Path("data"), description="Data folder: database, pictures, backups, the playground's own file."
    )
    cache_mb: int = Field(
        4096, ge=16, le=10_000_000, description="Budget of the picture files; the least used go first."
    )


class GenerationSettings(Branch):
    """What is painted and by which engine."""

    engine: Literal["auto", "diffusion", "painter"] = Field(
        "auto",
        description="auto takes diffusion where a CUDA card of 12 GB or more is, and the painter until its weights are "
        "complete; diffusion insists on it, refuses to start without the extra of that name, and has the painter "
        "stand in while it cannot work; painter uses the CPU only.",
    )
    download: bool = Field(
        default=False,
        description="Fetch missing model weights in the background; otherwise run `python -m bot models fetch`.",
    )
    width: int = Field(1024, description="Picture width in pixels, 512 to 1536 in steps of 64.")
    height: int = Field(1024, description="Picture height in pixels, likewise.")
    fonts: Path | None = Field(None, description="A folder with further fonts, looked at before the system's.")
    time_limit_s: int = Field(600, ge=10, le=86_400, description="A painting that takes longer is given up.")

    @field_validator("width", "height")
    @classmethod
    def _on_the_grid(cls, value: int) -> int:
        if not SMALLEST_SIDE_PX <= value <= LARGEST_SIDE_PX or value % SIDE_STEP_PX:
            message = f"must be {SMALLEST_SIDE_PX} to {LARGEST_SIDE_PX} in steps of {SIDE_STEP_PX}"
            raise ValueError(message)
        return value


class DiffusionSettings(ModelSettings):
    """The diffusion engine (GENERATION__ENGINE), which needs the extra `diffusion` and model weights."""

    device: str = Field(
        "auto",
        pattern=r"^(auto|cuda(:\d{1,3})?|mps|cpu)$",
        description="auto, cuda, cuda:1, mps or cpu; auto never takes the CPU.",
    )
    dtype: Literal["bf16", "fp16", "fp32"] | None = Field(
        None, description="bf16, fp16 or fp32; the device's own when empty."
    )
    layout: Literal["multi", "union"] | None = Field(
        None, description="multi (four ControlNets) or union (one for all); as the profile says when empty."
    )
    profile: str | None = Field(
        None, description="A device profile by name (see `python -m bot doctor`); by the card's memory when empty."
    )
    overrides: dict[str, Any] = Field(
        {}, description='Fields of the profile that shall be otherwise, as JSON, such as {"batch_limit": 2}.'
    )
    plan: str = Field(
        "reference",
        description="Sampling plan: reference (exact), quality, fast or turbo (each approximate, each quicker).",
    )
    sampler: Literal["dpmpp_2m_karras", "euler"] | None = Field(
        None, description="dpmpp_2m_karras or euler; the plan's when empty. The plan turbo takes no other than its own."
    )
    attention: Literal["sdpa", "xformers"] = Field("sdpa", description="sdpa, or xformers where it is installed.")
    compile: Literal["eager", "regional", "full"] | None = Field(
        None,
        description="eager, regional or full; as the profile says when empty, but full only with PRELOAD: compiling "
        "whole models takes minutes, and each batch size of its own.",
    )
    compile_cache: Path | None = Field(
        None, description="Where compiled kernels are kept; in the data folder if empty."
    )
    preview_every: int = Field(5, ge=0, le=150, description="Steps between two previews; 0 for none.")
    tiny_previews: bool = Field(
        default=False,
        description="Previews by the tiny autoencoder once its weights are there, instead of the linear guess.",
    )
    union_gain: float = Field(
        1.0, ge=0, le=2, description="Factor on what the union adds; 1 as trained, 0 never runs it."
    )
    preload: bool = Field(
        default=False,
        description="Load and warm up at start instead of with the first picture; every batch size where models are "
        "compiled. With IDLE_UNLOAD_S=0 that stays so.",
    )
    idle_unload_s: float = Field(
        900.0, ge=0, le=31_536_000, description="Unload after so many seconds without work; 0 never."
    )
    text_cache: int = Field(256, ge=1, le=100_000, description="Prompts whose embeddings are remembered.")
    cache_folder: Path | None = Field(None, description="The hub cache; the hub library's own (HF_HOME) when empty.")
    local_files_only: bool = Field(default=False, description="Never touch the network for models.")
    stall_s: float = Field(
        60.0, ge=1, le=3600, description="A download that brings nothing for so many seconds is given up."
    )


class QueueSettings(Branch):
    """How many words may wait."""

    running_per_learner: int = Field(1, ge=1, le=64, description="Words of one learner painted at the same time.")
    waiting_per_learner: int = Field(3, ge=1, le=1000, description="Words of one learner that may wait.")
    waiting: int = Field(50, ge=1, le=100_000, description="Words that may wait in all.")


class PlaygroundSettings(Branch):
    """The chat page on this machine, used when there is no token."""

    enabled: bool = Field(default=True, description="Open it when there is no token; PLAYGROUND=off for short.")
    host: str = Field("127.0.0.1", description="Address of the playground; anything but loopback is refused.")
    port: int = Field(8600, ge=0, le=65_535, description="Port of the playground; 0 takes a free one.")
    open_browser: bool = Field(default=True, description="Open the page in a browser when started from a terminal.")


class _Switch:
    """Lets `PLAYGROUND=off` stand for `PLAYGROUND__ENABLED=false` beside the nested names."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """Decode JSON as usual, but understand the switch."""
        if field_name == "playground" and isinstance(value, str) and not value.lstrip().startswith("{"):
            return {"enabled": value.strip().lower()}
        return super().decode_complex_value(field_name, field, value)  # type: ignore[misc]  # a mixin before the source


class _Environment(_Switch, EnvSettingsSource):
    pass


class _EnvFile(_Switch, DotEnvSettingsSource):
    pass


class Settings(BaseSettings):
    """The whole tree.

    Raises:
        BadSettings: from `load_settings`, naming each setting that cannot work, never its value.
    """

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_nested_delimiter="__",
        frozen=True,
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    bot_token: SecretStr | None = Field(None, description="Token from @BotFather. Without one the playground opens.")
    bot_api_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+",
        description="Another Bot API server, for instance a playground of another process.",
    )
    admins: Annotated[frozenset[int], NoDecode, BeforeValidator(_comma_list)] = Field(
        frozenset(), description="Numeric Telegram ids that may use /gpu, separated by commas. Empty means nobody."
    )
    playground: PlaygroundSettings = PlaygroundSettings()
    grace_s: int = Field(20, ge=1, le=600, description="Seconds given to running work when the bot is told to stop.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    storage: StorageSettings = StorageSettings()
    generation: GenerationSettings = GenerationSettings()
    queue: QueueSettings = QueueSettings()
    diffusion: DiffusionSettings = DiffusionSettings()

    @field_validator("bot_token", mode="before")
    @classmethod
    def _empty_token_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_sources: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then `.env`."""
        return init_settings, _Environment(settings_cls), _EnvFile(settings_cls)

    def playground_folder(self) -> Path:
        """Where the playground keeps its chats, and the bot behind it its rows and pictures."""
        return self.storage.folder / "playground"

    def bot_folder(self) -> Path:
        """Where the bot keeps its rows and pictures: the playground's bot apart from a real one."""
        return self.storage.folder if self.bot_token else self.playground_folder()

    def admin_ids(self, *, playground: bool) -> frozenset[int]:
        """Who may use `/gpu`: the configured ids, and the playground's first learner."""
        return self.admins | ({PLAYGROUND_OWNER} if playground else set())


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    Raises:
        BadSettings: a value that cannot work, an admin id that belongs to Telegram itself, or a `.env` others can read.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # overrides are validated by pydantic, not by types
    except ValidationError as error:
        raise BadSettings(detail=_described(error)) from None
    except ValueError as error:
        raise BadSettings(detail=str(error)) from None
    _refuse_service_accounts(settings)
    _refuse_readable_secrets(settings)
    _refuse_unknown_names(settings.diffusion)
    return settings


def _described(error: ValidationError) -> str:
    return "; ".join(f"{'__'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())


def _refuse_service_accounts(settings: Settings) -> None:
    wrong = sorted(settings.admins & SERVICE_ACCOUNTS)
    if wrong:
        detail = f"ADMINS names {wrong[0]}, an account of Telegram itself that everybody could pass for: remove it"
        raise BadSettings(detail=detail)


def _refuse_unknown_names(diffusion: DiffusionSettings) -> None:
    """Plans, profiles and a profile's fields are named where they are defined, and looked up there."""
    own = profile_named(diffusion.profile) if diffusion.profile else PROFILES[0]
    sampler_for(plan_named(diffusion.plan), diffusion.sampler)
    with_overrides(own, diffusion.overrides)


def _refuse_readable_secrets(settings: Settings) -> None:
    """A token in a file that others on the machine can read is a leaked token."""
    if settings.bot_token is None or os.environ.get("BOT_TOKEN") or not ENV_FILE.is_file():
        return
    if stat.S_IMODE(ENV_FILE.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettings(detail=f"{ENV_FILE} holds the token and is readable by others: run `chmod 600 {ENV_FILE}`")


def env_example() -> str:
    """The text of `.env.example`: every setting with its description and default, all commented out."""
    lines = [
        "# Every setting of Wordbrush with its default. Copy to .env (chmod 600) and uncomment what you change.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            lines += _branch_lines(name, default)
        else:
            lines += [f"# {field.description}", f"# {name.upper()}={_shown(default)}", ""]
    return "\n".join(lines)


def _branch_lines(name: str, branch: BaseModel) -> list[str]:
    lines = [f"# --- {(type(branch).__doc__ or '').strip()}", ""]
    own = type(branch).__annotations__
    for key, field in sorted(type(branch).model_fields.items(), key=lambda item: item[0] not in own):
        lines += [f"# {field.description}", f"# {name.upper()}__{key.upper()}={_shown(field.default)}", ""]
    return lines


def _shown(default: object) -> str:
    if default is None or isinstance(default, frozenset):
        return ""
    if isinstance(default, dict):
        return json.dumps(default)
    return str(default).lower() if isinstance(default, bool) else str(default)
