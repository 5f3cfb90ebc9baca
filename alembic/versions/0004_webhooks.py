"""Webhooks, what is still to be delivered, what was tried, and who sends."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("id", BYTEWISE, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False, comment="separated by commas"),
        sa.Column("secret", sa.Text(), nullable=False, comment="as it is: messages are signed with it"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="up to which change deliveries were made out"),
        sa.Column(
            "is_behind", sa.Boolean(), nullable=False, comment="whether the sender has to catch up from its position"
        ),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column(
            "old_secret_until", sa.BigInteger(), nullable=True, comment="until when messages are signed with both"
        ),
        sa.Column(
            "parked_at",
            sa.BigInteger(),
            nullable=True,
            comment="set while nothing is sent because the endpoint is dead",
        ),
        sa.Column("parked_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("webhook_id", BYTEWISE, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flow_id", BYTEWISE, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column(
            "next_at", sa.BigInteger(), nullable=True, comment="absent while an earlier change of the same flow waits"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "webhook_id", "position", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_flow", "webhook_deliveries", ["workspace_id", "webhook_id", "flow_id", "position"]
    )
    op.create_index("ix_webhook_deliveries_next", "webhook_deliveries", ["workspace_id", "webhook_id", "next_at"])
    op.create_table(
        "webhook_attempts",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("webhook_id", BYTEWISE, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", BYTEWISE, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("flow_id", BYTEWISE, nullable=True, comment="absent for a test"),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="of the answer, where there was one"),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "webhook_id", "at", "message_id", name=op.f("pk_webhook_attempts")),
    )
    sender = op.create_table(
        "webhook_sender",
        sa.Column("name", BYTEWISE, nullable=False),
        sa.Column(
            "owner", sa.Text(), nullable=True, comment="the process that sends; absent when it has laid this down"
        ),
        sa.Column("beat", sa.BigInteger(), nullable=False, comment="goes on while the owner lives"),
        sa.Column("edition", sa.BigInteger(), nullable=False, comment="goes on with every change of a webhook"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="up to which change deliveries were made out"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_webhook_sender")),
    )
    op.bulk_insert(sender, [{"name": "webhooks", "owner": None, "beat": 0, "edition": 0, "position": 0}])


def downgrade() -> None:
    op.drop_table("webhook_sender")
    op.drop_table("webhook_attempts")
    op.drop_index("ix_webhook_deliveries_next", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_flow", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
