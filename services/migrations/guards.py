"""Statements that several migrations share: schemas with the services' rights, and tables that are only added to."""

from alembic import op

_RIGHTS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        GRANT USAGE ON SCHEMA {schema} TO bihuan_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO bihuan_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, USAGE ON SEQUENCES TO bihuan_app;
    END IF;
END $$
"""
_REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM bihuan_app;
    END IF;
END $$
"""


def make_schema(schema: str) -> None:
    """Make a schema, with the rights of the role that services work as."""
    op.execute(f"CREATE SCHEMA {schema}")
    op.execute(_RIGHTS.format(schema=schema))


def make_append_only(table: str) -> None:
    """Guard a table by trigger, which holds for its owner too, and by right."""
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION workflow.refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION workflow.refuse_change()"
    )
    op.execute(_REVOKE.format(table=table))
