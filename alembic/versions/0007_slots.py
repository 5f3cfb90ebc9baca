"""An index for lists by updatedAt that most saves leave alone: of the slots of 17 minutes that flows were changed in.

The database makes the slot of the time, so that servers of the version before, and SQL by hand, need not know of it:
PostgreSQL as a generated column, SQLite by triggers, as it would write the index of a generated column for each save.
A migration that makes the table anew on SQLite has to make the triggers anew as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EVENTS = {"inserted": "INSERT", "updated": "UPDATE OF updated_at"}
TRIGGER = """
    CREATE TRIGGER message_flows_{name} AFTER {event} ON message_flows WHEN NEW.updated_slot <> NEW.updated_at >> 20
    BEGIN UPDATE message_flows SET updated_slot = NEW.updated_at >> 20 WHERE rowid = NEW.rowid; END
"""


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    made = sa.Computed("updated_at >> 20", persisted=True) if is_postgresql else sa.DefaultClause("0")
    meaning = "updated_at >> 20 (17 minutes); the database makes it"
    op.add_column("message_flows", sa.Column("updated_slot", sa.BigInteger(), made, nullable=False, comment=meaning))
    if not is_postgresql:
        op.execute("UPDATE message_flows SET updated_slot = updated_at >> 20")
        for name, event in EVENTS.items():
            op.execute(TRIGGER.format(name=name, event=event))
    op.create_index("ix_message_flows_updated", "message_flows", ["workspace_id", "updated_slot"])
    if is_postgresql:
        op.execute("ANALYZE message_flows")


def downgrade() -> None:
    op.drop_index("ix_message_flows_updated", table_name="message_flows")
    if op.get_bind().dialect.name == "sqlite":
        for name in EVENTS:
            op.execute(f"DROP TRIGGER message_flows_{name}")
    with op.batch_alter_table("message_flows") as table:
        table.drop_column("updated_slot")
