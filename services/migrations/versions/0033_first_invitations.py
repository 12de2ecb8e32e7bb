"""Invitations that are tried before they have a workflow."""

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0031"


def upgrade() -> None:
    """Leave what is on its way to the workflow that it has."""
    op.add_column("invitations", sa.Column("workflow_from", sa.DateTime(timezone=True), nullable=True), schema="survey")
    op.execute("UPDATE survey.invitations SET workflow_from = now() WHERE NOT done")
    op.create_index(
        "invitations_untried",
        "invitations",
        ["created_at"],
        schema="survey",
        postgresql_where=sa.text("state = 'scheduled' AND workflow_from IS NULL"),
    )


def downgrade() -> None:
    """Give every invitation a workflow at once."""
    op.drop_index("invitations_untried", table_name="invitations", schema="survey")
    op.drop_column("invitations", "workflow_from", schema="survey")
