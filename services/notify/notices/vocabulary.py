"""Codes and instants in words of the recipient's language."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.contracts.asked_fields import TOLD, told


class Language(StrEnum):
    """The languages that notices are written in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"

    @classmethod
    def of(cls, stated: str | None, otherwise: "Language") -> "Language":
        """The one of the two that a language tag means; English for a third language."""
        if not stated:
            return otherwise
        return cls.CHINESE if stated.lower().startswith("zh") else cls.ENGLISH


_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "kind": {
        "complaint": ("投诉", "complaint"),
        "fault": ("故障", "fault"),
        "consultation": ("咨询", "consultation"),
        "suggestion": ("建议", "suggestion"),
        "praise": ("表扬", "praise"),
    },
    "urgency": {"urgent": ("紧急", "urgent"), "normal": ("一般", "normal"), "low": ("低", "low")},
    "clock": {
        "acceptance": ("受理", "acceptance"),
        "information_request": ("请客户补充信息", "request for information"),
        "response": ("响应", "response"),
        "plan": ("处理方案", "plan"),
        "progress": ("进度更新", "progress update"),
        "resolution": ("解决", "resolution"),
        "callback": ("回访", "callback"),
        "second_callback": ("二次回访", "second callback"),
        "customer_wait": ("答复客户", "answer to the customer"),
    },
    "field": TOLD,
    "close_reason": {
        "confirmed": (
            "您已确认问题解决，本反馈单现已关闭。感谢您的配合。",
            "You confirmed that the problem is gone, so we have closed your report. Thank you.",
        ),
        "unresolved": (
            "很抱歉，我们未能解决这个问题，反馈单已由客服主管关闭。",
            "We are sorry that we could not solve this. A supervisor has closed the report.",
        ),
        "information_not_supplied": (
            "由于一直没有收到我们请您补充的信息，反馈单已关闭。",
            "We did not receive the information that we asked you for, so we have closed the report.",
        ),
        "not_reached": (
            "问题处理完成后，我们多次回访都没能联系到您，反馈单已关闭。",
            "After the work was done we tried several times to reach you, without success, and closed the report.",
        ),
        "callback_refused": (
            "问题已处理完成。按您的意愿，我们不再回访，反馈单已关闭。",
            "The work is done. As you wished we will not call you back, and the report is closed.",
        ),
        "withdrawn": ("反馈已撤回，我们不再处理。", "The report was withdrawn, and we stopped working on it."),
        "merged": (
            "这张反馈单与您的另一张内容相同，已合并处理。",
            "This report is about the same matter as another one of yours, and we go on with that one.",
        ),
    },
    "part": {
        "owner": ("主办人", "owner"),
        "co_owner": ("协办人", "co-owner"),
        "department_head": ("部门负责人", "head of the department"),
        "clerk": ("客服专员", "clerk"),
        "supervisor": ("主管", "supervisor"),
    },
    "overall": {
        "very_satisfied": ("非常满意", "very satisfied"),
        "satisfied": ("满意", "satisfied"),
        "neutral": ("一般", "neutral"),
        "dissatisfied": ("不满意", "dissatisfied"),
        "very_dissatisfied": ("非常不满意", "very dissatisfied"),
    },
}
_WEEKDAYS = (
    ("周一", "Monday"),
    ("周二", "Tuesday"),
    ("周三", "Wednesday"),
    ("周四", "Thursday"),
    ("周五", "Friday"),
    ("周六", "Saturday"),
    ("周日", "Sunday"),
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
CUSTOMERS_LINK: Mapping[Language, str] = {
    Language.CHINESE: "（客户的专属链接，仅客户可见）",
    Language.ENGLISH: "(the customer's own link, which only they see)",
}
"""What staff read where the link of a customer stood."""
NAMELESS: Mapping[Language, str] = {Language.CHINESE: "尊敬的客户", Language.ENGLISH: "customer"}
"""How a customer is addressed who gave no name."""


def help_words(help_line: str, language: Language) -> str:
    """How a customer reaches a person."""
    return (
        f"需要人工帮助？请联系 {help_line}"
        if language is Language.CHINESE
        else f"Need a person? Reach us at {help_line}"
    )


def sorts() -> tuple[str, ...]:
    """The sorts of codes that there are words for."""
    return tuple(_WORDS)


def word(code: str, sort: str, language: Language) -> str:
    """A code of a sort in words; a code without words is shown as it is.

    Raises:
        KeyError: there is no such sort.
    """
    if sort == "field":
        return told(code, chinese=language is Language.CHINESE)
    words = _WORDS[sort].get(code)
    return code if words is None else _in(words, language)


def spoken(at: datetime, language: Language, zone: ZoneInfo) -> str:
    """An instant as people say it, on the clock of the business time zone."""
    local = at.astimezone(zone)
    weekday = _in(_WEEKDAYS[local.weekday()], language)
    if language is Language.CHINESE:
        return f"{local.year}年{local.month}月{local.day}日（{weekday}）{local:%H:%M}"
    return f"{weekday} {local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} ({_offset(local)})"


def _offset(local: datetime) -> str:
    plain = f"{local:%z}"
    minutes = "" if plain.endswith("00") else f":{plain[3:]}"
    return f"UTC{plain[0]}{int(plain[1:3])}{minutes}"


def _in(words: tuple[str, str], language: Language) -> str:
    return words[0] if language is Language.CHINESE else words[1]
