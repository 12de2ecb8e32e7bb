"""Keeps the engine in step with PostgreSQL: every row that lives has exactly one workflow (invariants I2, I4).

A row names the engine that its workflow was started in. A row that names none, or an engine that is gone, is started
from what it holds; so a new row, catching up after an outage and rebuilding after the engine's store was deleted are
one and the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy import Text, any_, cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from temporalio.service import RPCError, RPCStatusCode

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import Rows
from services.runtime.telemetry import log
from services.runtime.temporal.inventory import Runs, Workflows
from services.runtime.temporal.startable import KEY, REVISION, Startable, StartableRow, StartableStatements

BATCH = 100
AT_ONCE = 8
COMPARE_SECONDS = 30.0
"""With a probe and a start besides, what was ended by hand is taken up again within a minute."""
_SILENT = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})
"""Statuses of an engine that does not answer; any other is an answer."""


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
        self._probe_at = 0.0
        self._statements = [StartableStatements(kind, self._batch) for kind in kinds]
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
        """Probe the engine and start every missing workflow once; answers how many were started.

        Raises:
            RPCError: the engine does not answer.
            Unavailable: PostgreSQL does not.
        """
        self._probe_at = 0.0  # whatever fails on the way, the next try begins here
        identity = await self._engine_identity()
        if identity != self._identity:
            await self._adopt(identity)
        elif time.monotonic() - self._compared_at >= self._compare_seconds:
            await self.compare()
        started = await self._start_missing(identity)
        counted = [await statements.count.one(self._database, {}) for statements in self._statements]
        self._missing_gauge.set(sum(row["number"] for row in counted))
        self._probe_at = time.monotonic() + self._probe_seconds
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
            started = await self._try()
        except (RPCError, Refusal) as error:
            self._probe_at = 0.0
            log().warning("workflows not started", error=type(error).__name__)
            return
        if started > 1:
            log().info("workflows started", count=started)

    async def _try(self) -> int:
        """Between two probes the engine counts as the one that answered last: what is started in another one meanwhile
        names one that is gone, and is started again after the next probe."""
        if self._identity is None or time.monotonic() >= self._probe_at:
            return await self.reconcile()
        return await self._start_missing(self._identity)

    async def _start_missing(self, identity: str) -> int:
        kinds = zip(self._kinds, self._statements, strict=True)
        return sum([await self._start_kind(kind, statements, identity) for kind, statements in kinds])

    async def _start_kind(self, kind: Startable, statements: StartableStatements, identity: str) -> int:
        """Start batch after batch. Behind a smaller one nothing waits but what has changed while it was being told."""
        started = 0
        while rows := await statements.missing.all(self._database, {}):
            done, marked = await self._start_batch(kind, statements, rows, identity)
            started += done
            if done < len(rows):
                break
            if len(rows) == self._batch:
                await asyncio.sleep(self._pause)
            elif marked == done:
                break
        return started

    async def _start_batch(
        self, kind: Startable, statements: StartableStatements, rows: Rows, identity: str
    ) -> tuple[int, int]:
        """Answers how many were started, and how many of them have not changed meanwhile.

        Raises:
            RPCError: the engine does not answer any more; what it took is marked, the others have lost no turn.
        """
        batch = _Batch(kind)
        await asyncio.gather(*map(batch.start, rows))
        outcome = {
            "identity": identity,
            "started": [row[KEY] for row in batch.started],
            "revisions": [row[REVISION] for row in batch.started] if kind.revision is not None else [],
            "failed": [row[KEY] for row in batch.failed],
        }
        entered = await statements.mark.one(self._database, outcome)
        self._started_total.inc(len(batch.started))
        if batch.silence is not None:
            raise batch.silence
        return len(batch.started), entered["marked"]


class _Batch:
    """Starts rows, so many at once, for as long as the engine answers."""

    def __init__(self, kind: Startable) -> None:
        self._kind = kind
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.started: list[Mapping[str, Any]] = []
        self.failed: list[Mapping[str, Any]] = []
        self.silence: RPCError | None = None

    async def start(self, row: Mapping[str, Any]) -> None:
        """Start one; what it raises is its own, unless the engine is away."""
        async with self._slots:
            if self.silence is not None:
                return
            try:
                await self._kind.start(StartableRow(**row))
            except Exception as error:  # noqa: BLE001 - one row that the engine refuses must not hold up the others
                self._note(row, error)
            else:
                self.started.append(row)

    def _note(self, row: Mapping[str, Any], error: Exception) -> None:
        if isinstance(error, RPCError) and error.status in _SILENT:
            self.silence = error
            return
        log().error("a workflow did not start", table=self._kind.table.name, exc_info=error)
        self.failed.append(row)


def _of(kind: Startable, keys: Sequence[str]) -> Any:
    # One array is one parameter: `IN` writes and prepares a statement for every number of them.
    return update(kind.table).where(kind.key == any_(cast(list(keys), ARRAY(Text))))


@cache
def _metrics(name: str) -> tuple[Counter, Gauge]:
    return (
        Counter(f"bihuan_{name}_workflows_started_total", "Workflows started, new or rebuilt."),
        Gauge(f"bihuan_{name}_workflows_missing", "Rows that live and whose workflow is not started in this engine."),
    )
