"""Statements by the driver: bounded and guarded as the pool's own, and true to the tables."""

import asyncio
import importlib
import itertools
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Text, bindparam, column, func, literal, select, table, text
from sqlalchemy.exc import DBAPIError

import services
from services.intake.feedback.insert_statement import FILE
from services.notify.alerts import worker as alerts_worker
from services.notify.notices import worker as notices_worker
from services.notify.settings import NotifySettings
from services.notify.webhooks import worker as webhooks_worker
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, among, json_text
from services.runtime.temporal.startable import StartableStatements
from services.runtime.temporal.workflow_starter import BATCH
from services.survey.invitations import startables
from services.workflow.journal.feed_items import events_behind, one_event
from services.workflow.settings import WorkflowSettings
from services.workflow.startables import open_tickets, running_publications
from tests.services.runtime.sample_app import until

NUMBER = RawStatement("SELECT CAST(:number AS integer) AS number, CAST(:given AS jsonb) AS given")


@pytest.fixture
async def lone(postgres_url: str) -> Database:
    """A pool of one connection."""
    return Database(postgres_url, pool_size=1, application_name="lone")


async def session_of(database: Database) -> int:
    return int((await RawStatement("SELECT pg_backend_pid() AS pid").one(database, {}))["pid"])


async def test_json_goes_in_as_text_and_comes_out_as_a_value(lone: Database) -> None:
    row = await NUMBER.one(lone, {"number": 3, "given": json_text({"名": [1, None]})})
    assert dict(row) == {"number": 3, "given": {"名": [1, None]}}
    await lone.dispose()


async def test_a_query_is_put_together_once_and_keeps_what_it_says_itself(lone: Database) -> None:
    chosen = select(func.concat(bindparam("word", type_=Text), literal("!")).label("said"), literal(7).label("seven"))
    statement = RawStatement.of(chosen)
    for word in ("first", "second"):
        assert dict(await statement.one(lone, {"word": word})) == {"said": f"{word}!", "seven": 7}
    await lone.dispose()


async def test_a_statement_for_some_of_many_is_planned_once(lone: Database) -> None:
    async with lone.autocommit() as connection:
        await connection.execute(text("CREATE TABLE told (name text PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO told SELECT n::text FROM generate_series(1, 1000) AS n"))
        await connection.execute(text("ANALYZE told"))
    name = column("name", Text)
    statement = RawStatement.of(select(name).select_from(table("told")).where(among(name, "names")))
    for _ in range(8):
        assert [row["name"] for row in await statement.all(lone, {"names": ["7"]})] == ["7"]
    assert len(await statement.all(lone, {"names": ["7", "8", "x"]})) == 2
    kept = RawStatement("SELECT generic_plans FROM pg_prepared_statements WHERE statement = :sql")
    assert (await kept.one(lone, {"sql": statement.sql}))["generic_plans"] > 0
    await lone.dispose()


async def test_a_pool_that_is_full_lends_its_idle_connection_again(lone: Database) -> None:
    assert await session_of(lone) == await session_of(lone)
    async with lone.begin() as connection:
        own = await connection.scalar(text("SELECT pg_backend_pid()"))
    assert await session_of(lone) == own
    await lone.dispose()


async def test_a_session_lost_while_idle_is_replaced_unnoticed(pool: Database, lone: Database) -> None:
    before = await session_of(lone)
    async with lone.read() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await RawStatement(f"SELECT pg_terminate_backend({before})").one(pool, {})

    async def hung_up() -> bool:
        return bool(driver.is_closed())

    await until(hung_up)
    assert await session_of(lone) != before
    assert lone.pool.checkedin() == 1
    await lone.dispose()


async def borrow(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("wait", [borrow, session_of])
async def test_whoever_waits_for_a_connection_gets_it_before_the_next_statement_of_another(
    lone: Database, wait: Callable[[Database], Awaitable[object]]
) -> None:
    asked = itertools.count()

    async def ask_again_and_again() -> None:
        while next(asked) < 500:
            await session_of(lone)

    asking = asyncio.create_task(ask_again_and_again())
    await asyncio.sleep(0)
    for _ in range(3):
        await wait(lone)
    assert next(asked) < 20
    await asking
    await lone.dispose()


async def test_who_gives_up_waiting_takes_nobodys_turn(lone: Database) -> None:
    async with lone.begin() as connection:
        await connection.execute(text("SELECT 1"))
        given_up = [asyncio.create_task(session_of(lone)) for _ in range(3)]
        await asyncio.sleep(0)
        for each in given_up:
            each.cancel()
        await asyncio.wait(given_up)
    assert await session_of(lone)
    await lone.dispose()


async def test_a_mistake_leaves_the_connection_to_the_next(lone: Database) -> None:
    with pytest.raises(DBAPIError):
        await RawStatement("SELECT 1 / 0").one(lone, {})
    assert await RawStatement("SELECT 1 AS one").first(lone, {}) is not None
    assert await RawStatement("SELECT 1 AS one WHERE false").first(lone, {}) is None
    await lone.dispose()


async def test_a_statement_that_is_given_up_leaves_the_connection_to_the_next(lone: Database) -> None:
    before = await session_of(lone)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await RawStatement("SELECT pg_sleep(4)").all(lone, {})
    assert (lone.pool.checkedin(), lone.turns.locked()) == (1, False)
    assert await session_of(lone) == before
    await lone.dispose()


async def test_statements_and_transactions_share_the_connections_that_there_are(postgres_url: str) -> None:
    pair = Database(postgres_url, pool_size=2)
    sleep = RawStatement("SELECT pg_sleep(0.05), pg_backend_pid() AS pid")

    async def transaction() -> int:
        async with pair.begin() as connection:
            return int((await connection.execute(text("SELECT pg_backend_pid(), pg_sleep(0.05)"))).scalar_one())

    async def statement() -> int:
        return int((await sleep.one(pair, {}))["pid"])

    sessions = await asyncio.gather(*(each() for _ in range(6) for each in (statement, transaction)))
    assert len({*sessions}) == 2
    assert (pair.pool.checkedin(), pair.turns.locked()) == (2, False)
    await pair.dispose()


async def test_one_statement_after_another_goes_over_the_same_connection(postgres_url: str) -> None:
    pair = Database(postgres_url, pool_size=2)
    await asyncio.gather(*(RawStatement("SELECT pg_sleep(0.05)").all(pair, {}) for _ in range(2)))
    async with pair.read() as connection:
        sessions = {int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())}
    sessions |= {await session_of(pair) for _ in range(4)}
    assert (pair.pool.checkedin(), len(sessions)) == (2, 1)
    await pair.dispose()


async def test_a_statement_within_a_transaction_shares_its_fate(pool: Database) -> None:
    insert = RawStatement("INSERT INTO kept VALUES (:number) RETURNING number")
    async with pool.autocommit() as connection:
        await connection.execute(text("CREATE TABLE kept (number int)"))

    async def fail() -> None:
        async with pool.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await insert.within(connection, {"number": 1})
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with pool.begin() as connection:
        await connection.execute(text("SELECT 1"))
        await insert.within(connection, {"number": 2})
    kept = await RawStatement("SELECT number FROM kept").all(pool, {})
    assert [row["number"] for row in kept] == [2]


async def test_a_statement_that_would_be_a_transaction_of_its_own_is_refused_within_one(pool: Database) -> None:
    async with pool.begin() as connection:
        with pytest.raises(RuntimeError, match="has not begun"):
            await NUMBER.within(connection, {"number": 1, "given": "null"})


async def test_every_statement_of_the_house_fits_the_migrated_tables(database: Database) -> None:
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    asked = {FILE, events_behind(100), one_event(), *_of_starters()}
    of_services = {each for each in RawStatement.known if any(f"{name}." in each.sql for name in SCHEMAS)}
    assert asked <= of_services
    async with database.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        for statement in of_services:
            await driver.prepare(statement.sql)


def _of_starters() -> Iterator[RawStatement]:
    settings, nobody = WorkflowSettings(), cast("Any", None)
    kinds = [
        open_tickets(nobody),
        running_publications(nobody, settings),
        alerts_worker.startable(nobody),
        notices_worker.startable(nobody, NotifySettings()),
        webhooks_worker.startable(nobody),
        startables.startable(nobody),
    ]
    for kind in kinds:
        statements = StartableStatements(kind, most=BATCH)
        yield from (statements.missing, statements.mark)


SCHEMAS = ("workflow", "intake", "notify", "survey", "directory")
