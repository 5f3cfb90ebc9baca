"""Replays are found by a digest of what their key holds for.

As five texts that made the entry of the index so long that it was the most of what an edit under a key wrote. A
database that is taken back below this revision forgets the replays that it has: what a digest was made of cannot be
told from it.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = "message_flow_replays"
BEFORE = "message_flow_replays_before"
KEY = f"pk_{TABLE}"
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DIGEST = "left(encode(sha256(convert_to(concat_ws(chr(10), {}), 'UTF8')), 'hex'), 32)"
MOVED = "workspace_id, target, request, outcome, at"


def upgrade() -> None:
    set_aside()
    op.create_table(
        TABLE,
        sa.Column("workspace_id", BYTEWISE, nullable=False),
        sa.Column(
            "scope", BYTEWISE, nullable=False, comment="digest of workspace, actor, operation, target and the key"
        ),
        sa.Column("target", BYTEWISE, nullable=False, comment="the flow's id; empty for create and bulk"),
        *others(),
        sa.PrimaryKeyConstraint("scope", name=op.f(KEY)),
    )
    scope = "scope({})"
    if op.get_bind().dialect.name == "postgresql":
        scope = DIGEST
    else:
        op.get_bind().connection.driver_connection.create_function("scope", 5, digest, deterministic=True)
    scope = scope.format('workspace_id, actor, operation, target, "key"')
    op.execute(f"INSERT INTO {TABLE} (scope, {MOVED}) SELECT {scope}, {MOVED} FROM {BEFORE}")
    op.drop_table(BEFORE)
    op.create_index(f"ix_{TABLE}_at", TABLE, ["at"])


def downgrade() -> None:
    op.drop_index(f"ix_{TABLE}_at", table_name=TABLE)
    op.drop_table(TABLE)
    keys = ("workspace_id", "actor", "operation", "target", "key")
    op.create_table(
        TABLE,
        *(sa.Column(name, BYTEWISE, nullable=False) for name in keys),
        *others(),
        sa.PrimaryKeyConstraint(*keys, name=op.f(KEY)),
    )
    op.create_index(f"ix_{TABLE}_at", TABLE, ["at"])


def others() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("request", sa.Text(), nullable=False, comment="SHA-256 of the parsed input and guards"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="JSON: what was answered, without the flow itself"),
        sa.Column("at", sa.BigInteger(), nullable=False),
    ]


def set_aside() -> None:
    op.drop_index(f"ix_{TABLE}_at", table_name=TABLE)
    op.rename_table(TABLE, BEFORE)
    if op.get_bind().dialect.name == "postgresql":  # where no two indexes have the same name
        op.drop_constraint(KEY, BEFORE)


def digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
