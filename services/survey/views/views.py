"""Answers of the survey service (api.md "Survey"), each to whom it may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from services.contracts.base import Instant, Message
from services.contracts.page import Page
from services.contracts.permissions import Action, Principal, may
from services.contracts.survey import NotInvited, Overall, SurveyState
from services.contracts.vocabulary import Category, Channel, CloseReason, Kind, Phase, Urgency
from services.survey.answers.answers import answer_of
from services.survey.states import Row


class QuestionnaireRef(Message):
    """One version of a questionnaire."""

    id: str
    version: int


class AnswerView(Message):
    """The customer's answer."""

    scores: Mapping[str, int] = Field(description="1 to 5 by dimension.")
    overall: Overall | None
    recommend: int | None
    solved_first_time: bool | None
    suggestion: str | None = Field(description="Null too for callers who may not read a ticket's notes.")
    other: Mapping[str, bool | int | str] = Field(
        description="Answers to further questions; empty for callers who may not read a ticket's notes."
    )
    low: bool = Field(description="Whether any score is 1 or 2: a supervisor owes a call.")
    changed_at: Instant
    recorded_by: str | None = Field(description="Who took the answer by phone; null when the customer gave it.")


class SurveyView(Message):
    """One invitation and its answer. Department, owner and the rest are those of the closing."""

    id: str
    ticket_no: str
    cycle: int
    state: SurveyState
    not_sent_reason: NotInvited | None
    language: str
    questionnaire: QuestionnaireRef
    department: str | None
    owner: str | None
    co_owners: tuple[str, ...]
    kind: Kind
    category: Category
    urgency: Urgency
    channel: Channel
    product_model: str | None
    close_reason: CloseReason
    closed_at: Instant
    reopened_at: Instant | None
    created_at: Instant
    sent_at: Instant | None
    reminded_at: Instant | None
    expires_at: Instant | None
    answered_at: Instant | None
    link: str | None = Field(description="Null: the link is the customer's alone; `hand-over-link` gives it away.")
    answer: AnswerView | None


class HandedSurveyLink(Message):
    """The customer's link to a survey, for whoever is to hand it to them; it is in the audit log."""

    link: str


class SurveyPage(Page[SurveyView]):
    """A page of surveys."""


_SHOWN = tuple(SurveyView.model_fields.keys() - {"questionnaire", "link", "answer"})


@dataclass(frozen=True)
class SurveyTicket:
    """The ticket of a survey, as the permission table asks for it: as it was then, closed."""

    department: str | None
    owner: str | None
    co_owners: tuple[str, ...]
    phase: Phase = Phase.CLOSED


def ticket_of(row: Row) -> SurveyTicket:
    """The ticket that permissions on a survey depend on."""
    return SurveyTicket(row["department"], row["owner"], tuple(row["co_owners"]))


def survey_view(row: Row, caller: Principal) -> dict[str, Any]:
    """A survey as `caller` may see it."""
    view = SurveyView(
        **{name: row[name] for name in _SHOWN},
        questionnaire=QuestionnaireRef(id=row["questionnaire"], version=row["questionnaire_version"]),
        link=None,
        answer=_answer(row, caller) if row["answered_at"] else None,
    )
    return view.model_dump(mode="json")


def _answer(row: Row, caller: Principal) -> AnswerView:
    given = answer_of(row)
    told = {name: row[name] for name in ("low", "changed_at", "recorded_by")}
    if not may(caller, Action.READ_NOTE, ticket_of(row)):
        # Customers write contacts into free text: no text without the right to notes (I14).
        return AnswerView(**given.model_dump(exclude={"suggestion", "other"}), suggestion=None, other={}, **told)
    return AnswerView(**given.model_dump(), **told)
