"""Quiet hours hold back what is not urgent (product.md 6), by the clock of their own zone."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.contracts.notice import Audience, NoticeKind
from services.notify.hours.quiet_hours import SAID_AT_ONCE, QuietHours, QuietSpan

SECOND = timedelta(seconds=1)
NIGHT = QuietSpan(from_="21:00", to="08:00", time_zone="Asia/Shanghai")
LUNCH = QuietSpan(from_="12:00", to="13:30", time_zone="Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("span", "instant", "ends"),
    [
        (NIGHT, "2026-11-20T20:59:59+08:00", None),
        (NIGHT, "2026-11-20T21:00:00+08:00", "2026-11-21T08:00:00+08:00"),
        (NIGHT, "2026-11-21T00:00:00+08:00", "2026-11-21T08:00:00+08:00"),
        (NIGHT, "2026-11-21T07:59:59+08:00", "2026-11-21T08:00:00+08:00"),
        (NIGHT, "2026-11-21T08:00:00+08:00", None),
        (LUNCH, "2026-11-20T11:59:59+08:00", None),
        (LUNCH, "2026-11-20T12:00:00+08:00", "2026-11-20T13:30:00+08:00"),
        (LUNCH, "2026-11-20T13:30:00+08:00", None),
    ],
)
def test_quiet_hours_begin_and_end_on_the_minute(span: QuietSpan, instant: str, ends: str | None) -> None:
    assert span.ends_at(at(instant)) == (at(ends) if ends else None)


@pytest.mark.parametrize(
    ("to", "instant", "ends"),
    [
        # New York, 8 March 2026: 02:00 is followed by 03:00.
        ("02:30", "2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"),
        ("08:00", "2026-03-08T01:30:00-05:00", "2026-03-08T08:00:00-04:00"),
        # 1 November 2026: 01:59 is followed by 01:00.
        ("01:30", "2026-11-01T01:20:00-04:00", "2026-11-01T01:30:00-05:00"),
        ("01:30", "2026-11-01T01:20:00-05:00", "2026-11-01T01:30:00-05:00"),
        ("01:30", "2026-11-01T01:30:00-05:00", None),
    ],
)
def test_where_the_clocks_change_quiet_hours_last_until_the_later_instant(
    to: str, instant: str, ends: str | None
) -> None:
    span = QuietSpan(from_="22:00", to=to, time_zone="America/New_York")
    assert span.ends_at(at(instant)) == (at(ends) if ends else None)


def test_customers_and_staff_have_quiet_hours_of_their_own() -> None:
    hours = QuietHours(customer=NIGHT)
    midnight = at("2026-11-21T00:00:00+08:00")
    assert hours.hold_until(Audience.CUSTOMER, NoticeKind.PROGRESS, midnight, urgent=False)
    assert hours.hold_until(Audience.STAFF, NoticeKind.ASSIGNED, midnight, urgent=False) is None


def test_the_urgent_and_what_is_said_at_once_is_never_held_back() -> None:
    hours, midnight = QuietHours(customer=NIGHT, staff=NIGHT), at("2026-11-21T00:00:00+08:00")
    for kind in NoticeKind:
        for audience in Audience:
            assert hours.hold_until(audience, kind, midnight, urgent=True) is None
            assert (hours.hold_until(audience, kind, midnight, urgent=False) is None) is (kind in SAID_AT_ONCE)


@pytest.mark.parametrize(
    "span",
    [
        {"from": "21:00", "to": "21:00", "time_zone": "Asia/Shanghai"},
        {"from": "24:00", "to": "08:00", "time_zone": "Asia/Shanghai"},
        {"from": "9:00", "to": "08:00", "time_zone": "Asia/Shanghai"},
        {"from": "21:00", "to": "08:00", "time_zone": "Mars/Olympus"},
        {"from": "21:00", "to": "08:00"},
    ],
)
def test_quiet_hours_that_mean_nothing_are_refused(span: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        QuietSpan.model_validate(span)
