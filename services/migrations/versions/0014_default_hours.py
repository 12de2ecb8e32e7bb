"""The calendar by which a ticket is promised: when its alerts reach whoever has no hours of their own."""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"


def upgrade() -> None:
    """Unknown until the feed tells of the ticket again: until then its alerts wait for nobody, as before."""
    op.add_column("tickets", sa.Column("calendar", sa.Text(), nullable=True), schema="notify")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("tickets", "calendar", schema="notify")
