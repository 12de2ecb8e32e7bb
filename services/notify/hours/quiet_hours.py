"""Quiet hours: the part of the day in which nothing that can wait is sent (product.md 6). Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from services.contracts.base import Message, Unreadable
from services.contracts.notice import Audience, NoticeKind

SAID_AT_ONCE = frozenset({NoticeKind.RECEIVED, NoticeKind.BREACH, NoticeKind.WARNING, NoticeKind.LOW_RATING})
"""Kinds that quiet hours never hold back: the receipt of what the customer has just sent, and alerts, whose ladder
knows when each person is reached."""

_A_DAY = timedelta(days=1)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise Unreadable(
            zh="不是 IANA 数据库中的时区，例如 Asia/Shanghai",
            en="not a time zone of the IANA database, such as Asia/Shanghai",
        )
    return name


LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietSpan(Message):
    """From a local time until another one, over midnight where it ends earlier than it begins."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: LocalTime = Field(alias="from", description="When it begins, such as 21:00.")
    to: LocalTime = Field(description="When it ends, such as 08:00; not part of it.")
    time_zone: Annotated[str, AfterValidator(_known_zone)]

    @model_validator(mode="after")
    def _lasts(self) -> "QuietSpan":
        if self.from_ == self.to:
            raise Unreadable(
                zh="免打扰的开始与结束相同；不需要时请填 null",
                en="the quiet hours end when they begin; give null for none",
            )
        return self

    def ends_at(self, at: datetime) -> datetime | None:
        """The end of the quiet hours that `at` falls into; None outside of them.

        They are walked in their own zone: where the clocks change, they last until the later of the instants that their
        end can mean.
        """
        zone, begins, ends = ZoneInfo(self.time_zone), time.fromisoformat(self.from_), time.fromisoformat(self.to)
        today = at.astimezone(zone).date()
        for day in (today - _A_DAY, today):
            last = day if begins < ends else day + _A_DAY
            if _first(day, begins, zone) <= at < (over := _last(last, ends, zone)):
                return over
        return None


class QuietHours(Message):
    """Hours in which people are left in peace; null is never."""

    customer: QuietSpan | None = None
    staff: QuietSpan | None = None

    def hold_until(self, audience: Audience, kind: NoticeKind, at: datetime, *, urgent: bool) -> datetime | None:
        """Until when a notice waits that would go at `at`; None where it goes."""
        span = self.customer if audience is Audience.CUSTOMER else self.staff
        if span is None or urgent or kind in SAID_AT_ONCE:
            return None
        return span.ends_at(at)


def _first(day: date, local: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local, zone).astimezone(UTC)


def _last(day: date, local: time, zone: ZoneInfo) -> datetime:
    """The later of the instants that a local time can mean where the clocks change."""
    wall = datetime.combine(day, local, zone)
    return max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
