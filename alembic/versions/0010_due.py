"""Deliveries that are due are found in their order: that of all that became due at once is in the index too."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = "webhook_deliveries"
NAME = f"ix_{TABLE}_next"
COLUMNS = ["workspace_id", "webhook_id", "next_at"]


def upgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, [*COLUMNS, "position"])


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, COLUMNS)
