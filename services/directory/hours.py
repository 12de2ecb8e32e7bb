"""A member of staff's own weekly hours: outside of them only what is urgent reaches them (semantics.md 23)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from services.contracts.policy import CalendarDraft
from services.directory.refusals import wrong
from services.directory.wording import WORDING
from services.promises.calendars import Calendar, CalendarErrors
from services.runtime.errors import ValidationFailed


def require_readable_hours(state: Mapping[str, Any] | RowMapping) -> None:
    """Refuse (422) hours without a zone, a zone without hours, and hours that a calendar could not be made of."""
    hours, time_zone = state["hours"], state["time_zone"]
    if hours is None and time_zone is None:
        return
    if hours is None:
        raise ValidationFailed.at("/hours", "required", WORDING.told("wrong", "without_hours"))
    if time_zone is None:
        raise ValidationFailed.at("/time_zone", "required", WORDING.told("wrong", "without_time_zone"))
    if not any(hours.values()):
        raise wrong("/hours", "never_open")
    try:
        Calendar.compile(CalendarDraft(time_zone=time_zone, hours=hours))
    except CalendarErrors as error:
        faults = error.errors
        raise ValidationFailed(
            [{"pointer": each.pointer, "code": each.code, "message": each.words} for each in faults]
        ) from error
