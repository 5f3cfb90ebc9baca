"""The checks of single columns as domains, on PostgreSQL.

A statement of PostgreSQL reads and sets up all checks of a table before it writes a row, whatever columns it changes:
a quarter of what it takes to save a flow. Those of a domain it looks at only where a value of it is written. SQLite by
itself passes over the checks of columns that stay as they are.

Types change first and checks come after, so that no row is copied, nor read: the checks that go have held for all of
them. What PostgreSQL knows of the values of a column goes with its type, and is gathered again.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BYTEWISE = 'TEXT COLLATE "C"'
ONE_TO_64 = "length({}) BETWEEN 1 AND 64"
RULES = {
    "message_flows": {
        "version": ("version", "INTEGER", "{} >= 0"),
        "workspace_id": ("workspace_id", BYTEWISE, ONE_TO_64),
        "id": ("id", BYTEWISE, ONE_TO_64),
        "name": ("name", "TEXT", "length({}) BETWEEN 1 AND 200"),
        "direction": ("direction", "TEXT", "{} IN ('INBOUND', 'OUTBOUND', 'BIDIRECTIONAL')"),
        "description": ("description", "TEXT", "length({}) <= 2000"),
        "agent": ("agent", BYTEWISE, ONE_TO_64),
        "prompt": ("prompt", "TEXT", "length({}) BETWEEN 1 AND 100000"),
        "initiation_message": ("initiation_message", "TEXT", "length({}) BETWEEN 1 AND 10000"),
        "message_channel": ("message_channel", "TEXT", "{} IN ('SMS', 'EMAIL')"),
        "delay": ("response_settings_delay", "DOUBLE PRECISION", "{} BETWEEN 0 AND 86400"),
        "start": ("response_settings_working_hours_start", "TEXT", "length({}) = 5"),
        "end": ("response_settings_working_hours_end", "TEXT", "length({}) = 5"),
        "out_of_hours_message": (
            "response_settings_working_hours_out_of_hours_message",
            "TEXT",
            "length({}) <= 2000",
        ),
        "subject_line": ("email_settings_subject_line", "TEXT", "length({}) <= 500"),
        "signature": ("email_settings_signature", "TEXT", "length({}) <= 5000"),
    },
    "message_flow_revisions": {
        "operation": ("operation", "TEXT", "{} IN ('CREATE', 'UPDATE', 'REVERT', 'DELETE', 'RESTORE', 'IMPORT')"),
        "source": ("source", "TEXT", "{} IN ('GRAPHQL', 'REST', 'CLI')"),
    },
}
"""Table -> name of the check -> its column, the type of that, and the condition."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, rules in RULES.items():
        for name, (_, kind, _) in rules.items():
            op.execute(f"CREATE DOMAIN {table}_{name} AS {kind}")
        dropped = [f"DROP CONSTRAINT ck_{table}_{name}" for name in rules]
        retyped = [f"ALTER {column} TYPE {table}_{name}" for name, (column, _, _) in rules.items()]
        op.execute(f"ALTER TABLE {table} {', '.join([*dropped, *retyped])}")
        for name, (_, _, condition) in rules.items():
            check = f"CONSTRAINT ck_{table}_{name} CHECK ({condition.format('VALUE')}) NOT VALID"
            op.execute(f"ALTER DOMAIN {table}_{name} ADD {check}")
        op.execute(f"ANALYZE {table}")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, rules in RULES.items():
        retyped = [f"ALTER {column} TYPE {kind}" for column, kind, _ in rules.values()]
        op.execute(f"ALTER TABLE {table} {', '.join(retyped)}")
        checks = [
            f"ADD CONSTRAINT ck_{table}_{name} CHECK ({condition.format(column)})"
            for name, (column, _, condition) in rules.items()
        ]
        op.execute(f"ALTER TABLE {table} {', '.join(checks)}")
        for name in rules:
            op.execute(f"DROP DOMAIN {table}_{name}")
        op.execute(f"ANALYZE {table}")
