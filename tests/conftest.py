"""A real PostgreSQL for the whole run, and a fresh migrated database for every test that asks."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from services import migrations
from services.runtime.database import Database
from services.runtime.stack.ports import free_port
from services.runtime.stack.postgres import SUPERUSER, Postgres
from services.runtime.stack.programs import end, spawn

# The same examples in every ordinary run; the nightly one looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True)
if not os.environ.get("BIHUAN_NIGHTLY"):
    hypothesis.settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Give every run a folder of its own: pytest's shared one is closed, by the next run that begins, to the account
    that PostgreSQL runs under when root runs the tests."""
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="bihuan-tests-")
        config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


OWNER, APP, TEMPLATE = "bihuan", "bihuan_app", "bihuan_template"
PASSWORD = secrets.token_urlsafe(16)
# A test database need not survive the machine; a quarter of a test run goes into waiting for the disk otherwise.
NOT_DURABLE = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A running server without a database; stopped at the end of the run, however that comes."""
    home = tmp_path_factory.mktemp("postgres")
    server = Postgres(home / "postgres", free_port(), PASSWORD, home / "postgres.log", home, NOT_DURABLE)
    server.prepare()
    program = server.program()
    process = await spawn(program)
    try:
        await wait_for(server)
        yield server
    finally:
        await end(process, program)


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    """The name of a database with every migration applied, to copy from."""
    await postgres.provide(TEMPLATE, OWNER, {OWNER: PASSWORD, APP: PASSWORD})
    await migrations.upgrade(postgres.url(OWNER, PASSWORD, TEMPLATE))
    return TEMPLATE


@asynccontextmanager
async def _copy(postgres: Postgres, template: str) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    administrator = await asyncpg.connect(postgres.url(SUPERUSER, PASSWORD, "postgres"))
    await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{OWNER}"')
    try:
        yield postgres.url(OWNER, PASSWORD, name)
    finally:
        await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await administrator.close()


@pytest.fixture(scope="session")
def fresh_database(postgres: Postgres, template: str) -> Callable[[], AbstractAsyncContextManager[str]]:
    """Makes databases with all tables, for fixtures that outlive a test; each is dropped when its block ends."""
    return lambda: _copy(postgres, template)


@pytest.fixture
async def database_url(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """The address, as its owner, of a fresh database with all tables."""
    async with _copy(postgres, template) as url:
        yield url


@pytest.fixture(scope="session")
async def shared_database(postgres: Postgres, template: str) -> AsyncIterator[Database]:
    """One database for tests that keep out of each other's way by themselves."""
    async with _copy(postgres, template) as url:
        database = Database(url, role=APP, application_name="tests")
        yield database
        await database.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database with the rights that services have."""
    database = Database(database_url, role=APP, application_name="tests")
    yield database
    await database.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A place for a stack of its own."""
    return tmp_path / "home"


async def wait_for(server: Postgres) -> None:
    """Return when the server answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await server.ping()
            except OSError:
                await asyncio.sleep(0.05)
