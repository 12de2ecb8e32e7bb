"""Alerts; on-call shifts; how staff are reached."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.runtime.postgres.commit_order import Xid8

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=True),
        sa.Column("clock_round", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ladder", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("level", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_round", sa.Integer(), nullable=False),
        sa.Column("next_round", sa.Integer(), nullable=True),
        sa.Column("next_level", sa.Integer(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exhausted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_to", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolution_note", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remarks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("news", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tx", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=True),
        sa.Column("engine_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(clock IS NULL) = (threshold = 'low_rating')", name="alerts_of_clocks_and_ratings"),
        sa.CheckConstraint(
            "(state = 'resolved') = (resolved_at IS NOT NULL AND resolution IS NOT NULL)",
            name="alerts_resolved_says_why",
        ),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'snoozed', 'resolved')", name="alerts_state"),
        sa.CheckConstraint("(next_round IS NULL) = (next_level IS NULL)", name="alerts_next_place"),
        sa.ForeignKeyConstraint(
            ["ticket_no"],
            ["notify.tickets.ticket_no"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="notify",
    )
    op.create_index("alerts_by_change", "alerts", ["tx", "id"], schema="notify")
    op.create_index(
        "alerts_by_raising",
        "alerts",
        [sa.literal_column("raised_at DESC"), sa.literal_column("id DESC")],
        schema="notify",
    )
    op.create_index(
        "alerts_by_next_step",
        "alerts",
        ["next_at"],
        schema="notify",
        postgresql_where=sa.text("NOT ended"),
    )
    op.create_index(
        "alerts_living",
        "alerts",
        ["engine_attempts", "id"],
        schema="notify",
        postgresql_where=sa.text("NOT ended"),
    )
    op.create_index(
        "alerts_once",
        "alerts",
        [
            "ticket_no",
            "cycle",
            sa.literal_column("coalesce(clock, '')"),
            sa.literal_column("coalesce(clock_round, 0)"),
            "threshold",
        ],
        unique=True,
        schema="notify",
    )
    op.create_index(
        "alerts_unresolved",
        "alerts",
        ["ticket_no"],
        schema="notify",
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "alert_remarks",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("remark", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["notify.alerts.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
        schema="notify",
    )
    op.create_index("alert_remarks_of_alert", "alert_remarks", ["alert_id", "number"], unique=True, schema="notify")
    op.create_table(
        "alert_tellings",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("rung", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["notify.alerts.id"],
        ),
        sa.PrimaryKeyConstraint("alert_id", "round", "level", "staff"),
        sa.UniqueConstraint("notice_key"),
        schema="notify",
    )
    op.create_index("alert_tellings_by_staff", "alert_tellings", ["staff", "alert_id"], schema="notify")
    op.create_table(
        "on_call",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("from_at < to_at", name=op.f("ck_on_call_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["department"], ["directory.departments.id"], name=op.f("fk_on_call_department")),
        sa.ForeignKeyConstraint(["staff"], ["directory.staff.id"], name=op.f("fk_on_call_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call")),
        sa.UniqueConstraint("position", name=op.f("uq_on_call_position")),
        schema="directory",
    )
    op.create_index("on_call_by_end", "on_call", ["to_at"], schema="directory")
    op.create_index("on_call_by_time", "on_call", ["from_at", "id"], schema="directory")
    op.add_column("departments", sa.Column("on_call_fallback", sa.Text(), nullable=True), schema="directory")
    op.add_column("staff", sa.Column("email", sa.Text(), nullable=True), schema="directory")
    op.add_column("staff", sa.Column("language", sa.Text(), nullable=True), schema="directory")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_column("staff", "language", schema="directory")
    op.drop_column("staff", "email", schema="directory")
    op.drop_column("departments", "on_call_fallback", schema="directory")
    op.drop_table("on_call", schema="directory")
    op.drop_table("alert_tellings", schema="notify")
    op.drop_table("alert_remarks", schema="notify")
    op.drop_table("alerts", schema="notify")
