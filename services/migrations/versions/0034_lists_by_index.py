"""Lists that people work from, found and counted in indexes."""

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"

DUE: list[str | sa.TextClause] = [sa.text("next_due_at NULLS LAST"), "ticket_no"]


def upgrade() -> None:
    """Find tickets by phase and by owner, and what is due next without a look at the rows."""
    op.drop_index("tickets_by_next_due", table_name="tickets", schema="workflow")
    op.create_index("tickets_by_next_due", "tickets", DUE, schema="workflow", postgresql_include=["status"])
    op.create_index("tickets_by_phase", "tickets", ["phase"], schema="workflow")
    op.create_index(
        "tickets_by_owner", "tickets", ["owner"], schema="workflow", postgresql_where=sa.text("status <> 'closed'")
    )
    op.create_index(
        "tickets_shared",
        "tickets",
        ["ticket_no"],
        schema="workflow",
        postgresql_where=sa.text("status <> 'closed' AND co_owners <> '{}'"),
    )


def downgrade() -> None:
    """Look at the rows again."""
    for name in ("tickets_shared", "tickets_by_owner", "tickets_by_phase", "tickets_by_next_due"):
        op.drop_index(name, table_name="tickets", schema="workflow")
    op.create_index("tickets_by_next_due", "tickets", DUE, schema="workflow")
