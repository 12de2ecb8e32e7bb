"""Activities of the ticket workflow: `record`, the one way into the journal."""

from collections.abc import Callable
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.names import ACTIVITY_RECORD
from services.contracts.recording import ClockSchedule, DeadlineSchedule, RecordRequest, Schedule, apply_schedule
from services.contracts.ticket import TicketStart, TicketState
from services.runtime.postgres.database import Database
from services.workflow import due_times
from services.workflow.journal.metrics import measure
from services.workflow.journal.origins import unfounded
from services.workflow.journal.store import GENESIS, chain, excuse_finished, write_clocks, write_journal, write_ticket
from services.workflow.lifecycle.calls import ENGINE_BEHIND, JOURNAL_BEHIND
from services.workflow.policies.catalogue import Catalogue
from services.workflow.tables import journal, promises_in_force, tickets

failures = Counter(
    "bihuan_ticket_records_failed_total",
    "Steps not recorded at this try; they are tried for ever, so a lone one that grows is a ticket that is stuck.",
)


class TicketActivities:
    """Writes batches of the ticket workflows' journals; `recorded` is called after each."""

    def __init__(self, database: Database, catalogue: Catalogue, recorded: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._catalogue = catalogue
        self._recorded = recorded

    @activity.defn(name=ACTIVITY_RECORD)
    async def record(self, batch: RecordRequest) -> Schedule:
        """Write journal, ticket and clocks in one transaction and answer the instants to wait for.

        A batch that was written before (the answer got lost) is answered again from what is stored. Costs four
        statements.

        Raises:
            ApplicationError: `engine_behind` with the stored state, when the journal knows more than the workflow, or
                the workflow a command that is not stored, or that the journal holds already;
                `journal_behind`, retried, when it knows less.
        """
        try:
            return await self._write(batch)
        except Exception:
            failures.inc()
            raise

    async def _write(self, batch: RecordRequest) -> Schedule:
        pinned = due_times.needs_calendar(batch.state, batch.clocks)
        schedule = await self._attempt(batch, pinned)
        while schedule is None:
            await self._catalogue.calendars_for(pinned)
            schedule = await self._attempt(batch, pinned)
        return schedule

    async def _attempt(self, batch: RecordRequest, pinned: set[tuple[str, int]]) -> Schedule | None:
        """None when something in force has to be read first, which is no business of a transaction."""
        async with self._database.begin() as connection:
            row = (await connection.execute(_stand(batch))).one_or_none()
            before = batch.state.version - len(batch.events)
            if row is None or row.version < before:
                raise ApplicationError(f"{batch.state.ticket_no}: the journal lacks events", type=JOURNAL_BEHIND)
            if row.version > before:
                return await _answer_again(connection, batch, row)
            if row.unfounded:
                raise await _behind(connection, batch.state.ticket_no)
            calendars = self._catalogue.at_hand(pinned, row.generation)
            if calendars is None:
                return None
            schedule = await _enter(connection, batch, row, calendars)
        self._recorded()
        measure(batch.events)
        return schedule


async def _enter(
    connection: AsyncConnection, batch: RecordRequest, row: Any, calendars: due_times.Calendars
) -> Schedule:
    """Write the batch behind what the journal holds, with the instants that it still lacked."""
    schedule = due_times.schedule(batch.state, calendars)
    apply_schedule(batch.state, schedule)
    live = {clock.key: clock for clock in batch.state.clocks}
    scheduled = {clock.key for clock in schedule.clocks}
    changed = {clock.key: live.get(clock.key, clock) for clock in batch.clocks}
    changed |= {key: live[key] for key in scheduled}
    finished = {key: due_times.spent(clock, calendars) for key, clock in changed.items() if not clock.state.live}
    last_hash = await write_journal(connection, batch.state.ticket_no, batch.events, row.journal_hash)
    await write_clocks(connection, batch.state.ticket_no, tuple(changed.values()), finished)
    await excuse_finished(connection, batch.state.ticket_no, batch.events)
    await write_ticket(
        connection,
        batch.state,
        batch.events,
        language=row.language,
        journal_hash=last_hash,
        policy=batch.policy,
        unpromised=batch.unpromised,
    )
    return schedule


def _stand(batch: RecordRequest) -> Any:
    ticket_no = batch.state.ticket_no
    columns = (tickets.c.version, tickets.c.journal_hash, tickets.c.language)
    generation = func.coalesce(select(promises_in_force.c.generation).scalar_subquery(), 0).label("generation")
    strange = unfounded(ticket_no, batch.events).label("unfounded")
    return select(*columns, generation, strange).where(tickets.c.ticket_no == ticket_no).with_for_update(of=tickets)


async def _answer_again(connection: AsyncConnection, batch: RecordRequest, row: Any) -> Schedule:
    if row.version == batch.state.version and await _is_written(connection, batch, row.journal_hash):
        return _instants_of((await _stored(connection, batch.state.ticket_no)).state)
    raise await _behind(connection, batch.state.ticket_no)


async def _stored(connection: AsyncConnection, ticket_no: str) -> TicketStart:
    mine = tickets.c.ticket_no == ticket_no
    kept = (await connection.execute(select(tickets.c.state, tickets.c.policy).where(mine))).one()
    return TicketStart.stored(kept.state, kept.policy)


async def _behind(connection: AsyncConnection, ticket_no: str) -> ApplicationError:
    """The workflow holds what the journal does not: it starts again from what is stored."""
    start = await _stored(connection, ticket_no)
    return ApplicationError(
        f"{ticket_no}: the journal is ahead of its workflow",
        start.model_dump(mode="json"),
        type=ENGINE_BEHIND,
        non_retryable=True,
    )


async def _is_written(connection: AsyncConnection, batch: RecordRequest, last_hash: bytes) -> bool:
    """Whether the journal's last events are those of the batch, and not as many others."""
    ticket_no, before = batch.state.ticket_no, batch.state.version - len(batch.events)
    query = select(journal.c.hash).where(journal.c.ticket_no == ticket_no, journal.c.seq == before)
    last = await connection.scalar(query) or GENESIS
    for event in batch.events:
        last = chain(last, ticket_no, event)
    return last == last_hash


def _instants_of(stored: TicketState) -> Schedule:
    return Schedule(
        clocks=tuple(
            ClockSchedule(
                key=clock.key, due_at=clock.due_at, warn_at=clock.warn_at, calendar_version=clock.calendar_version or 1
            )
            for clock in stored.clocks
            if clock.due_at is not None or clock.calendar_version is not None
        ),
        deadlines=tuple(
            DeadlineSchedule(name=deadline.name, at=deadline.at, reminders=deadline.reminders)
            for deadline in stored.deadlines
            if deadline.at is not None
        ),
    )
