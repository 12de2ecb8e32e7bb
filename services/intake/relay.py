"""The relay: hands registrations from the outbox to the workflow service, in order, at least once.

The workflow service takes a ticket number once, so a repeat harms nothing. A registration that cannot be handed over
waits longer and longer and holds up nobody else; a receiver that is away costs no registration its turn.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.feedback.queries import REGISTRATION, registration_json
from services.intake.tables import feedback, outbox, policy_snapshots
from services.runtime.errors import Refusal, Unavailable
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log

handed_over_total = Counter("bihuan_relay_handed_over_total", "Registrations handed to the workflow service.")
refused_total = Counter("bihuan_relay_refused_total", "Attempts to hand over that were refused.", ["code"])
waiting = Gauge("bihuan_relay_waiting", "Registrations that wait in the outbox.")

_CHANNEL = "intake_outbox"
_GATHERED_SECONDS = 0.1
_BATCH = 100
_LONGEST_PAUSE = timedelta(seconds=30)
_AWAY_SECONDS = 1.0
_SHORTEST_REST = 0.5
"""Rows that are due may be another relay's just now."""
_WAITING = RawStatement(
    "SELECT count(*) AS number,"
    " CAST(EXTRACT(EPOCH FROM min(next_attempt_at) - clock_timestamp()) AS double precision) AS next_due"
    " FROM intake.outbox"
)

_LOCKED = (
    select(outbox.c.id, outbox.c.ticket_no.label("outbox_no"), outbox.c.attempts)
    # Not now(): that is when this transaction began, maybe before a row that it already sees was written.
    .where(outbox.c.next_attempt_at <= func.clock_timestamp())
    .order_by(outbox.c.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_DUE = (
    select(_LOCKED, *REGISTRATION)
    .select_from(_LOCKED.outerjoin(feedback, feedback.c.ticket_no == _LOCKED.c.outbox_no))
    .outerjoin(policy_snapshots, policy_snapshots.c.digest == feedback.c.policy)
    .order_by(_LOCKED.c.id)
)
"""Rows that are due, locked, each with its registration."""
_STRIKE_OFF = RawStatement("DELETE FROM intake.outbox WHERE id = ANY(CAST(:ids AS bigint[]))")


def relay_notifier(database: Database) -> CommitNotifier:
    """Wakes the relay soon after registrations, once for all of a moment; a missed one costs its poll interval."""
    return CommitNotifier(database, _CHANNEL, gathered_seconds=_GATHERED_SECONDS)


@dataclass(frozen=True)
class Round:
    """The result of one look into the outbox: rows taken up, whether the receiver refused them all, or is away."""

    taken: int = 0
    refused: bool = False
    away: bool = False


class Relay:
    """Empties the outbox until cancelled; several may run, each row is one's at a time."""

    def __init__(self, database: Database, peer: ServiceClient, *, poll_seconds: float) -> None:
        self._database = database
        self._peer = peer
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Hand over on notice and on every poll, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._database.listen(_CHANNEL, lambda _: self._woken.set()))
            tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            rest = None
            try:
                rest = await self.drain()
            except Unavailable:
                pass
            except Exception as error:  # noqa: BLE001 - the relay outlives whatever one round meets, and says so
                log().error("relay round failed", exc_info=error)
            if rest is None:
                await asyncio.sleep(_AWAY_SECONDS)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await self._woken.wait()

    async def drain(self) -> float | None:
        """Hand over everything that is due. Returns the seconds after which to look again unwoken: when the next row is
        due, `poll_seconds` at most; None where the receiver is away.

        A batch that was refused goes again row by row, so that what one of them causes is known to be its own.
        """
        alone = 0
        while True:
            size = 1 if alone else _BATCH
            done = await self._round(size)
            alone = done.taken if done.refused and done.taken > 1 else max(alone - 1, 0)
            if not done.taken or (done.taken < size and not alone):
                break
        next_due = await self._measure()
        if done.away:
            return None
        return self._poll_seconds if next_due is None else min(max(next_due, _SHORTEST_REST), self._poll_seconds)

    async def _round(self, size: int) -> Round:
        async with self._database.begin() as connection:
            rows = (await connection.execute(_DUE, {"size": size})).all()
            if not rows:
                return Round()
            try:
                left = await self._hand_over(rows)
            except Refusal as refusal:
                return await self._postpone(connection, rows, refusal)
            await _STRIKE_OFF.within(connection, {"ids": [row.id for row in rows if row.outbox_no not in left]})
            for row in rows:
                if row.outbox_no in left:
                    await _wait_longer(connection, row, left[row.outbox_no])
        handed_over_total.inc(len(rows) - len(left))
        return Round(len(rows))

    async def _hand_over(self, rows: Sequence[Row[Any]]) -> dict[str, str]:
        """Post the registrations; return the tickets that were not taken, with the reason's code."""
        items = [registration_json(row._mapping) for row in rows if row.ticket_no is not None]
        answer = await self._peer.post("/internal/tickets", {"items": items})
        taken = {each["ticket_no"] for each in _items(answer) if each.get("registered")}
        codes = {each["ticket_no"]: str(each.get("code", "not_registered")) for each in _items(answer)}
        numbers = [row.outbox_no for row in rows]
        return {number: codes.get(number, "not_answered") for number in numbers if number not in taken}

    async def _postpone(self, connection: AsyncConnection, rows: Sequence[Row[Any]], refusal: Refusal) -> Round:
        if isinstance(refusal, Unavailable) and await self._is_away():
            return Round(away=True)
        if len(rows) == 1:
            await _wait_longer(connection, rows[0], refusal.code)
        return Round(len(rows), refused=True)

    async def _is_away(self) -> bool:
        try:
            await self._peer.ping()
        except Refusal:
            return True
        return False

    async def _measure(self) -> float | None:
        """Show how many rows wait; answers in how many seconds the first of them is due."""
        row = await _WAITING.one(self._database, {})
        waiting.set(row["number"])
        next_due: float | None = row["next_due"]
        return next_due


async def _wait_longer(connection: AsyncConnection, row: Row[Any], code: str) -> None:
    pause = min(timedelta(seconds=2.0 ** min(row.attempts, 10)), _LONGEST_PAUSE)
    refused_total.labels(code).inc()
    log().warning("registration not handed over", code=code, attempts=row.attempts + 1)
    await connection.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(attempts=row.attempts + 1, next_attempt_at=func.clock_timestamp() + pause, last_error=code)
    )


def _items(answer: Any) -> list[dict[str, Any]]:
    items = answer.get("items") if isinstance(answer, dict) else None
    return [each for each in items if isinstance(each, dict) and "ticket_no" in each] if isinstance(items, list) else []
