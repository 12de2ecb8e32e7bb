"""Alerts whose first step is taken with their raising, and that the engine is told of as of one row."""

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0025"

NOT_ENDED = sa.text("NOT ended")


def upgrade() -> None:
    """Say with the engine's id alone which alerts the engine is still to be told of."""
    op.execute("UPDATE notify.alerts SET engine_id = '' WHERE ended AND engine_id IS NULL")
    op.drop_index("alerts_living", table_name="alerts", schema="notify")
    op.drop_index("alerts_by_next_step", table_name="alerts", schema="notify")
    for name in ("news", "missed_at", "ended"):
        op.drop_column("alerts", name, schema="notify")
    op.create_index(
        "alerts_untold_to_engine",
        "alerts",
        ["engine_attempts", "next_at", "id"],
        schema="notify",
        postgresql_where=sa.text("engine_id IS NULL"),
    )
    op.create_index(
        "alerts_by_next_step",
        "alerts",
        ["next_at"],
        schema="notify",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Count again what workflows were told."""
    op.drop_index("alerts_by_next_step", table_name="alerts", schema="notify")
    op.drop_index("alerts_untold_to_engine", table_name="alerts", schema="notify")
    ended: sa.Column[bool] = sa.Column("ended", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("alerts", ended, schema="notify")
    op.add_column("alerts", sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True), schema="notify")
    news: sa.Column[int] = sa.Column("news", sa.Integer(), server_default=sa.text("0"), nullable=False)
    op.add_column("alerts", news, schema="notify")
    op.execute("UPDATE notify.alerts SET ended = true WHERE state = 'resolved' AND next_at IS NULL")
    op.create_index("alerts_by_next_step", "alerts", ["next_at"], schema="notify", postgresql_where=NOT_ENDED)
    op.create_index("alerts_living", "alerts", ["engine_attempts", "id"], schema="notify", postgresql_where=NOT_ENDED)
