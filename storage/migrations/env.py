"""What Alembic runs for every command: the revisions, on the connection that `storage.upgrade` made."""

from alembic import context

from storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    # SQLite can roll back changes of tables; Alembic assumes it cannot. The caller's transaction holds all revisions.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
