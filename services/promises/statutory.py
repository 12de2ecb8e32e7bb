"""Statutory holidays and make-up workdays of a country, from the `holidays` package."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays
from holidays.registry import EntityLoader

LAST_YEAR = 2100
"""The package's lunar tables end here; later years have weekly hours only, in every calendar."""

_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "zh-CN": ("zh_CN", "zh_HK", "zh_TW", "en_US", "en_GB"),
    "en": ("en_US", "en_GB"),
}
"""The package's languages for each of ours, the best first; a country that knows none of them names its own way."""

_MAKE_UP_DAY = {"zh-CN": "调休上班", "en": "Make-up workday"}

_US_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
"""How the package writes dates into English names; half of the world reads them the other way."""

_SUBSTITUTED = 4
"""An entry of this many parts or more says which day off is worked on which weekend day (调休)."""


@dataclass(frozen=True, slots=True)
class StatutoryYear:
    """Changes of the law in one year; both sets lie within that year."""

    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """ISO 3166 codes that are known, of two and three letters."""
    # Not `list_supported_countries`: it loads the module of every country, in the middle of whatever asks first.
    return frozenset(EntityLoader.get_country_codes())


@lru_cache(maxsize=4096)
def statutory_year(country: str, year: int) -> StatutoryYear:
    """Holidays and make-up workdays of a known country in `year`; past the last announced year they are estimates.

    The next year is read too: a January holiday may be worked on a weekend of this December.
    """
    if year > LAST_YEAR:
        return StatutoryYear()
    days = holidays.country_holidays(country, years=(year, year + 1), expand=False)
    return StatutoryYear(
        holidays=frozenset(day for day in days if day.year == year),
        make_up_days=frozenset(day for day in days.weekend_workdays if day.year == year),
    )


@lru_cache(maxsize=256)
def names(country: str, year: int) -> Mapping[date, Mapping[str, str]]:
    """Names of each holiday and make-up day of a known country, by language (`zh-CN`, `en`)."""
    if year > LAST_YEAR:
        return {}
    by_language = {language: _named_in(country, year, choices) for language, choices in _LANGUAGES.items()}
    held = statutory_year(country, year)
    found = {day: {language: by_language[language].get(day, "") for language in _LANGUAGES} for day in held.holidays}
    return found | dict.fromkeys(held.make_up_days, _MAKE_UP_DAY)


def _named_in(country: str, year: int, choices: tuple[str, ...]) -> Mapping[date, str]:
    # Asked for a language that it does not know, the package goes by the language of the process.
    known = getattr(holidays, country).supported_languages
    language = next((choice for choice in choices if choice in known), None)
    days = holidays.country_holidays(country, years=year, expand=False, language=language)
    return {day: _US_DATE.sub(r"\3-\1-\2", name).replace("; ", " / ") for day, name in days.items()}


@lru_cache(maxsize=256)
def official_until(country: str) -> date | None:
    """The last day of the last year whose make-up days are announced.

    None for a country that announces none: its holidays follow from its laws.
    """
    announced: dict[int, tuple[object, ...]] = getattr(
        holidays.country_holidays(country), "special_public_holidays", {}
    )
    years = [year for year, entries in announced.items() if any(_is_substitution(entry) for entry in _each(entries))]
    return date(max(years), 12, 31) if years else None


def _each(entries: tuple[object, ...]) -> tuple[object, ...]:
    """A year with a single entry is written without the outer tuple."""
    return entries if entries and isinstance(entries[0], tuple) else (entries,)


def _is_substitution(entry: object) -> bool:
    return isinstance(entry, tuple) and len(entry) >= _SUBSTITUTED
