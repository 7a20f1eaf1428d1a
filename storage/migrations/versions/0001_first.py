"""The first tables: learners, pictures, orders, Telegram file ids."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "learners",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user", sa.Integer(), nullable=False),
        sa.Column("telegram_locale", sa.String(), nullable=False),
        sa.Column("chosen_locale", sa.String(), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learners")),
        sa.UniqueConstraint("user", name=op.f("uq_learners_user")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("translation", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("style", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("engine_version", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
        sa.UniqueConstraint(
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
            name=op.f("uq_pictures_key"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pictures_sha256", "pictures", ["sha256"], unique=False)
    op.create_index("ix_pictures_used_at", "pictures", ["used_at"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("learner", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("chat", sa.Integer(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=True),
        sa.Column("reply_to", sa.Integer(), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("status_message", sa.Integer(), nullable=True),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("translation", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("style", sa.String(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("picture", sa.Integer(), nullable=True),
        sa.Column("error_key", sa.String(), nullable=True),
        sa.Column("error_details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("told_at", sa.Float(), nullable=True),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("rendered_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('cancelled', 'dead', 'delivered', 'failed')) = (finished_at IS NOT NULL)",
            name=op.f("ck_orders_finished"),
        ),
        sa.CheckConstraint("(state IN ('dead', 'failed')) = (error_key IS NOT NULL)", name=op.f("ck_orders_reason")),
        sa.CheckConstraint(
            "state IN ('cancelled', 'dead', 'delivered', 'delivering', 'draft', 'failed', 'queued', 'rendered', 'running')",
            name=op.f("ck_orders_state"),
        ),
        sa.CheckConstraint("style IS NOT NULL OR state IN ('cancelled', 'draft')", name=op.f("ck_orders_style")),
        sa.ForeignKeyConstraint(["learner"], ["learners.id"], name=op.f("fk_orders_learner"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent"], ["orders.id"], name=op.f("fk_orders_parent"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["picture"], ["pictures.id"], name=op.f("fk_orders_picture"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("source_key", name=op.f("uq_orders_source_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_finished_at", "orders", ["finished_at"], unique=False)
    op.create_index("ix_orders_learner", "orders", ["learner"], unique=False)
    op.create_index("ix_orders_open", "orders", ["state"], unique=False, sqlite_where=sa.text("finished_at IS NULL"))
    op.create_index(
        "ix_orders_open_of_learner", "orders", ["learner"], unique=False, sqlite_where=sa.text("finished_at IS NULL")
    )
    op.create_index("ix_orders_parent", "orders", ["parent"], unique=False)
    op.create_index("ix_orders_picture", "orders", ["picture"], unique=False)
    op.create_index(
        "ix_orders_untold",
        "orders",
        ["told_at"],
        unique=False,
        sqlite_where=sa.text("error_key IS NOT NULL AND told_at IS NULL"),
    )
    op.create_index(
        "uq_orders_open_child", "orders", ["parent", "action"], unique=True, sqlite_where=sa.text("finished_at IS NULL")
    )
    op.create_table(
        "telegram_files",
        sa.Column("picture", sa.Integer(), nullable=False),
        sa.Column("bot", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('document', 'photo')", name=op.f("ck_telegram_files_kind")),
        sa.ForeignKeyConstraint(
            ["picture"], ["pictures.id"], name=op.f("fk_telegram_files_picture"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("picture", "bot", "kind", name=op.f("pk_telegram_files")),
        sqlite_with_rowid=False,
    )
