"""A form's fields and a command's body: what was typed becomes JSON; what the API says of JSON stands at the field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from services.console.forms.fields import NOBODY, Field
from services.console.public_api.client import FieldProblem
from services.contracts.base import format_instant
from services.runtime.pages.forms import Form
from services.wording import Words

_TRUE = frozenset({"true", "on", "1"})
_MOST_DIGITS = 12


@dataclass(frozen=True)
class Typed:
    """The contents of a form: every value as it was typed, and what is wrong with it by field. `general` holds what
    concerns no field that is shown; `now` what somebody else stored meanwhile, where it is not what was typed."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    general: Sequence[str] = ()
    now: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def status(self, *, stale: bool = False) -> HTTPStatus:
        """The status of a page with it; `stale`: somebody stored a version meanwhile."""
        if stale:
            return HTTPStatus.CONFLICT
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.errors or self.general else HTTPStatus.OK

    @property
    def texts(self) -> list[str]:
        """Everything that was typed, for copying where the form itself is gone."""
        return [value for values in self.values.values() for value in values if value.strip()]

    def value(self, name: str) -> str:
        """The value of a field."""
        return next(iter(self.values.get(name, ())), "")

    def has(self, name: str, value: str) -> bool:
        """Whether a choice is chosen."""
        return value in self.values.get(name, ())

    def error(self, name: str) -> str:
        """The fault of a field; empty for none."""
        return self.errors.get(name, "")


def typed(form: Form, fields: Sequence[Field]) -> Typed:
    """Keep what was typed, to show it again as it was."""
    return Typed({each.name: form.many(each.name) for each in fields})


def everything(form: Form) -> dict[str, tuple[str, ...]]:
    """Keep every field of a form that no table describes."""
    return {name: form.many(name) for name, _ in form.fields}


def refused(
    form: Form, problems: Iterable[FieldProblem], field_of: Callable[[str], str], switches: Iterable[str] = ()
) -> Typed:
    """Keep what was typed, with the API's faults at the fields that `field_of` finds for their pointers; `switches` are
    fields that a form without a tick does not send."""
    errors: dict[str, str] = {}
    elsewhere: list[str] = []
    names = {*switches, *(name for name, _ in form.fields)}
    for problem in problems:
        name = field_of(problem.pointer)
        if name in names:
            errors.setdefault(name, problem.message)
        else:
            elsewhere.append(problem.message)
    return Typed(everything(form), errors, elsewhere)


def beside(given: Typed, present: Typed) -> Typed:
    """Put beside what was typed what is stored now, in the fields that say something else."""
    now = {
        name: _filled(values)
        for name, values in present.values.items()
        if sorted(_filled(values)) != sorted(_filled(given.values.get(name, ())))
    }
    return replace(given, now=now)


def body_of(form: Form, fields: Sequence[Field], zone: ZoneInfo, words: Words) -> tuple[dict[str, Any], dict[str, str]]:
    """The body that the fields amount to, and what cannot be read. Fields left empty are left out."""
    body: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for each in fields:
        try:
            value = _value(form, each, zone)
        except ValueError:
            errors[each.name] = words.text(f"form.wrong.{each.type}")
            continue
        if each.nobody and value == NOBODY:
            _put(body, each.name.split("."), None)
        elif value is not None:
            _put(body, each.name.split("."), value)
        elif each.required:
            errors[each.name] = words.text("form.required")
    return body, errors


def placed(problems: Iterable[FieldProblem], fields: Sequence[Field]) -> tuple[dict[str, str], list[str]]:
    """The API's errors by field, and those that no field shows. An object's error stands at its first field."""
    at: dict[str, str] = {}
    elsewhere: list[str] = []
    names = [each.name for each in fields]
    for problem in problems:
        path = problem.pointer.strip("/").replace("/", ".")
        name = next((each for each in names if path == each or path.startswith(f"{each}.")), None)
        name = name or next((each for each in names if path and each.startswith(f"{path}.")), None)
        if name is None:
            elsewhere.append(problem.message)
        else:
            at.setdefault(name, problem.message)
    return at, elsewhere


def number(text: str) -> int | None:
    """A number that the API can keep as a version; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("2147483647") else None


def stored(value: Any) -> list[str]:
    """The values of a field that shows what the API tells."""
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return ["true"] if value else []
    return [str(value)] if value else []


def local_moment(iso: str | None, zone: ZoneInfo) -> str:
    """An instant as a `datetime-local` field holds it."""
    return datetime.fromisoformat(iso).astimezone(zone).strftime("%Y-%m-%dT%H:%M") if iso else ""


def _filled(values: Sequence[str]) -> list[str]:
    return [value for value in values if value.strip()]


def _value(form: Form, each: Field, zone: ZoneInfo) -> Any:
    given = form.one(each.name)
    if each.type == "many":
        return [value for value in form.many(each.name) if value] or None
    if each.type == "flag":
        return True if given in _TRUE else None
    if not given:
        return None
    return _read(given, each, zone)


def _read(given: str, each: Field, zone: ZoneInfo) -> Any:
    if each.type == "moment":
        return format_instant(datetime.fromisoformat(given).replace(tzinfo=zone))
    if each.type == "number" or each.source == "scores":
        return _number(given)
    if each.type == "lines":
        return [line for line in (line.strip() for line in given.split("\n")) if line]
    if each.type == "words":
        return [word for word in (word.strip() for word in given.replace("，", ",").split(",")) if word]
    return given


def _number(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > _MOST_DIGITS:
        raise ValueError
    return int(given)


def _put(body: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        body = body.setdefault(part, {})
    body[path[-1]] = value
