"""The log of facts, how far it reaches, and which views are shown."""

import sqlalchemy as sa
from alembic import op

from services.query.records.columns import NAME, UUID, WORD, UtcDateTime
from services.query.records.migrations import once

revision = "0001"
down_revision = None


def upgrade() -> None:
    """To this version."""
    once.create_table(
        "event_log",
        sa.Column("event_id", UUID, primary_key=True),
        sa.Column("stream", NAME, nullable=False),
        sa.Column("incarnation", WORD, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("sha256", WORD, nullable=False),
    )
    once.create_index("log_by_place", "event_log", ["stream", "incarnation", "sequence"])
    once.create_table(
        "archived",
        sa.Column("stream", NAME, primary_key=True),
        sa.Column("incarnation", WORD, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("fact_id", WORD, nullable=False),
    )
    once.create_table(
        "generations",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("shown", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Back to nothing; the log of facts is lost with it."""
    for table in ("generations", "archived", "event_log"):
        op.drop_table(table)
