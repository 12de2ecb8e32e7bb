"""The kind of what somebody was given of a customer: the contact, or a link."""

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0022"


def upgrade() -> None:
    """Let the audit log say what was shown; everything before was a contact."""
    op.add_column(
        "contact_readings",
        sa.Column("what", sa.Text(), server_default="contact", nullable=False),
        schema="intake",
    )
    op.create_check_constraint(
        op.f("contact_readings_what"),
        "contact_readings",
        "what IN ('contact', 'ticket_link', 'survey_link')",
        schema="intake",
    )


def downgrade() -> None:
    """Forget the difference."""
    op.drop_constraint(op.f("contact_readings_what"), "contact_readings", schema="intake", type_="check")
    op.drop_column("contact_readings", "what", schema="intake")
