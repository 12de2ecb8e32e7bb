"""Reasons that a survey takes no answer, in words for customers and staff."""

from services.runtime.errors import Conflict, Refusal
from services.survey.wording import WORDING


class SurveyClosed(Refusal, status=410, code="survey_closed", wording=WORDING):
    """The survey's time is over, `survey_expired`; or the ticket goes on, and it came too early: `survey_withdrawn`."""


class AnsweredElsewhere(Conflict, code="answered_elsewhere", wording=WORDING):
    """Another window has answered since the form was shown."""


class AlreadyAnswered(Conflict, code="already_answered", wording=WORDING):
    """An answer counts once."""
