"""API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("digest", BYTEWISE, nullable=False, comment="SHA-256 of the key, in hex"),
        sa.Column("id", BYTEWISE, nullable=False, comment="the actor that history shows; a rotated key keeps it"),
        sa.Column("prefix", BYTEWISE, nullable=False, comment="the first characters of the key, to tell it by"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspaces", sa.Text(), nullable=False, comment="ids, separated by commas"),
        sa.Column("scopes", sa.Text(), nullable=False, comment="separated by commas"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True, comment="to the minute"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_keys")),
    )
    op.create_index("ix_api_keys_id", "api_keys", ["id"], unique=False)
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_api_keys_prefix", table_name="api_keys")
    op.drop_index("ix_api_keys_id", table_name="api_keys")
    op.drop_table("api_keys")
