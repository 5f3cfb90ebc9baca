"""The tables, as Alembic makes them: flat columns, one a leaf; instants are milliseconds since 1970 (UTC)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
)

NAMING = {
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
METADATA = MetaData(naming_convention=NAMING)

# Compared byte by byte, as SQLite does by itself: the same order on both databases.
BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")

FLOWS = Table(
    "message_flows",
    METADATA,
    Column("workspace_id", BYTEWISE, primary_key=True),
    Column("id", BYTEWISE, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_slot", BigInteger, nullable=False, comment="updated_at >> 20 (17 minutes); the database makes it"),
    Column("deleted_at", BigInteger, comment="set while the flow is deleted and can be restored"),
    Column("name", Text, nullable=False),
    Column("name_folded", BYTEWISE, nullable=False, comment="the name by Unicode case folding, for search and order"),
    Column("direction", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("agent", BYTEWISE, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("initiation_message", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("autopilot", Boolean, nullable=False),
    Column("message_channel", Text, nullable=False),
    Column("response_settings_delay", Double, nullable=False),
    Column("response_settings_working_hours_enabled", Boolean, nullable=False),
    Column("response_settings_working_hours_start", Text, nullable=False),
    Column("response_settings_working_hours_end", Text, nullable=False),
    Column("response_settings_working_hours_timezone", Text, nullable=False),
    Column("response_settings_working_hours_out_of_hours_message", Text, nullable=False),
    Column("security_hipaa_compliance", Boolean, nullable=False),
    Column("email_settings_subject_line", Text, nullable=False),
    Column("email_settings_signature", Text, nullable=False),
    # On PostgreSQL the checks of one column are those of a domain: it would set up a table's for every save.
    CheckConstraint("version >= 0", name="version"),
    CheckConstraint("length(workspace_id) BETWEEN 1 AND 64", name="workspace_id"),
    CheckConstraint("length(id) BETWEEN 1 AND 64", name="id"),
    CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("direction IN ('INBOUND', 'OUTBOUND', 'BIDIRECTIONAL')", name="direction"),
    CheckConstraint("length(description) <= 2000", name="description"),
    CheckConstraint("length(agent) BETWEEN 1 AND 64", name="agent"),
    CheckConstraint("length(prompt) BETWEEN 1 AND 100000", name="prompt"),
    CheckConstraint("length(initiation_message) BETWEEN 1 AND 10000", name="initiation_message"),
    CheckConstraint("message_channel IN ('SMS', 'EMAIL')", name="message_channel"),
    CheckConstraint("response_settings_delay BETWEEN 0 AND 86400", name="delay"),
    CheckConstraint("length(response_settings_working_hours_start) = 5", name="start"),
    CheckConstraint("length(response_settings_working_hours_end) = 5", name="end"),
    CheckConstraint(
        "response_settings_working_hours_start <> response_settings_working_hours_end", name="window_not_empty"
    ),
    CheckConstraint(
        "length(response_settings_working_hours_out_of_hours_message) <= 2000", name="out_of_hours_message"
    ),
    CheckConstraint("length(email_settings_subject_line) <= 500", name="subject_line"),
    CheckConstraint("length(email_settings_signature) <= 5000", name="signature"),
)
Index("ix_message_flows_created", FLOWS.c.workspace_id, FLOWS.c.created_at, FLOWS.c.id)
# Not of the time itself: each save would write that index, and on PostgreSQL all others too. Rows of a slot are sorted.
Index("ix_message_flows_updated", FLOWS.c.workspace_id, FLOWS.c.updated_slot)
Index("ix_message_flows_name", FLOWS.c.workspace_id, FLOWS.c.name_folded, FLOWS.c.id)

# No foreign key to message_flows: a revision is only ever written by the statement that writes its flow,
# and PostgreSQL would look the flow up and lock it once more for each.
REVISIONS = Table(
    "message_flow_revisions",
    METADATA,
    Column("workspace_id", BYTEWISE, primary_key=True),
    Column("flow_id", BYTEWISE, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("operation", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("request_id", Text),
    Column("note", Text),
    Column("changes", Text, nullable=False, comment="JSON: path of a leaf -> [before, after]"),
    # One stream over all workspaces; a number is never given twice, and those of a flow follow its versions.
    Column("position", BigInteger, Identity(), nullable=False),
    # Without IN: for each look at a list of more than two values SQLite makes a table of its own.
    CheckConstraint(
        "operation = 'CREATE' OR operation = 'UPDATE' OR operation = 'REVERT'"
        " OR operation = 'DELETE' OR operation = 'RESTORE' OR operation = 'IMPORT'",
        name="operation",
    ),
    CheckConstraint("source = 'GRAPHQL' OR source = 'REST' OR source = 'CLI'", name="source"),
)
# The workspace stands in the index too, so that a reader of one workspace passes over the others without their rows.
Index("ix_message_flow_revisions_position", REVISIONS.c.position, REVISIONS.c.workspace_id)

# One row.
STREAM = Table(
    "message_flow_stream",
    METADATA,
    Column("name", BYTEWISE, primary_key=True, comment="tells the stream of this database from any other"),
    Column("pruned", BigInteger, nullable=False, comment="the highest position that was ever removed"),
)

REPLAYS = Table(
    "message_flow_replays",
    METADATA,
    Column("workspace_id", BYTEWISE, nullable=False),
    # One short text instead of five: most of what an edit under a key writes would be the entry of their index.
    Column("scope", BYTEWISE, primary_key=True, comment="digest of workspace, actor, operation, target and the key"),
    Column("target", BYTEWISE, nullable=False, comment="the flow's id; empty for create and bulk"),
    Column("request", Text, nullable=False, comment="SHA-256 of the parsed input and guards"),
    Column("outcome", Text, nullable=False, comment="JSON: what was answered, without the flow itself"),
    Column("at", BigInteger, nullable=False),
)
Index("ix_message_flow_replays_at", REPLAYS.c.at)


KEYS = Table(
    "api_keys",
    METADATA,
    Column("digest", BYTEWISE, primary_key=True, comment="SHA-256 of the key, in hex"),
    Column("id", BYTEWISE, nullable=False, comment="the actor that history shows; a rotated key keeps it"),
    Column("prefix", BYTEWISE, nullable=False, comment="the first characters of the key, to tell it by"),
    Column("name", Text, nullable=False),
    Column("workspaces", Text, nullable=False, comment="ids, separated by commas"),
    Column("scopes", Text, nullable=False, comment="separated by commas"),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger, comment="to the minute"),
)
Index("ix_api_keys_id", KEYS.c.id)
Index("ix_api_keys_prefix", KEYS.c.prefix)


WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("workspace_id", BYTEWISE, primary_key=True),
    Column("id", BYTEWISE, primary_key=True),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("events", Text, nullable=False, comment="separated by commas"),
    Column("secret", Text, nullable=False, comment="as it is: messages are signed with it"),
    Column("created_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False, comment="up to which change deliveries were made out"),
    Column("is_behind", Boolean, nullable=False, comment="whether the sender has to catch up from its position"),
    Column("old_secret", Text),
    Column("old_secret_until", BigInteger, comment="until when messages are signed with both"),
    Column("parked_at", BigInteger, comment="set while nothing is sent because the endpoint is dead"),
    Column("parked_because", Text),
)

# The changes that are still to be told, one row a webhook and change; what they say stands in the history.
DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("workspace_id", BYTEWISE, primary_key=True),
    Column("webhook_id", BYTEWISE, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("flow_id", BYTEWISE, nullable=False),
    Column("version", Integer, nullable=False),
    Column("operation", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("next_at", BigInteger, comment="absent while an earlier change of the same flow waits"),
    Column(
        "changed_at",
        BigInteger,
        comment="goes into the id of the message; absent where it did not when the delivery was made out",
    ),
)
_MINE = (DELIVERIES.c.workspace_id, DELIVERIES.c.webhook_id)
Index("ix_webhook_deliveries_flow", *_MINE, DELIVERIES.c.flow_id, DELIVERIES.c.position)
# With the position, which orders those that became due at once: it may be all that wait.
Index("ix_webhook_deliveries_next", *_MINE, DELIVERIES.c.next_at, DELIVERIES.c.position)

ATTEMPTS = Table(
    "webhook_attempts",
    METADATA,
    Column("workspace_id", BYTEWISE, primary_key=True),
    Column("webhook_id", BYTEWISE, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BYTEWISE, primary_key=True),
    Column("event", Text, nullable=False),
    Column("flow_id", BYTEWISE, comment="absent for a test"),
    Column("version", Integer),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", Integer, comment="of the answer, where there was one"),
    Column("ms", Integer, nullable=False),
)

SENDER = Table(
    "webhook_sender",
    METADATA,
    Column("name", BYTEWISE, primary_key=True),
    Column("owner", Text, comment="the process that sends; absent when it has laid this down"),
    Column("beat", BigInteger, nullable=False, comment="goes on while the owner lives"),
    Column("edition", BigInteger, nullable=False, comment="goes on with every change of a webhook"),
    Column("position", BigInteger, nullable=False, comment="up to which change deliveries were made out"),
)
"""The one row that says who sends for all webhooks of the database."""


def owned(table: Table) -> ColumnElement[bool]:
    """The first condition of every statement: workspaces never meet. Binds `workspace`."""
    return table.c.workspace_id == bindparam("workspace", type_=table.c.workspace_id.type)
