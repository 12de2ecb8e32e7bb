"""The life of an invitation's row. Each step is one statement that happens once, whoever races for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, LargeBinary, Text, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.notice import NoticeStanding, NoticeState
from services.contracts.survey import NotInvited, SurveyState
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.survey.metrics import count
from services.survey.tables import answers, invitations
from services.survey.times import needs_calendar, wall_length

FIRST_ATTEMPTS_CHANNEL = "survey_first"
"""Woken on commit by whoever leaves an invitation that nobody has tried to send yet."""
STARTER_CHANNEL = "survey_start"
"""Woken on commit by whoever leaves an invitation whose workflow is to start, or to hear of something."""

Row = Mapping[Any, Any]
_OPEN = (SurveyState.SCHEDULED, SurveyState.SENT)
_UNSENT = (NoticeState.NOT_SENT, NoticeState.FAILED)
_SCHEDULED = invitations.c.state == SurveyState.SCHEDULED
UNTRIED = _SCHEDULED & invitations.c.workflow_from.is_(None)
LIVING = invitations.c.done.is_(False) & (~_SCHEDULED | (invitations.c.workflow_from <= func.now()))
"""What has a workflow, or is to have one: what is on its way has none while its first try may still be under way."""


@dataclass(frozen=True)
class Sending:
    """The instant at which an invitation reached the customer, and what follows from it."""

    sent_at: datetime
    remind_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, sent_at: datetime, *, remind_at: datetime, expires_at: datetime) -> Self:
        """Nobody is reminded of what has expired."""
        return cls(sent_at, remind_at if remind_at < expires_at else None, expires_at)

    @classmethod
    def by_the_wall(cls, row: Row, sent_at: datetime) -> Self | None:
        """The instants that follow from a sending; None where only a calendar tells."""
        lengths: tuple[str, str] = (row["remind_after"], row["expires_after"])
        if any(map(needs_calendar, lengths)):
            return None
        remind_at, expires_at = (sent_at + wall_length(length) for length in lengths)
        return cls.of(sent_at, remind_at=remind_at, expires_at=expires_at)


def with_answer() -> Any:
    """Invitations, each with its answer's columns."""
    given = [column for column in answers.columns if column.name != "survey_id"]
    return select(invitations, *given).outerjoin(answers, answers.c.survey_id == invitations.c.id)


_BY_ID = RawStatement.of(with_answer().where(invitations.c.id == bindparam("survey_id", type_=Text)))
_BY_TOKEN = RawStatement.of(with_answer().where(invitations.c.token_hash == bindparam("hashed", type_=LargeBinary)))


class Standings:
    """Reads and moves invitations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, survey_id: str) -> Row | None:
        """One invitation with its answer where there is one."""
        return await _BY_ID.first(self._database, {"survey_id": survey_id})

    async def by_token(self, hashed: bytes) -> Row | None:
        """The invitation whose link has this hash, with its answer where there is one."""
        return await _BY_TOKEN.first(self._database, {"hashed": hashed})

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

    async def delivered(self, survey_id: str, standing: NoticeStanding | None) -> None:
        """The invitation's notice has come to an end. What follows is entered at once where the row and the wall tell
        it; of everything else the workflow asks. An unscheduled survey knows already.

        Whether it is entered here or by the workflow is all the same: the row takes one of the two, and has a workflow
        as soon as it is committed, where there is anything left to do.
        """
        scheduled = (invitations.c.id == survey_id) & _SCHEDULED
        async with self._database.begin() as connection:
            row = (await connection.execute(select(invitations).where(scheduled).with_for_update())).mappings().first()
            if row is None:
                return
            entered = _entered(row, standing)
            told = update(invitations).where(invitations.c.id == survey_id)
            await connection.execute(told.values(revision=row["revision"] + 1, engine_id=None, **entered))
            if not entered.get("done"):
                await wake(connection, STARTER_CHANNEL)
        if "state" in entered:
            count(entered["state"])

    async def not_sent(self, survey_id: str, reason: NotInvited) -> None:
        """The invitation did not reach the customer."""
        scheduled = (invitations.c.id == survey_id) & _SCHEDULED
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


def not_invited(standing: NoticeStanding) -> NotInvited:
    """The reason that a notice which has ended without being sent leaves its customer unasked for."""
    return NotInvited(standing.not_sent_reason) if standing.not_sent_reason else NotInvited.FAILED


def _entered(row: Row, standing: NoticeStanding | None) -> dict[str, Any]:
    """The columns that a notice's end changes. Nothing is left to do for an invitation that was not sent and that no
    workflow looks after."""
    if standing is not None and standing.state in _UNSENT:
        reason, has_workflow = not_invited(standing), row["engine_id"] is not None
        return {"state": SurveyState.NOT_SENT, "not_sent_reason": reason, "done": not has_workflow}
    sending = _sending(row, standing)
    return {"state": SurveyState.SENT, **asdict(sending)} if sending else {"workflow_from": func.now()}


def _sending(row: Row, standing: NoticeStanding | None) -> Sending | None:
    if standing is None or standing.state is not NoticeState.SENT or standing.sent_at is None:
        return None
    return Sending.by_the_wall(row, standing.sent_at)


async def lock(connection: AsyncConnection, survey_id: str) -> Row | None:
    """One invitation with its answer, held until the transaction ends.

    Locked first and read then: whoever waits for a lock on joined rows sees the answer as it was before the wait.
    """
    mine = invitations.c.id == survey_id
    await connection.execute(select(invitations.c.id).where(mine).with_for_update())
    return (await connection.execute(with_answer().where(mine))).mappings().first()
