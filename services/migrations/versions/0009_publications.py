"""Publications, how far they are, and the excuses of clocks that have their verdict."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"

# Finished clocks never change (semantics.md 11), but for the mark that a publication would have avoided a breach (19).
KEEP_VERDICTS_BUT_EXCUSE = """
CREATE OR REPLACE FUNCTION workflow.keep_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL AND (
        OLD.excused_at IS NOT NULL AND NEW IS DISTINCT FROM OLD
        OR (to_jsonb(NEW) #- '{ledger,excused_at}') - 'excused_at'
            IS DISTINCT FROM (to_jsonb(OLD) #- '{ledger,excused_at}') - 'excused_at'
    ) THEN
        RAISE EXCEPTION 'clock % of % has its verdict', OLD.name, OLD.ticket_no USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""

KEEP_VERDICTS = """
CREATE OR REPLACE FUNCTION workflow.keep_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'clock % of % has its verdict', OLD.name, OLD.ticket_no USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Make the tables; let a finished clock be excused once."""
    op.create_table(
        "publications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recalculate", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("walked_to", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("excused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=True),
        sa.Column("engine_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done')", name="publications_state"),
        sa.CheckConstraint("(state = 'done') = (finished_at IS NOT NULL)", name="publications_done_says_when"),
        sa.PrimaryKeyConstraint("id"),
        schema="workflow",
    )
    op.create_index(
        "publications_newest",
        "publications",
        [sa.literal_column("requested_at DESC"), sa.literal_column("id DESC")],
        schema="workflow",
    )
    op.create_index(
        "publications_running",
        "publications",
        ["engine_attempts", "id"],
        schema="workflow",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "publication_failures",
        sa.Column("publication_id", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["publication_id"], ["workflow.publications.id"]),
        sa.PrimaryKeyConstraint("publication_id", "ticket_no"),
        schema="workflow",
    )
    op.create_index(
        "tickets_open",
        "tickets",
        ["ticket_no"],
        schema="workflow",
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.add_column("clocks", sa.Column("excused_at", sa.DateTime(timezone=True), nullable=True), schema="workflow")
    op.execute(KEEP_VERDICTS_BUT_EXCUSE)


def downgrade() -> None:
    """Take it all back; what was excused stays in the journal."""
    op.execute(KEEP_VERDICTS)
    op.drop_column("clocks", "excused_at", schema="workflow")
    op.drop_index(
        "tickets_open", table_name="tickets", schema="workflow", postgresql_where=sa.text("status <> 'closed'")
    )
    op.drop_table("publication_failures", schema="workflow")
    op.drop_table("publications", schema="workflow")
