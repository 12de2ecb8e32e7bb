"""Schemas of notify and survey."""

from alembic import op

from services.migrations.guards import make_schema

revision: str = "0004"
down_revision: str | None = "0003"

SCHEMAS = ("notify", "survey")


def upgrade() -> None:
    """Make the schemas, with the rights of the role that services work as."""
    for schema in SCHEMAS:
        make_schema(schema)


def downgrade() -> None:
    """Drop the schemas with all that is in them."""
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
