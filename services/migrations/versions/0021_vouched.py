"""Whether somebody answers for who a sender is, and lookups of whole contacts in the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0027"

CONTACTS = sa.text("'{phone,email,wechat_open_id}'")
LOOKUP = sa.text("what = 'lookup'")
WHAT = "contact", "ticket_link", "survey_link"


def _allow(*what: str) -> None:
    """Say what a line of the audit log can be about."""
    name = op.f("contact_readings_what")
    op.drop_constraint(name, "contact_readings", schema="intake", type_="check")
    op.create_check_constraint(name, "contact_readings", f"what IN {what}", schema="intake")


def upgrade() -> None:
    """Vouch for what is stored, but for what came by the public form; let the audit log tell of lookups."""
    known: sa.Column[list[str]] = sa.Column(
        "vouched", postgresql.ARRAY(sa.Text()), server_default=CONTACTS, nullable=False
    )
    op.add_column("customers", known, schema="intake")
    op.alter_column("customers", "vouched", server_default=sa.text("'{}'"), schema="intake")
    told: sa.Column[bool] = sa.Column("vouched", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    op.add_column("feedback", told, schema="intake")
    op.alter_column("feedback", "vouched", server_default=sa.text("false"), schema="intake")
    op.execute("UPDATE intake.feedback SET vouched = false WHERE caller = 'anonymous'")
    _allow(*WHAT, "lookup")
    op.alter_column("contact_readings", "customer_id", nullable=True, schema="intake")
    op.create_index(
        "contact_lookups_by_reader",
        "contact_readings",
        ["reader_kind", "reader_id", "read_at"],
        schema="intake",
        postgresql_where=LOOKUP,
    )


def downgrade() -> None:
    """Forget who vouched, and the lookups."""
    op.drop_index("contact_lookups_by_reader", table_name="contact_readings", schema="intake")
    op.execute("DELETE FROM intake.contact_readings WHERE what = 'lookup'")
    _allow(*WHAT)
    op.alter_column("contact_readings", "customer_id", nullable=False, schema="intake")
    op.drop_column("feedback", "vouched", schema="intake")
    op.drop_column("customers", "vouched", schema="intake")
