"""Accounts, the cameras that they see, and what they sign in with."""

import sqlalchemy as sa
from alembic import op

from services.query.records.columns import NAME, WORD, UtcDateTime
from services.query.records.migrations import once

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """To this version."""
    _make_accounts()
    _make_secrets()


def _make_accounts() -> None:
    once.create_table(
        "people",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    once.insert_first("people", id=1, version=0)
    once.create_table(
        "accounts",
        sa.Column("user_id", NAME, primary_key=True),
        sa.Column("role", NAME, nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    once.create_table(
        "account_cameras",
        sa.Column("user_id", NAME, primary_key=True),
        sa.Column("camera_id", NAME, primary_key=True),
    )


def _make_secrets() -> None:
    once.create_table(
        "sessions",
        sa.Column("sha256", WORD, primary_key=True),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    once.create_index("sessions_by_user", "sessions", ["user_id"])
    once.create_table(
        "tokens",
        sa.Column("token_id", WORD, primary_key=True),
        sa.Column("sha256", WORD, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
    )
    once.create_index("tokens_by_user", "tokens", ["user_id"])


def downgrade() -> None:
    """Back to 0001; all accounts are lost with it."""
    for table in ("tokens", "sessions", "account_cameras", "accounts", "people"):
        op.drop_table(table)
