"""The life of an invitation's row. Each step is one statement that happens once, whoever races for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.survey import NotInvited, SurveyState
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.survey.metrics import count
from services.survey.tables import answers, invitations

STARTER_CHANNEL = "survey_start"
"""Woken on commit by whoever leaves an invitation whose workflow is to start, or to hear of something."""

Row = Mapping[Any, Any]
_OPEN = (SurveyState.SCHEDULED, SurveyState.SENT)


@dataclass(frozen=True)
class Sending:
    """The instant at which an invitation reached the customer, and what follows from it."""

    sent_at: datetime
    remind_at: datetime | None
    expires_at: datetime


class Standings:
    """Reads and moves invitations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, *mine: ColumnElement[bool]) -> Row | None:
        """The one invitation for which this holds, with its answer where there is one."""
        async with self._database.read() as connection:
            return (await connection.execute(with_answer().where(*mine))).mappings().first()

    async def sent(self, survey_id: str, sending: Sending) -> None:
        """The invitation reached the customer; an answer or a withdrawal that came first stays what it is."""
        move = (
            update(invitations)
            .where(invitations.c.id == survey_id, invitations.c.sent_at.is_(None))
            .values(
                state=case((invitations.c.state == SurveyState.SCHEDULED, SurveyState.SENT), else_=invitations.c.state),
                **asdict(sending),
            )
        )
        await self._move(move, "sent")

    async def delivered(self, survey_id: str) -> None:
        """The invitation's notice has come to an end; the workflow asks how. An unscheduled survey knows already."""
        scheduled = (invitations.c.id == survey_id) & (invitations.c.state == SurveyState.SCHEDULED)
        told = update(invitations).where(scheduled).values(revision=invitations.c.revision + 1, engine_id=None)
        async with self._database.begin() as connection:
            if (await connection.execute(told)).rowcount:
                await wake(connection, STARTER_CHANNEL)

    async def not_sent(self, survey_id: str, reason: NotInvited) -> None:
        """The invitation did not reach the customer."""
        scheduled = (invitations.c.id == survey_id) & (invitations.c.state == SurveyState.SCHEDULED)
        move = update(invitations).where(scheduled).values(state=SurveyState.NOT_SENT, not_sent_reason=reason)
        await self._move(move, "not_sent")

    async def reminded(self, survey_id: str, at: datetime) -> None:
        """The customer was reminded."""
        unreminded = (invitations.c.id == survey_id) & invitations.c.reminded_at.is_(None)
        await self._move(update(invitations).where(unreminded).values(reminded_at=at), "reminded")

    async def expired(self, survey_id: str, at: datetime) -> None:
        """Nobody answered in time; what was answered or withdrawn meanwhile stays what it is."""
        still_sent = (invitations.c.id == survey_id) & (invitations.c.state == SurveyState.SENT)
        move = update(invitations).where(still_sent).values(state=SurveyState.EXPIRED, expired_at=at)
        await self._move(move, "expired")

    async def done(self, survey_id: str, revision: int) -> bool:
        """Everything that follows from `revision` has been done; False when there is a newer one."""
        same = (invitations.c.id == survey_id) & (invitations.c.revision == revision)
        same &= invitations.c.state.not_in(_OPEN)
        async with self._database.begin() as connection:
            return (await connection.execute(update(invitations).where(same).values(done=True))).rowcount > 0

    async def _move(self, statement: Any, event: str) -> None:
        async with self._database.begin() as connection:
            moved = (await connection.execute(statement)).rowcount
        count(event, moved)


def with_answer() -> Any:
    """Invitations, each with its answer's columns."""
    given = [column for column in answers.columns if column.name != "survey_id"]
    return select(invitations, *given).outerjoin(answers, answers.c.survey_id == invitations.c.id)


async def lock(connection: AsyncConnection, survey_id: str) -> Row | None:
    """One invitation with its answer, held until the transaction ends.

    Locked first and read then: whoever waits for a lock on joined rows sees the answer as it was before the wait.
    """
    mine = invitations.c.id == survey_id
    await connection.execute(select(invitations.c.id).where(mine).with_for_update())
    return (await connection.execute(with_answer().where(mine))).mappings().first()
