"""Flows, their history, and the first answers to idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "message_flow_replays",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("actor", BYTEWISE, nullable=False),
        sa.Column("operation", BYTEWISE, nullable=False),
        sa.Column("target", BYTEWISE, nullable=False, comment="the flow's id; empty for create and bulk"),
        sa.Column("key", BYTEWISE, nullable=False),
        sa.Column("request", sa.Text(), nullable=False, comment="SHA-256 of the parsed input and guards"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="JSON: what was answered, without the flow itself"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "actor", "operation", "target", "key", name=op.f("pk_message_flow_replays")
        ),
    )
    op.create_index("ix_message_flow_replays_at", "message_flow_replays", ["at"], unique=False)
    op.create_table(
        "message_flow_revisions",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("flow_id", BYTEWISE, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False, comment="JSON: path of a leaf -> [before, after]"),
        sa.CheckConstraint(
            "operation IN ('CREATE', 'UPDATE', 'REVERT', 'DELETE', 'RESTORE', 'IMPORT')",
            name=op.f("ck_message_flow_revisions_operation"),
        ),
        sa.CheckConstraint("source IN ('GRAPHQL', 'REST', 'CLI')", name=op.f("ck_message_flow_revisions_source")),
        sa.PrimaryKeyConstraint("workspace_id", "flow_id", "version", name=op.f("pk_message_flow_revisions")),
    )
    op.create_table(
        "message_flows",
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column("id", BYTEWISE, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "deleted_at", sa.BigInteger(), nullable=True, comment="set while the flow is deleted and can be restored"
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_folded", BYTEWISE, nullable=False, comment="the name by Unicode case folding, for search and order"
        ),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("agent", BYTEWISE, nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("initiation_message", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("autopilot", sa.Boolean(), nullable=False),
        sa.Column("message_channel", sa.Text(), nullable=False),
        sa.Column("response_settings_delay", sa.Double(), nullable=False),
        sa.Column("response_settings_working_hours_enabled", sa.Boolean(), nullable=False),
        sa.Column("response_settings_working_hours_start", sa.Text(), nullable=False),
        sa.Column("response_settings_working_hours_end", sa.Text(), nullable=False),
        sa.Column("response_settings_working_hours_timezone", sa.Text(), nullable=False),
        sa.Column("response_settings_working_hours_out_of_hours_message", sa.Text(), nullable=False),
        sa.Column("security_hipaa_compliance", sa.Boolean(), nullable=False),
        sa.Column("email_settings_subject_line", sa.Text(), nullable=False),
        sa.Column("email_settings_signature", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "direction IN ('INBOUND', 'OUTBOUND', 'BIDIRECTIONAL')", name=op.f("ck_message_flows_direction")
        ),
        sa.CheckConstraint("message_channel IN ('SMS', 'EMAIL')", name=op.f("ck_message_flows_message_channel")),
        sa.CheckConstraint("length(agent) BETWEEN 1 AND 64", name=op.f("ck_message_flows_agent")),
        sa.CheckConstraint("length(description) <= 2000", name=op.f("ck_message_flows_description")),
        sa.CheckConstraint("length(email_settings_signature) <= 5000", name=op.f("ck_message_flows_signature")),
        sa.CheckConstraint("length(email_settings_subject_line) <= 500", name=op.f("ck_message_flows_subject_line")),
        sa.CheckConstraint("length(id) BETWEEN 1 AND 64", name=op.f("ck_message_flows_id")),
        sa.CheckConstraint(
            "length(initiation_message) BETWEEN 1 AND 10000", name=op.f("ck_message_flows_initiation_message")
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_message_flows_name")),
        sa.CheckConstraint("length(prompt) BETWEEN 1 AND 100000", name=op.f("ck_message_flows_prompt")),
        sa.CheckConstraint("length(response_settings_working_hours_end) = 5", name=op.f("ck_message_flows_end")),
        sa.CheckConstraint(
            "length(response_settings_working_hours_out_of_hours_message) <= 2000",
            name=op.f("ck_message_flows_out_of_hours_message"),
        ),
        sa.CheckConstraint("length(response_settings_working_hours_start) = 5", name=op.f("ck_message_flows_start")),
        sa.CheckConstraint("length(workspace_id) BETWEEN 1 AND 64", name=op.f("ck_message_flows_workspace_id")),
        sa.CheckConstraint("response_settings_delay BETWEEN 0 AND 86400", name=op.f("ck_message_flows_delay")),
        sa.CheckConstraint(
            "response_settings_working_hours_start <> response_settings_working_hours_end",
            name=op.f("ck_message_flows_window_not_empty"),
        ),
        sa.CheckConstraint("version >= 0", name=op.f("ck_message_flows_version")),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_message_flows")),
    )
    op.create_index("ix_message_flows_created", "message_flows", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("ix_message_flows_name", "message_flows", ["workspace_id", "name_folded", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_message_flows_name", table_name="message_flows")
    op.drop_index("ix_message_flows_created", table_name="message_flows")
    op.drop_table("message_flows")
    op.drop_table("message_flow_revisions")
    op.drop_index("ix_message_flow_replays_at", table_name="message_flow_replays")
    op.drop_table("message_flow_replays")
