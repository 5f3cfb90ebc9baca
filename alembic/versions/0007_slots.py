"""An index for lists by updatedAt that most saves leave alone: of the slots of 70 minutes that flows were changed in.

PostgreSQL makes the slot out of the time by itself, so that servers of the version before need not know of it; SQLite
would write the index anew for each save then, and is told the slot where it is another one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    made = sa.Computed("updated_at >> 22", persisted=True) if is_postgresql else sa.DefaultClause("0")
    meaning = "updated_at >> 22: of 70 minutes; PostgreSQL makes it"
    op.add_column("message_flows", sa.Column("updated_slot", sa.BigInteger(), made, nullable=False, comment=meaning))
    if not is_postgresql:
        op.execute("UPDATE message_flows SET updated_slot = updated_at >> 22")
    op.create_index("ix_message_flows_updated", "message_flows", ["workspace_id", "updated_slot"])
    if is_postgresql:
        op.execute("ANALYZE message_flows")


def downgrade() -> None:
    op.drop_index("ix_message_flows_updated", table_name="message_flows")
    with op.batch_alter_table("message_flows") as table:
        table.drop_column("updated_slot")
