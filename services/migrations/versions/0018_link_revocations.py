"""Authors of the end of a customer's link."""

import sqlalchemy as sa
from alembic import op

from services.migrations.guards import make_append_only

revision: str = "0018"
down_revision: str | None = "0014"


def upgrade() -> None:
    """Make the log; its lines are never changed."""
    op.create_table(
        "link_revocations",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column(
            "revoked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoker_kind", sa.Text(), nullable=False),
        sa.Column("revoker_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_no", "generation", name=op.f("link_revocations_pkey")),
        schema="intake",
    )
    make_append_only("intake.link_revocations")


def downgrade() -> None:
    """Drop the log."""
    op.drop_table("link_revocations", schema="intake")
