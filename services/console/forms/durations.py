"""Targets and warnings as people write them, "2 工作小时", "24 h" or "75 %", and as the API spells them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from services.contracts.durations import Measure, parse_duration
from services.wording import Words

_UNITS: Mapping[str, Sequence[str]] = {
    "working_days": ("wd", "working day", "working days", "个工作日", "工作日", "工作天"),
    "working_hours": ("wh", "working h", "working hour", "working hours", "个工作小时", "工作小时"),
    "working_minutes": ("wm", "wmin", "working min", "working minute", "working minutes", "工作分钟", "工作分"),
    "working_seconds": ("ws", "working s", "working second", "working seconds", "工作秒"),
    "days": ("d", "day", "days", "天", "日"),
    "hours": ("h", "hour", "hours", "小时", "个小时"),
    "minutes": ("m", "min", "minute", "minutes", "分钟", "分"),
    "seconds": ("s", "second", "seconds", "秒"),
}
"""What each unit may be called, in either language."""
_CODES: Mapping[str, tuple[str, str]] = {
    "working_days": ("P", "WD"),
    "working_hours": ("PT", "WH"),
    "working_minutes": ("PT", "WM"),
    "working_seconds": ("PT", "WS"),
    "days": ("P", "D"),
    "hours": ("PT", "H"),
    "minutes": ("PT", "M"),
    "seconds": ("PT", "S"),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}
_WRITTEN = re.compile(r"(\d{1,8})\s*(\D+)")
_SHARE = re.compile(r"(\d{1,2}(?:\.\d{1,4})?)\s*[%％]")
_SIZES = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_PARTING = re.compile(r"[,，、;；\n]+")


def written(code: str, words: Words) -> str:
    """A length of the API in words that `read` understands: `PT2WH` is "2 工作小时", `PT24H` "24 小时"."""
    duration = parse_duration(code)
    if duration.measure is Measure.WORKING_DAYS:
        return words.text("long.working_days", count=duration.days)
    working = duration.measure is Measure.WORKING_TIME
    # Days by the wall clock only where the author wrote days: `PT24H` stays 24 hours.
    in_days = not working and "T" not in code
    seconds = duration.length.total_seconds()
    if seconds != int(seconds):
        return code
    return " ".join(_parts(int(seconds), words, working=working, in_days=in_days))


def read(text: str) -> str:
    """The API's code for what somebody wrote.

    Raises:
        ValueError: it is no length.
    """
    given = text.strip()
    if given.upper().startswith("P"):
        parse_duration(given.upper())
        return given.upper()
    parts = _WRITTEN.findall(given)
    if not parts or _WRITTEN.sub("", given).strip():
        raise ValueError(text)
    units = [(int(number), _unit(name)) for number, name in parts]
    return _code(units[0][0], units[0][1]) if len(units) == 1 else _summed(units)


def warning(value: float | str, words: Words) -> str:
    """One entry of `warn_at` in words: a share of the time, or how long before it is due."""
    if isinstance(value, str):
        return written(value, words)
    return f"{value * 100:g} %"


def read_warnings(text: str) -> list[float | str]:
    """Read warnings, separated by commas. Raises ValueError."""
    return [_warning(each.strip()) for each in _PARTING.split(text) if each.strip()]


def _warning(text: str) -> float | str:
    share = _SHARE.fullmatch(text)
    return round(float(share[1]) / 100, 6) if share else read(text)


def _parts(seconds: int, words: Words, *, working: bool, in_days: bool) -> Iterator[str]:
    shown = False
    for unit, size in _SIZES:
        if unit == "days" and not in_days:
            continue
        count, seconds = divmod(seconds, size)
        if count or (unit == "seconds" and not shown):
            shown = True
            yield words.text(f"long.working_{unit}" if working else f"long.{unit}", count=count)


def _unit(name: str) -> str:
    known = " ".join(name.lower().split())
    if known not in _UNIT_OF:
        raise ValueError(name)
    return _UNIT_OF[known]


def _code(number: int, unit: str) -> str:
    before, after = _CODES[unit]
    return f"{before}{number}{after}"


def _summed(units: Sequence[tuple[int, str]]) -> str:
    """Several units of one kind in the smallest of them: "1 小时 30 分" is `PT90M`."""
    working = {unit.startswith("working_") for _, unit in units}
    names = [unit.removeprefix("working_") for _, unit in units]
    if len(working) > 1 or "working_days" in (unit for _, unit in units):
        raise ValueError(units)
    sizes = dict(_SIZES)
    total = sum(number * sizes[name] for (number, _), name in zip(units, names, strict=True))
    smallest = min(names, key=lambda name: sizes[name])
    return _code(total // sizes[smallest], f"working_{smallest}" if working == {True} else smallest)
