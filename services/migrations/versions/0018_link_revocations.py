"""Authors of the end of a customer's link."""

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0014"

REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON intake.link_revocations FROM bihuan_app;
    END IF;
END $$
"""


def upgrade() -> None:
    """Make the log; its lines are never changed."""
    op.create_table(
        "link_revocations",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column(
            "revoked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoker_kind", sa.Text(), nullable=False),
        sa.Column("revoker_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_no", "generation", name=op.f("link_revocations_pkey")),
        schema="intake",
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON intake.link_revocations"
        " FOR EACH ROW EXECUTE FUNCTION workflow.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON intake.link_revocations"
        " FOR EACH STATEMENT EXECUTE FUNCTION workflow.refuse_change()"
    )
    op.execute(REVOKE)


def downgrade() -> None:
    """Drop the log."""
    op.drop_table("link_revocations", schema="intake")
