"""Schemas of notify and survey."""

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"

SCHEMAS = ("notify", "survey")

RIGHTS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        GRANT USAGE ON SCHEMA {schema} TO bihuan_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO bihuan_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, USAGE ON SEQUENCES TO bihuan_app;
    END IF;
END $$
"""


def upgrade() -> None:
    """Make the schemas, with the rights of the role that services work as."""
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
        op.execute(RIGHTS.format(schema=schema))


def downgrade() -> None:
    """Drop the schemas with all that is in them."""
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
