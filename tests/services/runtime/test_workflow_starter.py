"""A row that lives has a workflow: whoever died, whatever was wiped, whatever the engine refuses (I2, I4)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, insert, select, text, update
from temporalio.service import RPCError, RPCStatusCode

from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow, engine_columns
from services.runtime.temporal.workflow_starter import BATCH, Starter
from tests.services.runtime.sample_app import until

CHANNEL = "rows_waiting"
metadata = MetaData()


def _table(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("word", Text),
        Column("done", Boolean, nullable=False, server_default=text("false")),
        Column("changes", Integer, nullable=False, server_default=text("0")),
        *engine_columns(),
    )


alerts, surveys = _table("alerts"), _table("surveys")


class FakeEngine:
    """An engine that remembers what was started in it."""

    def __init__(self, name: str = "first") -> None:
        self.name: str | None = name
        self.probes = 0
        self.started: list[tuple[str, str]] = []
        self.running: set[str] = set()

    async def identity(self) -> str:
        """The store's id; no answer while it is down."""
        self.probes += 1
        if self.name is None:
            raise RPCError("down", RPCStatusCode.UNAVAILABLE, b"")
        return self.name

    async def start(self, row: StartableRow) -> None:
        """Start one."""
        self.started.append((row.id, row.word))
        self.running.add(row.id)

    def kind(self, table: Table) -> Startable:
        """The kind that the starter needs to know."""
        workflows = Workflows(table.name, "queue", "{}-of-ours".format, (table.c.id,))
        columns = (table.c.id, table.c.word)
        return Startable(table, table.c.done.is_(False), table.c.id, columns, self.start, workflows=workflows)

    async def count(self, workflows: Workflows) -> int:
        """Number of workflows that run."""
        del workflows
        return len(self.running)

    async def ids(self, workflows: Workflows) -> AsyncIterator[str]:
        """Ids of the workflows that run."""
        del workflows
        for id_ in self.running:
            yield f"{id_}-of-ours"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A database with two kinds of rows."""
    store = Database(database_url)
    async with store.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield store
    await store.dispose()


def starter(store: Database, engine: FakeEngine, *, probe_seconds: float = 60) -> Starter:
    """A starter of both kinds."""
    kinds = [engine.kind(alerts), engine.kind(surveys)]
    return Starter(store, engine.identity, kinds, channel=CHANNEL, probe_seconds=probe_seconds, name="test")


async def enter(store: Database, table: Table, *ids: str, **values: Any) -> None:
    """Enter rows and wake the starter."""
    async with store.begin() as connection:
        await connection.execute(insert(table), [{"id": id_, "word": f"word of {id_}", **values} for id_ in ids])
        await wake(connection, CHANNEL)


async def engines(store: Database, table: Table) -> dict[str, str | None]:
    """The engine that each row names."""
    async with store.read() as connection:
        rows = await connection.execute(select(table.c.id, table.c.engine_id).order_by(table.c.id))
        return {row.id: row.engine_id for row in rows}


async def attempts(store: Database, id_: str) -> int:
    """Number of starts that have failed."""
    async with store.read() as connection:
        count: int = (await connection.scalars(select(alerts.c.engine_attempts).where(alerts.c.id == id_))).one()
        return count


async def test_every_living_row_of_every_kind_is_started_once(store: Database) -> None:
    engine = FakeEngine()
    await enter(store, alerts, "a1", "a2")
    await enter(store, alerts, "over", done=True)
    await enter(store, surveys, "s1")
    assert await starter(store, engine).reconcile() == 3
    assert sorted(engine.started) == [("a1", "word of a1"), ("a2", "word of a2"), ("s1", "word of s1")]
    assert await starter(store, engine).reconcile() == 0
    assert await engines(store, alerts) == {"a1": "first", "a2": "first", "over": None}


async def test_what_the_engine_has_lost_is_started_again(store: Database) -> None:
    engine = FakeEngine()
    await enter(store, alerts, "a1", "a2", "a3")
    running = Starter(
        store, engine.identity, [engine.kind(alerts)], channel=CHANNEL, probe_seconds=60, name="test", runs=engine
    )
    await running.reconcile()
    assert await running.compare() == 0
    engine.running -= {"a2", "a3"}
    async with store.begin() as connection:
        await connection.execute(update(alerts).where(alerts.c.id == "a3").values(done=True))
    assert await running.compare() == 1
    assert await running.reconcile() == 1
    assert engine.started[3:] == [("a2", "word of a2")]


async def test_more_rows_than_a_batch_are_all_started(store: Database) -> None:
    engine = FakeEngine()
    ids = [f"a{number:04}" for number in range(2 * BATCH + 1)]
    await enter(store, alerts, *ids)
    assert await starter(store, engine).reconcile() == len(ids)
    assert sorted(id_ for id_, _ in engine.started) == ids


async def test_an_engine_whose_store_is_new_gets_every_living_row_again(store: Database) -> None:
    engine = FakeEngine()
    await enter(store, alerts, "a1", "a2")
    running = starter(store, engine)
    await running.reconcile()
    async with store.begin() as connection:
        await connection.execute(update(alerts).where(alerts.c.id == "a2").values(done=True))
    engine.name = "second"
    assert await running.reconcile() == 1
    assert engine.started[2:] == [("a1", "word of a1")]
    assert await engines(store, alerts) == {"a1": "second", "a2": "first"}


@pytest.mark.parametrize("error", [RPCError("no", RPCStatusCode.INVALID_ARGUMENT, b""), ValueError()], ids=type)
async def test_a_row_that_does_not_start_holds_nobody_up_and_comes_last(store: Database, error: Exception) -> None:
    class Strict(FakeEngine):
        async def start(self, row: StartableRow) -> None:
            if row.id == "a0":
                raise error
            await super().start(row)

    engine = Strict()
    await enter(store, alerts, "a0", "a1")
    await enter(store, surveys, "s1")
    running = starter(store, engine)
    assert await running.reconcile() == 2
    assert await engines(store, alerts) == {"a0": None, "a1": "first"}
    assert REGISTRY.get_sample_value("bihuan_test_workflows_missing") == 1
    await enter(store, alerts, *(f"b{number:03}" for number in range(BATCH)))
    assert await running.reconcile() == BATCH
    assert await attempts(store, "a0") == 2


async def test_rows_wait_while_the_engine_is_down_and_start_when_it_answers(store: Database) -> None:
    engine = FakeEngine()
    engine.name = None
    await enter(store, alerts, "a1")
    running = starter(store, engine, probe_seconds=0.05)
    with pytest.raises(RPCError):
        await running.reconcile()
    assert await attempts(store, "a1") == 0
    await _until_started(running, engine, ["a1"], lambda: setattr(engine, "name", "first"))


async def test_a_new_row_is_started_when_the_channel_is_woken(store: Database) -> None:
    engine = FakeEngine()
    running = starter(store, engine)
    task = asyncio.create_task(running.run())

    async def has_started(*ids: str) -> bool:
        return [id_ for id_, _ in engine.started] == list(ids)

    await enter(store, alerts, "a1")
    await until(lambda: has_started("a1"))
    await enter(store, surveys, "s1")
    await until(lambda: has_started("a1", "s1"))
    await _cancelled(task)


async def test_the_engine_is_asked_who_it_is_at_each_probe_and_not_at_each_wake_up(store: Database) -> None:
    engine = FakeEngine()
    running = starter(store, engine)
    task = asyncio.create_task(running.run())

    async def has_started(id_: str) -> bool:
        return (id_, f"word of {id_}") in engine.started

    for id_ in ("a1", "a2", "a3"):
        await enter(store, alerts, id_)
        await until(partial(has_started, id_))
    await _cancelled(task)
    assert engine.probes == 1


async def test_what_is_started_in_a_new_engine_before_the_next_probe_is_started_again_after_it(store: Database) -> None:
    """It names the engine that answered last; so nothing counts as running that was started in one that is gone."""
    engine = FakeEngine()
    running = starter(store, engine, probe_seconds=0.5)
    await running.reconcile()
    engine.name = "second"
    await enter(store, alerts, "a1")
    task = asyncio.create_task(running.run())

    async def is_adopted() -> bool:
        return await engines(store, alerts) == {"a1": "second"}

    await until(is_adopted)
    await _cancelled(task)
    assert set(engine.started) == {("a1", "word of a1")}


@pytest.mark.parametrize("status", [RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED])
async def test_an_engine_that_falls_silent_in_a_batch_costs_no_row_its_turn(
    store: Database, status: RPCStatusCode
) -> None:
    class FallsSilent(FakeEngine):
        async def start(self, row: StartableRow) -> None:
            if self.name is None or row.id == "a1":
                self.name = None
                raise RPCError("silent", status, b"")
            await super().start(row)

    engine = FallsSilent()
    await enter(store, alerts, *(f"a{number}" for number in range(50)))
    running = starter(store, engine)
    with pytest.raises(RPCError):
        await running.reconcile()
    named = await engines(store, alerts)
    assert {id_ for id_, name in named.items() if name} == {id_ for id_, _ in engine.started}
    assert [await attempts(store, id_) for id_ in ("a1", "a49")] == [0, 0]
    assert len(engine.started) < 10


async def test_a_silent_engine_is_asked_who_it_is_before_anything_is_started_in_it_again(store: Database) -> None:
    class Silent(FakeEngine):
        async def start(self, row: StartableRow) -> None:
            if self.name == "first":
                self.name = "second"
                raise RPCError("silent", RPCStatusCode.UNAVAILABLE, b"")
            await super().start(row)

    engine = Silent()
    running = starter(store, engine)
    task = asyncio.create_task(running.run())

    async def is_probed(times: int) -> bool:
        return engine.probes == times

    await until(lambda: is_probed(1))
    await enter(store, alerts, "a1")
    await until(lambda: _is_silent(engine))
    await enter(store, alerts, "a2")

    async def all_are_adopted() -> bool:
        return await engines(store, alerts) == {"a1": "second", "a2": "second"}

    await until(all_are_adopted)
    await _cancelled(task)
    assert engine.probes == 2


async def _is_silent(engine: FakeEngine) -> bool:
    return engine.name == "second"


async def _until_started(running: Starter, engine: FakeEngine, ids: Sequence[str], then: Any) -> None:
    task = asyncio.create_task(running.run())
    then()

    async def has_started() -> bool:
        return [id_ for id_, _ in engine.started] == list(ids)

    await until(has_started)
    await _cancelled(task)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_row_that_changes_while_its_workflow_is_told_of_it_is_told_again(store: Database) -> None:
    engine = FakeEngine()
    await enter(store, alerts, "a1", "a2")

    async def change_meanwhile(row: StartableRow) -> None:
        await engine.start(row)
        if row.id == "a1" and row.word != "new":
            async with store.begin() as connection:
                changed = update(alerts).where(alerts.c.id == "a1")
                await connection.execute(changed.values(word="new", changes=alerts.c.changes + 1, engine_id=None))

    kind = replace(engine.kind(alerts), start=change_meanwhile, revision=alerts.c.changes)
    telling = Starter(store, engine.identity, [kind], channel=CHANNEL, probe_seconds=60, name="test")
    await telling.reconcile()
    assert [word for id_, word in engine.started if id_ == "a1"] == ["word of a1", "new"]
    assert [word for id_, word in engine.started if id_ == "a2"] == ["word of a2"]
    assert await engines(store, alerts) == {"a1": "first", "a2": "first"}
