"""Tickets whose merge the kept ticket has not heard of yet."""

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0021"

SCHEMA = "workflow"


def upgrade() -> None:
    """Tickets that were merged before owe nobody anything."""
    pending: sa.Column[bool] = sa.Column("join_pending", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("tickets", pending, schema=SCHEMA)
    op.create_index(
        "tickets_to_join", "tickets", ["ticket_no"], schema=SCHEMA, postgresql_where=sa.text("join_pending")
    )


def downgrade() -> None:
    """Back to merges that tell nobody."""
    op.drop_index("tickets_to_join", table_name="tickets", schema=SCHEMA)
    op.drop_column("tickets", "join_pending", schema=SCHEMA)
