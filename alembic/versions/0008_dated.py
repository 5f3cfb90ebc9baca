"""Deliveries know the time of their change, for the id of its message; those that wait already keep the id they had."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    meaning = "goes into the id of the message; absent where it did not when the delivery was made out"
    op.add_column("webhook_deliveries", sa.Column("changed_at", sa.BigInteger(), comment=meaning))


def downgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as table:
        table.drop_column("changed_at")
