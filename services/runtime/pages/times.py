"""Instants as people read them, in the business time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from services.wording import Language


def moment(at: datetime, zone: ZoneInfo, language: Language, now: datetime) -> Markup:
    """A `<time>`: date, day of the week and time of day; the year where it is not the present one."""
    local = at.astimezone(zone)
    spoken = f"{_date(local.date(), language, now.astimezone(zone).year)} {local:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), spoken)


def day(on: date, language: Language) -> Markup:
    """A `<time>` that is a date."""
    spoken = _plain(on, language, with_year=True)
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), spoken)


def offset(zone: ZoneInfo, now: datetime) -> str:
    """The zone's distance from UTC: `UTC+08:00`."""
    digits = f"{now.astimezone(zone):%z}"
    return f"UTC{digits[:3]}:{digits[3:5]}"


def _date(on: date, language: Language, present_year: int) -> str:
    plain = _plain(on, language, with_year=on.year != present_year)
    return f"{plain}（周{'一二三四五六日'[on.weekday()]}）" if language == "zh-CN" else f"{on:%a} {plain},"


def _plain(on: date, language: Language, *, with_year: bool) -> str:
    if language == "zh-CN":
        return f"{on.year}年{on.month}月{on.day}日" if with_year else f"{on.month}月{on.day}日"
    return f"{on.day} {on:%B}{f' {on.year}' if with_year else ''}"
