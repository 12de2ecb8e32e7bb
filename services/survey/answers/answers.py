"""Recording answers: one a survey, whoever sends it and however often (semantics.md 25, 26; invariant I13)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import format_instant
from services.contracts.permissions import Principal
from services.contracts.survey import UNDELIVERED, Answer, NotInvited, Overall, SurveyState
from services.runtime.errors import Forbidden, NotFound
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, json_text
from services.survey.answers.refusals import AlreadyAnswered, AnsweredElsewhere, SurveyClosed
from services.survey.metrics import count
from services.survey.states import STARTER_CHANNEL, Row, lock
from services.survey.tables import answers, invitations
from services.survey.times import wall_length
from services.survey.wording import WORDING

UNANSWERED = "unanswered"
_GIVEN = ("changed_at", *Answer.model_fields, "low")
_FIRST_SQL = """
WITH told AS (
    UPDATE survey.invitations
    SET state = :answered, answered_at = CAST(:now AS timestamptz), not_sent_reason = NULL,
        revision = revision + 1, done = false, engine_id = NULL
    WHERE id = :survey_id AND revision = :revision AND state = :state AND answered_at IS NULL
    RETURNING id
), given AS (
    INSERT INTO survey.answers (survey_id, {columns})
    SELECT told.id, {given} FROM told, jsonb_populate_record(NULL::survey.answers, :answer) AS given
)
SELECT pg_notify(:channel, '') FROM told
"""
_FIRST = RawStatement(_FIRST_SQL.format(columns=", ".join(_GIVEN), given=", ".join(f"given.{name}" for name in _GIVEN)))
"""One statement for the first answer to a survey that still is as it was read; without a row, it is not."""


class AnswerOutcome(StrEnum):
    """The outcome of an answer that was sent."""

    ANSWERED = "answered"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    """The same content again: a reload, a double tap."""


@dataclass(frozen=True)
class Answering:
    """Records answers within the caller's transaction."""

    edit_window: timedelta
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def by_customer(
        self, connection: AsyncConnection, survey_id: str, answer: Answer, basis: str | None = None
    ) -> AnswerOutcome:
        """Record what came by the survey's link; within the edit window, another content replaces the first. `basis` is
        what the form was drawn from, where one was.

        Raises:
            SurveyClosed: expired or withdrawn.
            AlreadyAnswered: final, or taken by phone.
            AnsweredElsewhere: there is an answer that the form did not show.
        """
        row, now = await _locked(connection, survey_id), self.now()
        if row["answered_at"] is None:
            self.require_open(row, now)
            await _record(connection, row, answer, now)
            return AnswerOutcome.ANSWERED
        if answer_of(row) == answer:
            return AnswerOutcome.UNCHANGED
        if not self.may_change(row, now):
            raise AlreadyAnswered
        if basis not in {None, basis_of(row)}:
            raise AnsweredElsewhere
        await _change(connection, row, answer, now)
        return AnswerOutcome.CHANGED

    async def first(self, database: Database, row: Row, answer: Answer) -> bool:
        """Record the first answer that came by the link of a survey, as it was read a moment ago; False where there is
        an answer already, or the survey has changed since: `by_customer` then looks at it again.

        Raises:
            SurveyClosed: as `by_customer`.
        """
        if row["answered_at"] is not None:
            return False
        now = self.now()
        self.require_open(row, now)
        given = json_text({"changed_at": now, **_columns(answer)})
        as_read = {"survey_id": row["id"], "revision": row["revision"], "state": row["state"]}
        entered = {"answered": SurveyState.ANSWERED, "now": now, "answer": given, "channel": STARTER_CHANNEL}
        told = await _FIRST.first(database, {**as_read, **entered})
        if told is not None:
            count(AnswerOutcome.ANSWERED)
        return told is not None

    async def by_staff(
        self, connection: AsyncConnection, survey_id: str, answer: Answer, caller: Principal
    ) -> AnswerOutcome:
        """Record what a customer said on the phone, marked as such.

        Raises:
            Forbidden: the caller's own work, or they are whom the complaint is about.
            SurveyClosed, AlreadyAnswered: as for customers; here the first answer is final.
        """
        row, now = await _locked(connection, survey_id), self.now()
        refuse_own(row, caller)
        if row["answered_at"] is not None:
            if row["recorded_by"] == caller.id and answer_of(row) == answer:
                return AnswerOutcome.UNCHANGED
            raise AlreadyAnswered
        self.require_open(row, now)
        await _record(connection, row, answer, now, caller)
        return AnswerOutcome.ANSWERED

    def may_change(self, row: Row, now: datetime) -> bool:
        """Whether the answer may still be changed by the link that gave it."""
        return row["recorded_by"] is None and bool(now <= row["answered_at"] + self.edit_window)

    def require_open(self, row: Row, now: datetime) -> None:
        """Refuse a survey that takes no answer any more. Who was never reached may answer all the same."""
        state = SurveyState(row["state"])
        if state is SurveyState.WITHDRAWN:
            raise SurveyClosed(code="survey_withdrawn")
        if state is SurveyState.NOT_SENT and NotInvited(row["not_sent_reason"]) not in UNDELIVERED:
            raise SurveyClosed(code="survey_withdrawn")
        expires_at = row["expires_at"] or row["created_at"] + wall_length(row["expires_after"])
        waits_for_its_notice = state is SurveyState.SCHEDULED
        if state is SurveyState.EXPIRED or (now > expires_at and not waits_for_its_notice):
            raise SurveyClosed(code="survey_expired")


def refuse_own(row: Row, caller: Principal) -> None:
    """Nobody rates their own work: as owner or co-owner then, or as whom the complaint is about (semantics.md 26)."""
    if caller.id in {row["owner"], row["complaint_about"], *row["co_owners"]}:
        raise Forbidden(WORDING.told("detail", "own_work"), code="own_work")


def basis_of(row: Row) -> str:
    """The basis of a form of the survey: the answer that it shows, by the instant at which it was given."""
    return format_instant(row["changed_at"]) if row["answered_at"] else UNANSWERED


def is_changed(row: Row) -> bool:
    """Whether the customer has replaced their first answer."""
    return bool(row["changed_at"] != row["answered_at"])


def answer_of(row: Row) -> Answer:
    """The answer that a row holds."""
    given = {name: row[name] for name in Answer.model_fields}
    return Answer.model_validate({**given, "overall": Overall.of(row["overall"])})


async def _locked(connection: AsyncConnection, survey_id: str) -> Row:
    row = await lock(connection, survey_id)
    if row is None:
        raise NotFound
    return row


async def _record(
    connection: AsyncConnection, row: Row, answer: Answer, now: datetime, by: Principal | None = None
) -> None:
    recorder = {"recorded_by": by.id, "recorded_by_kind": by.kind} if by else {}
    values = {"survey_id": row["id"], "changed_at": now, **_columns(answer), **recorder}
    await connection.execute(insert(answers).values(values))
    await _tell(connection, row, state=SurveyState.ANSWERED, answered_at=now, not_sent_reason=None)
    count(AnswerOutcome.ANSWERED)


async def _change(connection: AsyncConnection, row: Row, answer: Answer, now: datetime) -> None:
    values = {"changed_at": now, **_columns(answer)}
    await connection.execute(update(answers).where(answers.c.survey_id == row["id"]).values(values))
    await _tell(connection, row)
    count(AnswerOutcome.CHANGED)


async def _tell(connection: AsyncConnection, row: Row, **changes: Any) -> None:
    """Leave the row to the starter, which tells the survey's workflow or starts one."""
    told = {"revision": invitations.c.revision + 1, "done": False, "engine_id": None}
    mine = invitations.c.id == row["id"]
    await connection.execute(update(invitations).where(mine).values({**changes, **told}))
    await wake(connection, STARTER_CHANNEL)


def _columns(answer: Answer) -> dict[str, Any]:
    overall = answer.overall.score if answer.overall else None
    return {**answer.model_dump(), "overall": overall, "low": answer.is_low}
