"""The log of facts can be read by time."""

from alembic import op

from services.query.records.migrations import once

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To this version."""
    once.create_index("log_by_time", "event_log", ["time", "event_id"])


def downgrade() -> None:
    """Without."""
    op.drop_index("log_by_time", "event_log")
