"""The first try of a notice, which needs no workflow."""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"


def upgrade() -> None:
    """Mark what waits now: it has its workflow already."""
    op.add_column("notices", sa.Column("workflow_from", sa.DateTime(timezone=True), nullable=True), schema="notify")
    op.execute("UPDATE notify.notices SET workflow_from = now() WHERE state = 'waiting' AND engine_id IS NOT NULL")
    op.create_index(
        "notices_untried",
        "notices",
        [sa.literal_column("urgent DESC"), "position"],
        schema="notify",
        postgresql_where=sa.text("state = 'waiting' AND NOT held AND workflow_from IS NULL"),
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_index("notices_untried", table_name="notices", schema="notify")
    op.drop_column("notices", "workflow_from", schema="notify")
