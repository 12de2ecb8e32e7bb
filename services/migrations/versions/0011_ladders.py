"""Ladders as data, quiet hours, and the hours at which people are reached."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.migrations.guards import make_append_only

revision: str = "0011"
down_revision: str | None = "0010"

APPEND_ONLY = ("notify.ladders", "notify.quiet_hours")


def upgrade() -> None:
    """Make the tables and columns; versions that were written are never changed."""
    op.create_table(
        "ladders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ladders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("ladders_pkey")),
        schema="notify",
    )
    op.create_table(
        "quiet_hours",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("quiet_hours_pkey")),
        schema="notify",
    )
    op.create_table(
        "calendars_in_force",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("calendars", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("calendars_in_force_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("calendars_in_force_pkey")),
        schema="notify",
    )
    for table in APPEND_ONLY:
        make_append_only(table)
    for name in ("ladder_id", "ladder_missing", "waits_by"):
        op.add_column("alerts", sa.Column(name, sa.Text(), nullable=True), schema="notify")
    op.add_column("alerts", sa.Column("ladder_version", sa.Integer(), nullable=True), schema="notify")
    op.add_column("alerts", sa.Column("waits_from", sa.DateTime(timezone=True), nullable=True), schema="notify")
    op.create_index(
        "alerts_that_wait",
        "alerts",
        ["waits_by"],
        schema="notify",
        postgresql_where=sa.text("waits_from IS NOT NULL"),
    )
    op.add_column("notices", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True), schema="notify")
    op.add_column("departments", sa.Column("calendar", sa.Text(), nullable=True), schema="directory")
    op.add_column(
        "staff", sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True), schema="directory"
    )
    op.add_column("staff", sa.Column("time_zone", sa.Text(), nullable=True), schema="directory")


def downgrade() -> None:
    """Drop them."""
    op.drop_column("staff", "time_zone", schema="directory")
    op.drop_column("staff", "hours", schema="directory")
    op.drop_column("departments", "calendar", schema="directory")
    op.drop_column("notices", "held_until", schema="notify")
    op.drop_index(
        "alerts_that_wait",
        table_name="alerts",
        schema="notify",
        postgresql_where=sa.text("waits_from IS NOT NULL"),
    )
    for name in ("waits_from", "ladder_version", "waits_by", "ladder_missing", "ladder_id"):
        op.drop_column("alerts", name, schema="notify")
    op.drop_table("calendars_in_force", schema="notify")
    op.drop_table("quiet_hours", schema="notify")
    op.drop_table("ladders", schema="notify")
