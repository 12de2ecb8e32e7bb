"""A real PostgreSQL for the whole run, and a fresh migrated database for every test that asks."""

import asyncio
import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from temporalio.testing import WorkflowEnvironment

from services import migrations
from services.runtime.postgres.database import Database
from services.runtime.stack.postgres import Postgres
from services.runtime.stack.programs import end, spawn
from tests.database_copies import Copies, copies_of
from tests.engine import NAMESPACES, local_engine
from tests.ports import free_port
from tests.rings import mark
from tests.scheduling import FromBothEnds

pytest_plugins = ("tests.patience",)

# Until everything is imported and collected: all of it stays, and looks through it take a third of that time.
gc.disable()

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FromBothEnds:
    """Files stay whole, for what a module's tests share is made once, and in the order of `rings`."""
    config.option.loadscopereorder = False
    return FromBothEnds(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow rings; those that wait for processes come first, those that compute last."""
    mark(items)


def pytest_collection_finish() -> None:
    """Look for garbage only among what tests make: every look at all that was imported costs a tenth of a run."""
    gc.freeze()
    gc.enable()


OWNER, APP, TEMPLATE = "bihuan", "bihuan_app", "bihuan_template"
PASSWORD = secrets.token_urlsafe(16)
# A test database need not survive the machine; a quarter of a test run goes into waiting for the disk otherwise.
NOT_DURABLE = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords at a thousandth of the usual cost; processes of their own keep the usual one."""
    cheap = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHash, "recommended", lambda: PasswordHash((cheap,)))
        yield


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


@pytest.fixture(scope="session")
async def copies(postgres: Postgres, template: str) -> AsyncIterator[Copies]:
    """Lend databases."""
    async with copies_of(postgres, template, OWNER) as copies:
        yield copies


@pytest.fixture(scope="session")
def fresh_database(postgres: Postgres, copies: Copies) -> Callable[[], AbstractAsyncContextManager[str]]:
    """Makes databases with all tables, for fixtures that outlive a test; each is gone when its block ends."""

    @asynccontextmanager
    async def fresh() -> AsyncIterator[str]:
        async with copies.lent() as name:
            yield postgres.url(OWNER, PASSWORD, name)

    return fresh


@pytest.fixture
async def database_url(fresh_database: Callable[[], AbstractAsyncContextManager[str]]) -> AsyncIterator[str]:
    """The address, as its owner, of a fresh database with all tables."""
    async with fresh_database() as url:
        yield url


@pytest.fixture(scope="session")
async def shared_database(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Database]:
    """One database for tests that keep out of each other's way by themselves."""
    async with fresh_database() as url:
        database = Database(url, role=APP, application_name="tests")
        yield database
        await database.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database with the rights that services have."""
    database = Database(database_url, role=APP, application_name="tests")
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server for whole systems, each in a namespace of its own."""
    async with await local_engine(*NAMESPACES) as started:
        yield started


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
