"""Run by Alembic, on the connection that it was given."""

from alembic import context

from services.query.records.control import Control

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Control.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
