"""What an import read and what it passed over, in the words of whoever imported."""

from collections.abc import Mapping

from services.promises.ical_reader import Note

_TEXTS: Mapping[str, tuple[str, str]] = {
    "calendar_read": ("The calendar was read whole.", "已读取整份日历。"),
    "hours_read": ("Weekly hours: {count} intervals were read.", "读取每周工作时段 {count} 个。"),
    "holidays_read": ("Holidays: {count} days were read.", "读取休息日 {count} 天。"),
    "make_up_days_read": ("Make-up workdays: {count} were read.", "读取调休上班日 {count} 天。"),
    "shifts_read": ("Hours of single dates: {count} were read.", "读取单日工作时段 {count} 个。"),
    "breaks_read": ("Breaks: {count} were read.", "读取中断时段 {count} 个。"),
    "repetitions_changed": (
        "Single repetitions of a series: {count} were read as changed.",
        "系列中单独更改的重复：读取 {count} 次。",
    ),
    "repetitions_cancelled": (
        "Single repetitions of a series: {count} were read as cancelled.",
        "系列中单独取消的重复：读取 {count} 次。",
    ),
    "already_known": ("{count} days were so already, by the calendar or its country.", "{count} 天原本就是如此。"),
    "repeated_until": ("Repetitions were read until {detail}.", "重复事件读取至 {detail}。"),
    "more_passed_over": ("{count} more events were passed over.", "另有 {count} 个事件未读取。"),
    "cancelled": ("it is cancelled", "该事件已取消"),
    "shown_as_free": ("it is shown as free time", "该事件显示为空闲"),
    "no_hours_to_work": ("the calendar has no weekly hours to work on it", "日历没有可用于该日的每周工作时段"),
    "no_mark": ("other days of the file are marked as off or worked, it is not", "文件用休、班标记日期，它没有标记"),
    "observance": ("it is a day with a name, not a day off", "该日是纪念日，不放假"),
    "out_of_range": ("it lies outside the years 1970 to 2100", "日期不在 1970 至 2100 年之间"),
    "changed_repetitions": (
        "it changes more than one repetition of a series: enter those dates by hand",
        "它一次更改多个重复日期：请手工填写这些日期",
    ),
    "no_series": ("it changes a repetition and does not say of which series", "它更改一次重复，却没有说明属于哪个系列"),
    "rule_not_understood": ("its repetition is not supported ({detail})", "不支持它的重复规则（{detail}）"),
    "too_long": ("it is longer than a year", "时长超过一年"),
    "too_many_rules": ("the file has more repeating events than are read", "文件中的重复事件过多"),
    "no_date": ("it has no beginning or end that can be read", "没有可读取的开始或结束时间"),
    "unknown_time_zone": ("its time zone {detail} is not known", "不认识它的时区 {detail}"),
}  # fmt: skip


def says(note: Note, language: str) -> str:
    """The note as a sentence in Chinese (`zh`) or English; one about an event names it and its line."""
    said = _TEXTS[note.code][language == "zh"].format(count=note.count, detail=note.detail)
    if note.line is None:
        return said
    if language == "zh":
        return f"第 {note.line} 行“{note.summary}”未读取：{said}。"
    return f"Line {note.line}, “{note.summary}”, was passed over: {said}."
