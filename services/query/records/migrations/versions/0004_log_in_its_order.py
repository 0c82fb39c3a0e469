"""The log lies in the order of its streams: a fact is added at the end, and a rebuild reads what belongs together."""

import sqlalchemy as sa
from alembic import op

from services.query.records.columns import NAME, UUID, WORD, UtcDateTime
from services.query.records.migrations import once

revision = "0004"
down_revision = "0003"
PLACE = ["stream", "incarnation", "sequence", "event_id"]
_NEW = "event_log_new"
_COLUMNS = "event_id, stream, incarnation, sequence, subject, time, body, sha256"


def upgrade() -> None:
    """To this version."""
    bind = op.get_bind()
    if sa.inspect(bind).get_pk_constraint("event_log")["constrained_columns"] != PLACE:
        if bind.dialect.name == "sqlite":
            _copy()
        else:  # one statement, so that it is done or not
            op.execute(
                "ALTER TABLE event_log MODIFY event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
                f"DROP PRIMARY KEY, ADD PRIMARY KEY ({', '.join(PLACE)}), DROP INDEX log_by_place, "
                "ADD UNIQUE INDEX log_by_id (event_id)"
            )
    once.create_index("log_by_id", "event_log", ["event_id"], unique=True)
    once.create_index("log_by_time", "event_log", ["time", "event_id"])


def _copy() -> None:
    """From the first row on it is one transaction."""
    op.execute(f"DROP TABLE IF EXISTS {_NEW}")
    op.create_table(
        _NEW,
        sa.Column("event_id", UUID, nullable=False),
        sa.Column("stream", NAME, nullable=False),
        sa.Column("incarnation", WORD, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("sha256", WORD, nullable=False),
        sa.PrimaryKeyConstraint(*PLACE),
    )
    op.execute(f"INSERT INTO {_NEW} ({_COLUMNS}) SELECT {_COLUMNS} FROM event_log")  # noqa: S608 - our own names
    op.drop_table("event_log")
    op.rename_table(_NEW, "event_log")


def downgrade() -> None:
    """Only the order differs: what was written by it can be read by the one before."""
