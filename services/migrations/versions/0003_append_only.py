"""Triggers by which the database refuses a changed journal, verdict or audit log (invariants I7, I15)."""

from alembic import op

from services.migrations.guards import make_append_only

revision: str = "0003"
down_revision: str | None = "0002"

APPEND_ONLY = ("workflow.journal", "intake.contact_readings", "directory.audit")

REFUSE = """
CREATE FUNCTION workflow.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Finished clocks never change (semantics.md 11).
KEEP_VERDICTS = """
CREATE FUNCTION workflow.keep_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'clock % of % has its verdict', OLD.name, OLD.ticket_no USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Guard the tables by trigger, which holds for their owner too, and by right."""
    op.execute(REFUSE)
    op.execute(KEEP_VERDICTS)
    for table in APPEND_ONLY:
        make_append_only(table)
    op.execute(
        "CREATE TRIGGER keep_verdict BEFORE UPDATE ON workflow.clocks"
        " FOR EACH ROW EXECUTE FUNCTION workflow.keep_verdict()"
    )


def downgrade() -> None:
    """Take the guards away."""
    op.execute("DROP FUNCTION workflow.keep_verdict() CASCADE")
    op.execute("DROP FUNCTION workflow.refuse_change() CASCADE")
