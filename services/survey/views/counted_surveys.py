"""The surveys that a figure of a report counts: it and the list that it leads to are made of the same ones."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement

from services.contracts.survey import SurveyState
from services.contracts.vocabulary import CloseReason
from services.survey.tables import answers, invitations


class Counted(StrEnum):
    """A figure of the summary, by its name there."""

    OVERALL = "overall_count"
    NPS = "nps_count"
    STATED = "stated_count"
    DELIVERED = "delivered"
    DELIVERED_AND_ANSWERED = "delivered_and_answered"
    CLOSED = "closed"
    CLOSED_FIRST_TIME = "closed_first_time"
    NOT_SENT = "not_sent"


_WITHOUT_SERVICE = (CloseReason.MERGED, CloseReason.WITHDRAWN)
_DELIVERED = invitations.c.sent_at.is_not(None)
_CLOSED = invitations.c.reopened_at.is_(None) & invitations.c.close_reason.not_in(_WITHOUT_SERVICE)
_FIRST = (invitations.c.cycle == 1) & (invitations.c.close_reason == CloseReason.CONFIRMED)
CONDITIONS: Mapping[Counted, ColumnElement[bool]] = {
    Counted.OVERALL: answers.c.overall.is_not(None),
    Counted.NPS: answers.c.recommend.is_not(None),
    Counted.STATED: answers.c.solved_first_time.is_not(None),
    Counted.DELIVERED: _DELIVERED,
    Counted.DELIVERED_AND_ANSWERED: _DELIVERED & invitations.c.answered_at.is_not(None),
    Counted.CLOSED: _CLOSED,
    Counted.CLOSED_FIRST_TIME: _CLOSED & _FIRST,
    Counted.NOT_SENT: invitations.c.state == SurveyState.NOT_SENT,
}


def dated(counted: Counted | None) -> Any:
    """The instant that a period is about: of the sending, of the closing, or of the answer."""
    if counted in {Counted.DELIVERED, Counted.DELIVERED_AND_ANSWERED}:
        return invitations.c.sent_at
    if counted in {Counted.CLOSED, Counted.CLOSED_FIRST_TIME, Counted.NOT_SENT}:
        return invitations.c.closed_at
    return invitations.c.answered_at
