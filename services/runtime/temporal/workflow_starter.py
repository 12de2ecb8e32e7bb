"""Keeps the engine in step with PostgreSQL: every row that lives has exactly one workflow (invariants I2, I4).

A row names the engine that its workflow was started in. A row that names none, or an engine that is gone, is started
from what it holds; so a new row, catching up after an outage and rebuilding after the engine's store was deleted are
one and the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy import Column, ColumnElement, Integer, Row, Table, Text, any_, cast, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from temporalio.service import RPCError

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log
from services.runtime.temporal.inventory import Runs, Workflows

BATCH = 100
AT_ONCE = 8
COMPARE_SECONDS = 30.0
"""With a probe and a start besides, what was ended by hand is taken up again within a minute."""


@dataclass(frozen=True)
class Startable:
    """A kind of row that has a workflow as long as it is `living`.

    `table` has the columns of `engine_columns`; `key` is its primary key, of text; `columns` are what `start` reads.
    `start` starts the workflow or attaches to the one that runs. Whatever it raises concerns its row alone, which
    comes last the next time. Where `start` tells a running workflow what the row says (a signal), `revision` counts
    the row's changes, each of which sets `engine_id` to null: what changed while it was being told is told again.
    `order` says which come first where there are many; else their keys do. `workflows` says how the engine knows them.
    """

    table: Table
    living: ColumnElement[bool]
    key: Column[str]
    columns: tuple[Column[Any], ...]
    start: Callable[[Row[Any]], Awaitable[None]]
    revision: Column[int] | None = None
    order: Column[Any] | None = None
    workflows: Workflows | None = None

    @property
    def first(self) -> Column[Any]:
        """By what those that are started first are known."""
        return self.key if self.order is None else self.order

    @property
    def missing(self) -> ColumnElement[bool]:
        """Rows that live and have no workflow."""
        return self.living & self.table.c.engine_id.is_(None)


def engine_columns() -> tuple[Column[str], Column[int]]:
    """The columns of a table whose rows have workflows."""
    return (
        Column("engine_id", Text),
        Column("engine_attempts", Integer, nullable=False, server_default=text("0")),
    )


class Starter:
    """Starts the workflows that are missing; runs beside a worker, `per_second` of them where there are many.

    With `runs` it also asks every `compare_seconds` whether the engine still has what was started in it.
    `name` is the beginning of its metrics' names: `bihuan_<name>_workflows_started_total` and `..._missing`.
    """

    def __init__(
        self,
        database: Database,
        identity: Callable[[], Awaitable[str]],
        kinds: Sequence[Startable],
        *,
        channel: str,
        probe_seconds: float,
        name: str,
        per_second: int | None = None,
        runs: Runs | None = None,
        compare_seconds: float = COMPARE_SECONDS,
    ) -> None:
        self._database = database
        self._engine_identity = identity
        self._kinds = kinds
        self._channel = channel
        self._probe_seconds = probe_seconds
        self._batch = per_second or BATCH
        self._pause = 1.0 if per_second else 0.0
        self._runs = runs
        self._compare_seconds = compare_seconds
        self._compared_at = time.monotonic()
        self._started_total, self._missing_gauge = _metrics(name)
        self._woken = asyncio.Event()
        self._identity: str | None = None

    async def run(self) -> None:
        """Start what is missing now, whenever the channel is woken, and after every probe; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.listen(self._channel, lambda _: self._woken.set()))
            while True:
                await self._try_once()
                try:
                    async with asyncio.timeout(self._probe_seconds):
                        await self._woken.wait()
                except TimeoutError:
                    continue
                finally:
                    self._woken.clear()

    async def reconcile(self) -> int:
        """Start every missing workflow once; answers how many were started.

        Raises:
            RPCError: the engine does not answer.
            Unavailable: PostgreSQL does not.
        """
        identity = await self._engine_identity()
        if identity != self._identity:
            await self._adopt(identity)
        elif time.monotonic() - self._compared_at >= self._compare_seconds:
            await self.compare()
        started = sum([await self._start_kind(kind, identity) for kind in self._kinds])
        self._missing_gauge.set(await self._count_missing())
        return started

    async def compare(self) -> int:
        """Release rows whose workflow the engine no longer runs; answers how many.

        Raises:
            RPCError: the engine does not answer.
            Unavailable: PostgreSQL does not.
        """
        self._compared_at = time.monotonic()
        return sum([await self._release_lost(kind.workflows, kind) for kind in self._kinds if kind.workflows])

    async def _release_lost(self, workflows: Workflows, kind: Startable) -> int:
        if self._runs is None:
            return 0
        here = kind.living & (kind.table.c.engine_id == self._identity)
        if workflows.expected is not None:
            here &= workflows.expected
        async with self._database.read() as connection:
            living = await connection.scalar(select(func.count()).select_from(kind.table).where(here))
            if living == await self._runs.count(workflows):
                return 0
            rows = (await connection.execute(select(kind.key, *workflows.columns).where(here))).all()
        running = {id_ async for id_ in self._runs.ids(workflows)}
        lost = [key for key, *names in rows if workflows.id_of(*names) not in running]
        async with self._database.begin() as connection:
            await connection.execute(_of(kind, lost).where(here).values(engine_id=None))
        return len(lost)

    async def _adopt(self, identity: str) -> None:
        """Forget workflows that were started in another engine, whose store is gone, or with another key."""
        for kind in self._kinds:
            if kind.workflows and self._runs and await self._is_elsewhere(kind, identity):
                async for _ in self._runs.ids(kind.workflows):
                    pass  # listing ends what bears the name and was not started with this key
        async with self._database.begin() as connection:
            for kind in self._kinds:
                gone = update(kind.table).where(kind.living, kind.table.c.engine_id != identity)
                await connection.execute(gone.values(engine_id=None))
        self._identity = identity

    async def _is_elsewhere(self, kind: Startable, identity: str) -> bool:
        elsewhere = select(kind.key).where(kind.living, kind.table.c.engine_id != identity).limit(1)
        async with self._database.read() as connection:
            return await connection.scalar(elsewhere) is not None

    async def _try_once(self) -> None:
        try:
            started = await self.reconcile()
        except (RPCError, Refusal) as error:
            log().warning("workflows not started", error=type(error).__name__)
            return
        if started > 1:
            log().info("workflows started", count=started)

    async def _start_kind(self, kind: Startable, identity: str) -> int:
        started = 0
        while rows := await self._missing(kind):
            done = await self._start_all(kind, rows, identity)
            started += done
            if done < len(rows):
                break
            if len(rows) == self._batch:
                await asyncio.sleep(self._pause)
        return started

    async def _missing(self, kind: Startable) -> Sequence[Row[Any]]:
        told = kind.key if kind.revision is None else kind.revision
        query = select(kind.key.label("startable_key"), told.label("startable_revision"), *kind.columns)
        query = query.where(kind.missing)
        query = query.order_by(kind.table.c.engine_attempts, kind.first, kind.key).limit(self._batch)
        async with self._database.read() as connection:
            return (await connection.execute(query)).all()

    async def _count_missing(self) -> int:
        counts = [select(func.count()).select_from(kind.table).where(kind.missing) for kind in self._kinds]
        query = select(*(count.scalar_subquery() for count in counts))
        async with self._database.read() as connection:
            return sum((await connection.execute(query)).one())

    async def _start_all(self, kind: Startable, rows: Sequence[Row[Any]], identity: str) -> int:
        slots = asyncio.Semaphore(AT_ONCE)

        async def start(row: Row[Any]) -> bool:
            async with slots:
                return await _start(kind, row)

        done = await asyncio.gather(*map(start, rows))
        started = [row for row, is_started in zip(rows, done, strict=True) if is_started]
        failed = [row.startable_key for row, is_started in zip(rows, done, strict=True) if not is_started]
        async with self._database.begin() as connection:
            if started:
                await connection.execute(_unchanged(kind, started).values(engine_id=identity))
            if failed:
                await connection.execute(_of(kind, failed).values(engine_attempts=kind.table.c.engine_attempts + 1))
        self._started_total.inc(len(started))
        return len(started)


async def _start(kind: Startable, row: Row[Any]) -> bool:
    try:
        await kind.start(row)
    except Exception:  # noqa: BLE001 - one row that the engine refuses must not hold up the others
        log().exception("a workflow did not start", table=kind.table.name)
        return False
    return True


def _unchanged(kind: Startable, rows: Sequence[Row[Any]]) -> Any:
    if kind.revision is None:
        return _of(kind, [row.startable_key for row in rows])
    told = [(row.startable_key, row.startable_revision) for row in rows]
    return update(kind.table).where(tuple_(kind.key, kind.revision).in_(told))


def _of(kind: Startable, keys: Sequence[str]) -> Any:
    # One array is one parameter: `IN` writes and prepares a statement for every number of them.
    return update(kind.table).where(kind.key == any_(cast(list(keys), ARRAY(Text))))


@cache
def _metrics(name: str) -> tuple[Counter, Gauge]:
    return (
        Counter(f"bihuan_{name}_workflows_started_total", "Workflows started, new or rebuilt."),
        Gauge(f"bihuan_{name}_workflows_missing", "Rows that live and whose workflow is not started in this engine."),
    )
