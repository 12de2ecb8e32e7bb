"""Codes and instants in words of the recipient's language."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from services.contracts.asked_words import ASKED, told
from services.wording import Wording


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


WORDING = ASKED.beneath(Wording(Path(__file__).with_name("words.toml")))


def sorts() -> tuple[str, ...]:
    """The sorts of codes that there are words for."""
    return tuple(WORDING.both.codes)


def word(code: str, sort: str, language: Language) -> str:
    """A code of a sort in words; a code without words is shown as it is.

    Raises:
        KeyError: there is no such sort.
    """
    return told(code, language) if sort == "field" else WORDING.speak(language).of(sort, code)


def spoken(at: datetime, language: Language, zone: ZoneInfo) -> str:
    """An instant as people say it, on the clock of the business time zone."""
    local = at.astimezone(zone)
    if language is Language.CHINESE:
        weekday = "一二三四五六日"[local.weekday()]
        return f"{local.year}年{local.month}月{local.day}日（周{weekday}）{local:%H:%M}"
    return f"{local:%A} {local.day} {local:%B} {local.year}, {local:%H:%M} ({_offset(local)})"


def _offset(local: datetime) -> str:
    plain = f"{local:%z}"
    minutes = "" if plain.endswith("00") else f":{plain[3:]}"
    return f"UTC{plain[0]}{int(plain[1:3])}{minutes}"
