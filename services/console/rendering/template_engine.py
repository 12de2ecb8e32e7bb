"""The templates of these pages, with the filters that they use."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from services.console.forms.fields import NOBODY, Field, FieldChoice
from services.console.forms.values import Typed
from services.console.wording import WORDING
from services.runtime.pages.template_environment import template_environment
from services.wording import Words

_HEADINGS: Mapping[str, Mapping[str, str]] = {
    "scope": {
        **dict.fromkeys(("feedback", "tickets", "contacts", "notes", "customers"), "tickets"),
        **dict.fromkeys(("policies", "calendars"), "promises"),
        **dict.fromkeys(("alerts", "notices"), "notices"),
        **dict.fromkeys(("surveys", "reports"), "surveys"),
        **dict.fromkeys(("events", "webhooks"), "events"),
        **dict.fromkeys(("directory", "audit"), "administration"),
    },
    "event": {"ticket": "tickets", "clock": "promises", "alert": "notices", "survey": "surveys"},
}
"""Under which heading the codes of a long list stand, by the word that they begin with."""
_FOLDER = Path(__file__).parents[1] / "templates"


class Templates:
    """Compiled once a process."""

    def __init__(self) -> None:
        self._environment = template_environment(_FOLDER)
        self._environment.globals["t_has"] = WORDING.both.texts.__contains__
        self._environment.globals["nobody"] = NOBODY
        self._environment.globals["once"] = cache
        self._environment.filters |= {
            "as_choices": _as_choices,
            "by_heading": _by_heading,
            "any_filled": _any_filled,
            "as_shown": _as_shown,
            "map_word": _map_word,
            "map_command": _map_command,
        }

    def render(self, template: str, values: dict[str, Any]) -> str:
        """Fill a template in."""
        return self._environment.get_template(template).render(values)


def _as_choices(codes: Iterable[StrEnum], group: str, words: Words) -> list[FieldChoice]:
    headings = _HEADINGS.get(group, {})
    return [FieldChoice(code, words.of(group, code), _heading(code, headings, words)) for code in codes]


def _heading(code: str, headings: Mapping[str, str], words: Words) -> str:
    heading = headings.get(code.partition(":")[0].partition(".")[0])
    return words.of("heading", heading) if heading else ""


def _by_heading(choices: Iterable[FieldChoice]) -> list[tuple[str, list[FieldChoice]]]:
    """Choices under their headings, both in the order in which they come first."""
    found: dict[str, list[FieldChoice]] = {}
    for choice in choices:
        found.setdefault(choice.group, []).append(choice)
    return list(found.items())


def _any_filled(fields: Sequence[Field], filled: Typed) -> bool:
    return any(filled.error(field.name) or field.name in filled.now for field in fields)


def _as_shown(values: Sequence[str], options: Iterable[FieldChoice], kind: str) -> list[str]:
    """Values of a field as its reader sees them."""
    texts = {option.value: option.text for option in options}
    return [texts.get(value, value.replace("T", " ") if kind == "moment" else value) for value in values]


def _map_word(codes: Iterable[str], group: str, words: Words) -> str:
    return words.text("list.and").join(words.of(group, code) for code in codes)


def _map_command(commands: Sequence[str], words: Words) -> str:
    shown = [words.text(f"command.{name}") for name in commands if words.has(f"command.{name}")]
    return words.text("list.and").join(shown) or words.text("fail.illegal.nothing")
