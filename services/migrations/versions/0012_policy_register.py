"""Authors of policies and calendars, and the retirement of policies."""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    """Add the columns; what was stored before names nobody."""
    for table in ("policies", "calendars"):
        op.add_column(table, sa.Column("created_by", sa.Text(), nullable=True), schema="workflow")
    op.add_column("policy_order", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True), schema="workflow")


def downgrade() -> None:
    """Take the columns away; retired policies apply again."""
    op.drop_column("policy_order", "retired_at", schema="workflow")
    for table in ("calendars", "policies"):
        op.drop_column(table, "created_by", schema="workflow")
