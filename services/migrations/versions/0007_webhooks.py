"""Webhooks, what they deliver, and the departments that tickets have in the feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhook_departments",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_no"),
        schema="notify",
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("live_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column(
            "older_secrets", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("given_up", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wake_key", sa.Text(), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=True),
        sa.Column("engine_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("active = (disabled_reason IS NULL)", name="webhooks_inactive_says_why"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("position"),
        sa.UniqueConstraint("wake_key"),
        schema="notify",
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'exhausted', 'cancelled')", name="webhook_deliveries_state"
        ),
        sa.ForeignKeyConstraint(["webhook_id"], ["notify.webhooks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("position"),
        sa.UniqueConstraint("webhook_id", "event_id", name="webhook_deliveries_once"),
        schema="notify",
    )
    op.create_index("webhook_deliveries_by_age", "webhook_deliveries", ["created_at"], schema="notify")
    op.create_index("webhook_deliveries_by_webhook", "webhook_deliveries", ["webhook_id", "position"], schema="notify")
    op.create_index(
        "webhook_deliveries_exhausted",
        "webhook_deliveries",
        ["webhook_id"],
        schema="notify",
        postgresql_where=sa.text("state = 'exhausted'"),
    )
    op.create_index(
        "webhook_deliveries_waiting",
        "webhook_deliveries",
        ["webhook_id", "lane", "seq"],
        schema="notify",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "webhook_lanes",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["notify.webhooks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("webhook_id", "lane"),
        schema="notify",
    )
    op.create_index("webhook_lanes_due", "webhook_lanes", ["webhook_id", "next_try_at"], schema="notify")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("webhook_lanes", schema="notify")
    op.drop_table("webhook_deliveries", schema="notify")
    op.drop_table("webhooks", schema="notify")
    op.drop_table("webhook_departments", schema="notify")
