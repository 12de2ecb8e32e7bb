"""One schema a service, and the role that services work as."""

from alembic import op

from services.migrations.guards import make_schema

revision: str = "0001"
down_revision: str | None = None

SCHEMAS = ("intake", "workflow", "directory")

# The role belongs to the whole server and may be there already. An owner without the right to make roles goes on
# without it: services then work as the owner, and the triggers alone keep the journal append-only.
ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        CREATE ROLE bihuan_app NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'bihuan_app', 'MEMBER') THEN
        GRANT bihuan_app TO CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        RAISE NOTICE 'role bihuan_app not made or not granted: %', SQLERRM;
END $$
"""


def upgrade() -> None:
    """Make role, schemas and rights."""
    op.execute(ROLE)
    for schema in SCHEMAS:
        make_schema(schema)


def downgrade() -> None:
    """Drop the schemas with all that is in them; the role stays, other databases of the server may use it."""
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
