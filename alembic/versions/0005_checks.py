"""The checks of the history without lists.

SQLite makes a table of its own for each look at a list of more than two values: a tenth of its work for an edit.
PostgreSQL does not, and keeps its checks as they are.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ALLOWED = {
    "operation": ("CREATE", "UPDATE", "REVERT", "DELETE", "RESTORE", "IMPORT"),
    "source": ("GRAPHQL", "REST", "CLI"),
}


def upgrade() -> None:
    checks = {column: " OR ".join(f"{column} = '{one}'" for one in values) for column, values in ALLOWED.items()}
    replace(checks)


def downgrade() -> None:
    replace({column: f"{column} IN {values}" for column, values in ALLOWED.items()})


def replace(checks: dict[str, str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        return
    with op.batch_alter_table("message_flow_revisions") as table:
        for column, condition in checks.items():
            name = op.f(f"ck_message_flow_revisions_{column}")
            table.drop_constraint(name, type_="check")
            table.create_check_constraint(name, condition)
