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
        raise ValidationFailed.at(
            "/hours",
            "required",
            {"en": "a time zone is given together with the hours kept in it", "zh": "时区须与该时区的工作时段一起填写"},
        )
    if time_zone is None:
        raise ValidationFailed.at(
            "/time_zone",
            "required",
            {"en": "say in which time zone these hours are kept", "zh": "请填写这些工作时段所在的时区"},
        )
    if not any(hours.values()):
        raise ValidationFailed.at(
            "/hours",
            "never_open",
            {
                "en": "without any hours nobody is ever reached: leave them out",
                "zh": "没有任何时段就永远联系不到人：请不要填写",
            },
        )
    try:
        Calendar.compile(CalendarDraft(time_zone=time_zone, hours=hours))
    except CalendarErrors as error:
        raise ValidationFailed([_field_error(each) for each in error.errors]) from error


def _field_error(fault: Any) -> FieldError:
    return {"pointer": fault.pointer, "code": fault.code, "message": fault.words}
