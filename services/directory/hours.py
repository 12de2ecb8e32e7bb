"""A member of staff's own weekly hours: outside of them only what is urgent reaches them (semantics.md 23)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from services.contracts.policy import CalendarDraft
from services.promises.calendars import Calendar, CalendarErrors
from services.runtime.errors import FieldError, ValidationFailed


def require_readable_hours(state: Mapping[str, Any] | RowMapping) -> None:
    """Refuse (422) hours without a zone, a zone without hours, and hours that a calendar could not be made of."""
    hours, time_zone = state["hours"], state["time_zone"]
    if hours is None and time_zone is None:
        return
    if hours is None:
        raise ValidationFailed.at("/hours", "required", "a time zone is given together with the hours kept in it")
    if time_zone is None:
        raise ValidationFailed.at("/time_zone", "required", "say in which time zone these hours are kept")
    if not any(hours.values()):
        raise ValidationFailed.at("/hours", "never_open", "without any hours nobody is ever reached: leave them out")
    try:
        Calendar.compile(CalendarDraft(time_zone=time_zone, hours=hours))
    except CalendarErrors as error:
        raise ValidationFailed([_field_error(each) for each in error.errors]) from error


def _field_error(fault: Any) -> FieldError:
    return {"pointer": fault.pointer, "code": fault.code, "message": fault.words}
