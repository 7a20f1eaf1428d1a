"""The tables as they are at the newest revision. `migrations/versions` makes them; a test keeps both equal.

Knows columns, keys and indexes; knows no statement. Times are UTC seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from storage.model import TERMINAL, State

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _listed(states: frozenset[State]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


learners = Table(
    "learners",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("user", Integer, nullable=False, unique=True),
    Column("telegram_locale", String, nullable=False),
    Column("chosen_locale", String),
    Column("blocked", Boolean, nullable=False, server_default=text("0")),
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

PICTURE_KEY = (
    "word",
    "translation",
    "language",
    "style",
    "seed",
    "engine",
    "engine_version",
    "width",
    "height",
    "parameters",
)
"""Two requests that agree in all of these are one picture."""

pictures = Table(
    "pictures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("word", String, nullable=False),
    Column("translation", String, nullable=False),
    Column("language", String, nullable=False),
    Column("style", String, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("engine", String, nullable=False),
    Column("engine_version", String, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("parameters", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("meta", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    UniqueConstraint(*PICTURE_KEY, name="uq_pictures_key"),
    Index("ix_pictures_sha256", "sha256"),
    Index("ix_pictures_used_at", "used_at"),
    sqlite_autoincrement=True,
)

orders = Table(
    "orders",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source_key", String, nullable=False, unique=True),
    Column("learner", Integer, ForeignKey("learners.id", ondelete="CASCADE"), nullable=False),
    Column("locale", String, nullable=False),
    Column("chat", Integer, nullable=False),
    Column("thread", Integer),
    Column("reply_to", Integer),
    Column("private", Boolean, nullable=False),
    Column("status_message", Integer),
    Column("word", String, nullable=False),
    Column("translation", String, nullable=False),
    Column("language", String, nullable=False),
    Column("style", String),
    Column("seed", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("picture", Integer, ForeignKey("pictures.id", ondelete="SET NULL")),
    Column("error_key", String),
    Column("error_details", JSON(none_as_null=True)),
    Column("told_at", Float),
    Column("parent", Integer, ForeignKey("orders.id", ondelete="SET NULL")),
    Column("action", String),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float),
    Column("started_at", Float),
    Column("rendered_at", Float),
    Column("finished_at", Float),
    CheckConstraint(f"state IN ({_listed(frozenset(State))})", name="state"),
    CheckConstraint(f"(state IN ({_listed(TERMINAL)})) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("(state IN ('dead', 'failed')) = (error_key IS NOT NULL)", name="reason"),
    CheckConstraint("style IS NOT NULL OR state IN ('cancelled', 'draft')", name="style"),
    # A partial index serves only statements that repeat its condition word for word, hence conditions without values.
    Index("ix_orders_open", "state", sqlite_where=text("finished_at IS NULL")),
    Index("ix_orders_open_of_learner", "learner", sqlite_where=text("finished_at IS NULL")),
    Index(
        "uq_orders_open_child",
        "parent",
        "action",
        unique=True,
        sqlite_where=text("finished_at IS NULL"),
    ),
    Index("ix_orders_untold", "told_at", sqlite_where=text("error_key IS NOT NULL AND told_at IS NULL")),
    Index("ix_orders_finished_at", "finished_at"),
    # The three below serve foreign keys: without them every deleted parent scans all orders.
    Index("ix_orders_learner", "learner"),
    Index("ix_orders_picture", "picture"),
    Index("ix_orders_parent", "parent"),
    sqlite_autoincrement=True,
)

telegram_files = Table(
    "telegram_files",
    METADATA,
    Column("picture", Integer, ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Column("bot", Integer, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("file_id", String, nullable=False),
    CheckConstraint("kind IN ('document', 'photo')", name="kind"),
    sqlite_with_rowid=False,
)
