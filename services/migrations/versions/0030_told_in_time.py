"""The turn of a notice, and the entries that journals are still owed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0018"

UNTRIED = sa.text("state = 'waiting' AND NOT held AND workflow_from IS NULL")


def upgrade() -> None:
    """Give every notice a turn; what waits now keeps whether it is urgent."""
    turn = sa.Column("precedence", sa.SmallInteger(), server_default=sa.text("2"), nullable=False)
    op.add_column("notices", turn, schema="notify")
    op.execute("UPDATE notify.notices SET precedence = 1 WHERE state = 'waiting' AND urgent")
    op.drop_index("notices_untried", table_name="notices", schema="notify")
    op.create_index("notices_untried", "notices", ["precedence", "position"], schema="notify", postgresql_where=UNTRIED)
    op.create_index(
        "alert_remarks_unentered",
        "alert_remarks",
        ["alert_id"],
        schema="notify",
        postgresql_where=sa.text("entered_at IS NULL"),
    )


def downgrade() -> None:
    """Take the turns back."""
    op.drop_index("alert_remarks_unentered", table_name="alert_remarks", schema="notify")
    op.drop_index("notices_untried", table_name="notices", schema="notify")
    op.create_index(
        "notices_untried",
        "notices",
        [sa.literal_column("urgent DESC"), "position"],
        schema="notify",
        postgresql_where=UNTRIED,
    )
    op.drop_column("notices", "precedence", schema="notify")
