"""What can be wrong with a calendar, a file of one, or a question to one: code, and a text in both languages."""

from collections.abc import Mapping
from typing import Any

_TEXTS: Mapping[str, tuple[str, str]] = {
    "unknown_time_zone": ("not a time zone of the IANA database, such as Asia/Shanghai",
                          "不是 IANA 时区名称，例如 Asia/Shanghai"),
    "unknown_country": ("no holidays are known for this country code, such as CN or DE",
                        "没有该国家代码的法定节假日；请填写如 CN、DE"),
    "invalid_time": ("write local times as 09:00; only an end may be 24:00",
                     "时间请写作 09:00；只有结束时间可以是 24:00"),
    "empty_interval": ("the interval ends when it begins: give a later end",
                       "时段的开始与结束相同：请填写更晚的结束时间"),
    "over_midnight": ("the interval passes midnight: split it at 24:00", "时段跨过午夜：请在 24:00 处拆成两段"),
    "too_many_intervals": ("a day may have {most} intervals: join some of them",
                           "一天最多可有 {most} 个时段：请合并部分时段"),
    "invalid_date": ("write dates as 2026-10-01", "日期请写作 2026-10-01"),
    "date_out_of_range": ("dates may lie in the years up to {last_year}", "日期不能晚于 {last_year} 年"),
    "not_utf8": ("write the file in UTF-8", "请以 UTF-8 编码保存文件"),
    "not_icalendar": ("this is no iCalendar file: it has no BEGIN:VCALENDAR",
                      "这不是 iCalendar 文件：没有 BEGIN:VCALENDAR"),
    "too_many_events": ("a file may have {most:,} events: split it", "文件最多可有 {most:,} 个事件：请拆分文件"),
    "too_many_dates": ("a file may have {most:,} dates: split it", "文件最多可有 {most:,} 个日期：请拆分文件"),
    "no_time_zone": ("the file names no one time zone: make the calendar with its zone first, then import",
                     "文件没有指明唯一的时区：请先新建带时区的日历，再导入"),
    "calendar_exhausted": ("there is no opening time to reach from 1970 to 9998: shorten it, or open the calendar",
                           "1970 至 9998 年间没有足够的工作时间：请缩短时长，或为日历添加工作时间"),
    "until_before_at": ("`until` lies before `at`", "`until` 早于 `at`"),
}  # fmt: skip


class CalendarError(ValueError):
    """One thing wrong; `pointer` is a JSON pointer into what was sent, `facts` are what its text names."""

    def __init__(self, pointer: str, code: str, **facts: Any) -> None:
        english, chinese = _TEXTS[code]
        self.words: Mapping[str, str] = {"en": english.format_map(facts), "zh": chinese.format_map(facts)}
        super().__init__(f"{pointer}: {self.words['en']}")
        self.pointer = pointer
        # A file without a zone lacks the same thing as a draft with a wrong one.
        self.code = "unknown_time_zone" if code == "no_time_zone" else code


class CalendarErrors(ValueError):
    """Everything wrong with a draft, at least one error."""

    def __init__(self, errors: tuple[CalendarError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors
