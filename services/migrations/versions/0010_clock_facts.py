"""Facts applied to a clock, beside its verdict (semantics.md 11)."""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"

# Clocks that were stored before tell it in their ledgers.
FILL = """
UPDATE workflow.clocks SET
    priority = ledger ->> 'priority', policy = ledger ->> 'policy',
    policy_version = CAST(ledger ->> 'policy_version' AS integer)
"""


def upgrade() -> None:
    """Add the columns and fill them; the guard of verdicts would refuse that for finished clocks."""
    op.add_column("clocks", sa.Column("priority", sa.Text(), nullable=True), schema="workflow")
    op.add_column("clocks", sa.Column("policy", sa.Text(), nullable=True), schema="workflow")
    op.add_column("clocks", sa.Column("policy_version", sa.Integer(), nullable=True), schema="workflow")
    op.execute("ALTER TABLE workflow.clocks DISABLE TRIGGER keep_verdict")
    op.execute(FILL)
    op.execute("ALTER TABLE workflow.clocks ENABLE TRIGGER keep_verdict")
    for name in ("priority", "policy", "policy_version"):
        op.alter_column("clocks", name, nullable=False, schema="workflow")


def downgrade() -> None:
    """Take the columns away."""
    for name in ("policy_version", "policy", "priority"):
        op.drop_column("clocks", name, schema="workflow")
