"""Tickets that a publication's walk could not meet: received before it, handed over after it (semantics.md 19).

They were on their way while the relay or this service was down. Each is entered as one that is still to be tried.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.publication import PublicationState
from services.workflow.tables import publication_failures, publications

CAME_LATE = "came_late"
RUN_AGAIN: dict[str, Any] = {
    "state": PublicationState.RUNNING,
    "finished_at": None,
    "run": publications.c.run + 1,
    "engine_id": None,
    "engine_attempts": 0,
}
"""What makes a publication run anew, over what failed."""
_IS_DONE = publications.c.state == PublicationState.DONE


async def owe_recalculation(connection: AsyncConnection, ticket_no: str, received_at: datetime) -> None:
    """Have every publication since the receipt of a new ticket recalculate it, in the transaction that enters it.

    Whoever calls wakes the starter.
    """
    since = (publications.c.recalculate, publications.c.requested_at >= received_at)
    missed = select(publications.c.id).where(*since).order_by(publications.c.id).with_for_update()
    found = list(await connection.scalars(missed))
    if not found:
        return
    failure = {"ticket_no": ticket_no, "error": CAME_LATE, "attempts": 0, "failed_at": func.now()}
    entered = insert(publication_failures).values([{"publication_id": id_, **failure} for id_ in found])
    await connection.execute(entered.on_conflict_do_nothing())
    mine = publications.c.id.in_(found)
    await connection.execute(update(publications).where(mine).values(total=publications.c.total + 1))
    await connection.execute(update(publications).where(mine, _IS_DONE).values(RUN_AGAIN))


async def finish(connection: AsyncConnection, publication: str) -> bool:
    """Close a publication that runs; answers False where a ticket came late meanwhile: then it is to run again."""
    mine = publications.c.id == publication
    # Locked first: whoever enters a ticket holds the row, and the next statement sees what they entered.
    running = select(publications.c.id).where(mine, ~_IS_DONE).with_for_update()
    if await connection.scalar(running) is None:
        return True
    of = publication_failures.c
    untried = await connection.scalar(select(exists().where(of.publication_id == publication, of.attempts == 0)))
    done = {"state": PublicationState.DONE, "finished_at": func.now()}
    await connection.execute(update(publications).where(mine).values(RUN_AGAIN if untried else done))
    return not untried
