"""Activities of a publication's workflow: recalculate the next tickets, and say in its row how far it is.

A ticket that was recalculated before (the answer got lost, the worker died) is told by its journal, so each is changed
and counted once.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from services.contracts.names import ACTIVITY_FINISH, ACTIVITY_RECALCULATE
from services.contracts.policy import PolicySnapshot
from services.contracts.publication import BatchDone, BatchRequest, Recalculation
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import Status
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.workflow.client import EngineUnavailable, NoWorkflow, Refused, TicketEngine
from services.workflow.journal import owed_recalculations
from services.workflow.policies.catalogue import Catalogue
from services.workflow.publications import trial as trials
from services.workflow.publications.publications import IS_OPEN
from services.workflow.reconciliation import Reconciler
from services.workflow.tables import clocks, journal, publication_failures, publications, tickets
from services.workflow.wake_channels import STARTER_CHANNEL

AT_ONCE = 4
LIMIT = timedelta(seconds=8)
TRIES = 5
PAUSE_SECONDS = 0.2
_HOPELESS = frozenset({"engine_unavailable", "not_computable"})
"""Errors that trying again at once does not mend."""
_log = logging.getLogger(__name__)

recalculated_total = Counter(
    "bihuan_tickets_recalculated_total", "Open tickets that publications took, by what became of them.", ["outcome"]
)


@dataclass(frozen=True)
class Outcome:
    """The outcome for one ticket."""

    ticket_no: str
    changed: bool = False
    excused: int = 0
    error: str | None = None


class PublicationActivities:
    """Recalculates tickets through their workflows."""

    def __init__(self, database: Database, catalogue: Catalogue, engine: TicketEngine) -> None:
        self._database = database
        self._catalogue = catalogue
        self._engine = engine
        self._reconciler = Reconciler(database, engine)

    @activity.defn(name=ACTIVITY_RECALCULATE)
    async def recalculate(self, batch: BatchRequest) -> BatchDone:
        """Take the next tickets: those behind the last one taken, or, later, those that have failed so far."""
        if batch.attempt > 1:
            return await self._again(batch)
        async with self._database.read() as connection:
            mine = publications.c.id == batch.publication
            walked_to = await connection.scalar(select(publications.c.walked_to).where(mine))
            behind = select(tickets.c.ticket_no).where(IS_OPEN, tickets.c.ticket_no > walked_to)
            found = list(await connection.scalars(behind.order_by(tickets.c.ticket_no).limit(batch.size)))
        outcomes = await self._take(batch.publication, found)
        async with self._database.begin() as connection:
            if outcomes and await _walk(connection, batch.publication, walked_to or "", outcomes):
                await _note_failures(connection, batch, outcomes)
                await _strike_off(connection, batch.publication, outcomes)
            failed = await connection.scalar(_failures(batch.publication)) or 0
        return BatchDone(taken=len(found), more=len(found) == batch.size, failed=failed)

    @activity.defn(name=ACTIVITY_FINISH)
    async def finish(self, publication: str) -> None:
        """Close the publication's row; what failed stays listed, and may be tried again. What came late is tried."""
        async with self._database.begin() as connection:
            if not await owed_recalculations.finish(connection, publication):
                await wake(connection, STARTER_CHANNEL)

    async def _again(self, batch: BatchRequest) -> BatchDone:
        failures = publication_failures.c
        mine = (failures.publication_id == batch.publication, failures.attempts < batch.attempt)
        query = select(failures.ticket_no).where(*mine).order_by(failures.ticket_no).limit(batch.size)
        async with self._database.read() as connection:
            found = list(await connection.scalars(query))
        outcomes = await self._take(batch.publication, found)
        async with self._database.begin() as connection:
            await _note_failures(connection, batch, outcomes)
            await _count_recovered(connection, batch.publication, outcomes)
            failed = await connection.scalar(_failures(batch.publication)) or 0
        return BatchDone(taken=len(found), more=len(found) == batch.size, failed=failed)

    async def _take(self, publication: str, numbers: list[str]) -> list[Outcome]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def take(ticket_no: str) -> Outcome:
            async with slots:
                outcome = await self._recalculate(publication, ticket_no)
            activity.heartbeat()
            return outcome

        outcomes = await asyncio.gather(*map(take, numbers))
        for outcome in outcomes:
            recalculated_total.labels(_label(outcome)).inc()
        return list(outcomes)

    async def _recalculate(self, publication: str, ticket_no: str) -> Outcome:
        """Compute what follows from the ticket's present state and have its workflow do it; anew if it has changed."""
        error = "always_changing"
        for _ in range(TRIES):
            done = await self._entered(publication, ticket_no)
            if done is not None:
                return done
            told, error = await self._tell(publication, ticket_no)
            if told:
                return await self._entered(publication, ticket_no) or Outcome(ticket_no)
            if error in _HOPELESS:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return Outcome(ticket_no, error=error)

    async def _tell(self, publication: str, ticket_no: str) -> tuple[bool, str]:
        """Whether the ticket lives by what is in force now; otherwise why not."""
        trial, row = await self._trial(), await self._row(ticket_no)
        if row.ended or row.status == Status.CLOSED:
            return True, ""
        try:
            asked = _asked(row, trial, publication)
        except (ValueError, LookupError, ArithmeticError):
            # One ticket with which something is wrong must not hold up all that come behind it.
            _log.exception("a ticket cannot be recalculated", extra={"ticket_no": ticket_no})
            return False, "not_computable"
        if asked is None:
            return True, ""
        try:
            await self._engine.recalculate(ticket_no, asked, LIMIT)
        except Refused:
            return False, "always_changing"
        except EngineUnavailable:
            return False, "engine_unavailable"
        except NoWorkflow:
            if row.engine_id is not None:
                await self._reconciler.release(ticket_no)
            return False, "no_workflow"
        return True, ""

    async def _trial(self) -> trials.Trial:
        in_force = await self._catalogue.in_force()
        promises = in_force.promises
        return trials.Trial(promises.policies, in_force.calendars, in_force.calendars, promises.generation)

    async def _row(self, ticket_no: str) -> "_StoredTicket":
        columns = (tickets.c.state, tickets.c.policy, tickets.c.status, tickets.c.ended, tickets.c.engine_id)
        late = (clocks.c.ticket_no == ticket_no, clocks.c.ended_at.is_not(None), clocks.c.breached_at.is_not(None))
        async with self._database.read() as connection:
            row = (await connection.execute(select(*columns).where(tickets.c.ticket_no == ticket_no))).one()
            finished = list(await connection.scalars(select(clocks.c.ledger).where(*late)))
        return _StoredTicket(*row, finished)

    async def _entered(self, publication: str, ticket_no: str) -> Outcome | None:
        """The outcome that the ticket's journal holds of this publication."""
        mine = (journal.c.command_id == publication, journal.c.ticket_no == ticket_no)
        data = await self._database.scalar(select(journal.c.data).where(*mine).limit(1))
        return Outcome(ticket_no, changed=True, excused=len(data["excused"])) if data is not None else None


@dataclass(frozen=True)
class _StoredTicket:
    """A ticket as it is stored, with those of its finished clocks that were breached."""

    state: Any
    policy: Any
    status: str
    ended: bool
    engine_id: str | None
    finished: Sequence[Any]


def _asked(row: _StoredTicket, trial: trials.Trial, publication: str) -> Recalculation | None:
    """The recalculation for the ticket's workflow; None where there is nothing to tell."""
    ticket = trials.Tried(
        TicketState.model_validate(row.state),
        PolicySnapshot.model_validate(row.policy) if row.policy else None,
        [Clock.model_validate(clock) for clock in row.finished],
    )
    asked = trials.recalculation(ticket, trial, datetime.now(UTC), publication)
    return asked if trials.changes_anything(ticket, asked) else None


async def _walk(connection: AsyncConnection, publication: str, before: str, outcomes: list[Outcome]) -> bool:
    """Enter that these tickets were taken, unless somebody else has entered it."""
    values = {"walked_to": outcomes[-1].ticket_no, **_counted(outcomes)}
    mine = (publications.c.id == publication, publications.c.walked_to == before)
    return bool((await connection.execute(update(publications).where(*mine).values(values))).rowcount)


async def _note_failures(connection: AsyncConnection, batch: BatchRequest, outcomes: list[Outcome]) -> None:
    failed = [
        {
            "publication_id": batch.publication,
            "ticket_no": outcome.ticket_no,
            "error": outcome.error,
            "attempts": batch.attempt,
            "failed_at": datetime.now(UTC),
        }
        for outcome in outcomes
        if outcome.error is not None
    ]
    if not failed:
        return
    statement = insert(publication_failures)
    changes = {name: statement.excluded[name] for name in ("error", "attempts", "failed_at")}
    key = [column.name for column in publication_failures.primary_key]
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), failed)


async def _count_recovered(connection: AsyncConnection, publication: str, outcomes: list[Outcome]) -> None:
    """Count what failed before and is done now; each ticket once, because it leaves the list by it."""
    values = _counted(await _strike_off(connection, publication, outcomes))
    await connection.execute(update(publications).where(publications.c.id == publication).values(values))


def _counted(outcomes: list[Outcome]) -> dict[str, Any]:
    """The publication's figures with these tickets."""
    done = publications.c.done + sum(outcome.error is None for outcome in outcomes)
    return {
        "done": done,
        "total": func.greatest(publications.c.total, done),
        "changed": publications.c.changed + sum(outcome.changed for outcome in outcomes),
        "excused": publications.c.excused + sum(outcome.excused for outcome in outcomes),
    }


async def _strike_off(connection: AsyncConnection, publication: str, outcomes: list[Outcome]) -> list[Outcome]:
    """Take what is done off the list of what is still to be tried; answers what stood there."""
    well = {outcome.ticket_no: outcome for outcome in outcomes if outcome.error is None}
    failures = publication_failures.c
    gone = delete(publication_failures).where(
        failures.publication_id == publication, failures.ticket_no.in_(list(well))
    )
    return [well[number] for number in await connection.scalars(gone.returning(failures.ticket_no))]


def _failures(publication: str) -> Any:
    failures = publication_failures.c
    return select(func.count()).select_from(publication_failures).where(failures.publication_id == publication)


def _label(outcome: Outcome) -> str:
    if outcome.error is not None:
        return "failed"
    return "changed" if outcome.changed else "unchanged"
