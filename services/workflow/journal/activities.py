"""Activities of the ticket workflow: `record`, the one way into the journal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.journal import EventType
from services.contracts.names import ACTIVITY_RECORD
from services.contracts.recording import ClockSchedule, DeadlineSchedule, RecordRequest, Schedule, apply_schedule
from services.contracts.ticket import TicketStart, TicketState
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.workflow import due_times
from services.workflow.journal.metrics import measure
from services.workflow.journal.origins import unfounded
from services.workflow.journal.stands import Stands
from services.workflow.journal.store import GENESIS, Entry, Stand, chain, entry, excuse_finished
from services.workflow.lifecycle.calls import ENGINE_BEHIND, JOURNAL_BEHIND
from services.workflow.policies.catalogue import Catalogue
from services.workflow.tables import journal, promises_in_force, tickets

failures = Counter(
    "bihuan_ticket_records_failed_total",
    "Steps not recorded at this try; they are tried for ever, so a lone one that grows is a ticket that is stuck.",
)

_FOUND = RawStatement("SELECT version, journal_hash, language FROM workflow.tickets WHERE ticket_no = :ticket_no")


class TicketActivities:
    """Writes batches of the ticket workflows' journals; `recorded` is called after each."""

    def __init__(self, database: Database, catalogue: Catalogue, recorded: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._stands = Stands()
        self._catalogue = catalogue
        self._recorded = recorded

    @activity.defn(name=ACTIVITY_RECORD)
    async def record(self, batch: RecordRequest) -> Schedule:
        """Write journal, ticket and clocks in one transaction and answer the instants to wait for.

        A batch that was written before (the answer got lost) is answered again from what is stored. Costs one statement
        where this process wrote the ticket's last batch, two where another did; where the row then stands otherwise,
        it is locked and looked at.

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
        schedule = await self._at_once(batch, pinned) or await self._attempt(batch, pinned)
        while schedule is None:
            await self._catalogue.calendars_for(pinned)
            schedule = await self._attempt(batch, pinned)
        return schedule

    async def _at_once(self, batch: RecordRequest, pinned: set[tuple[str, int]]) -> Schedule | None:
        """One statement, where the ticket's row stands as this process believes. None where it turns out to stand
        otherwise, and where something has to be read or locked first."""
        generation = self._catalogue.generation
        if generation is None or _excuses(batch):
            return None
        stand = await self._stand(batch)
        if stand is None or stand.version != _before(batch):
            return None
        calendars = self._catalogue.at_hand(pinned, generation)
        if calendars is None:
            return None
        schedule, new = _made_ready(batch, replace(stand, generation=generation), calendars)
        written = await new.statement.first(self._database, new.values)
        if written is None:
            return None
        self._finish(batch, new.stand, written)
        return schedule

    async def _stand(self, batch: RecordRequest) -> Stand | None:
        """The stand of the ticket's row as this process wrote it last, else as it is read without a lock. An empty
        batch need not know: it adds nothing to the chain."""
        if not batch.events:
            return Stand(_before(batch), None, "")
        known = self._stands.of(batch.state.ticket_no)
        return known if known and known.version == _before(batch) else await self._look(batch.state.ticket_no)

    async def _look(self, ticket_no: str) -> Stand | None:
        row = await _FOUND.first(self._database, {"ticket_no": ticket_no})
        return Stand(**row) if row else None

    async def _attempt(self, batch: RecordRequest, pinned: set[tuple[str, int]]) -> Schedule | None:
        """None when something in force has to be read first, which is no business of a transaction."""
        async with self._database.begin() as connection:
            row = (await connection.execute(_stand(batch))).one_or_none()
            before = _before(batch)
            if row is None or row.version < before:
                raise ApplicationError(f"{batch.state.ticket_no}: the journal lacks events", type=JOURNAL_BEHIND)
            if row.version > before:
                return await _answer_again(connection, batch, row)
            if row.unfounded:
                raise await _behind(connection, batch.state.ticket_no)
            calendars = self._catalogue.at_hand(pinned, row.generation)
            if calendars is None:
                return None
            schedule, new = _made_ready(batch, Stand(before, row.journal_hash, row.language), calendars)
            (written,) = await new.statement.within(connection, new.values)
            await excuse_finished(connection, batch.state.ticket_no, batch.events)
        self._finish(batch, new.stand, written)
        return schedule

    def _finish(self, batch: RecordRequest, stand: Stand, written: Mapping[str, Any]) -> None:
        if batch.state.ended:
            self._stands.forget(batch.state.ticket_no)
        else:
            self._stands.keep(batch.state.ticket_no, replace(stand, **written))
        self._recorded()
        measure(batch.events)


def _made_ready(batch: RecordRequest, stand: Stand, calendars: due_times.Calendars) -> tuple[Schedule, Entry]:
    """The instants that the state still lacks, and the batch with them. The batch itself stays as it is: another way
    may have to compute them anew."""
    clocks = [clock.model_copy() if clock.unscheduled else clock for clock in batch.state.clocks]
    deadlines = [deadline.model_copy() if deadline.at is None else deadline for deadline in batch.state.deadlines]
    state = batch.state.model_copy(update={"clocks": clocks, "deadlines": deadlines})
    schedule = due_times.schedule(state, calendars)
    apply_schedule(state, schedule)
    live = {clock.key: clock for clock in clocks}
    changed = {clock.key: live.get(clock.key, clock) for clock in batch.clocks}
    changed |= {computed.key: live[computed.key] for computed in schedule.clocks}
    timed = [(clock, {} if clock.state.live else due_times.spent(clock, calendars)) for clock in changed.values()]
    new = entry(state, batch.events, stand, timed=timed, policy=batch.policy, unpromised=batch.unpromised)
    return schedule, new


def _before(batch: RecordRequest) -> int:
    """The version at which the journal must stand."""
    return batch.state.version - len(batch.events)


def _excuses(batch: RecordRequest) -> bool:
    return any(event.type is EventType.RECALCULATED for event in batch.events)


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
    ticket_no, before = batch.state.ticket_no, _before(batch)
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
