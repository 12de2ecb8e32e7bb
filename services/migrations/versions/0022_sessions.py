"""Ends of staff sessions before their tokens expire."""

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0030"


def upgrade() -> None:
    """Count the generations of sessions of each member of staff, and keep which ones were signed out."""
    op.add_column(
        "staff",
        sa.Column("session_generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="directory",
    )
    op.add_column("staff", sa.Column("kept_session", sa.Text(), nullable=True), schema="directory")
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["directory.staff.id"], name=op.f("fk_ended_sessions_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_sessions")),
        sa.UniqueConstraint("position", name=op.f("uq_ended_sessions_position")),
        schema="directory",
    )


def downgrade() -> None:
    """Forget them: signed-out tokens count again until they expire."""
    op.drop_table("ended_sessions", schema="directory")
    op.drop_column("staff", "kept_session", schema="directory")
    op.drop_column("staff", "session_generation", schema="directory")
