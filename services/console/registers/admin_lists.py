"""Lists that administrators keep: what a form of each asks, and how it becomes the API's body.

A register is a list of the API with a form to add and a form to change. Labels are `field.<register>.<field>` or
`field.<field>`; what its page says is `<register>.<...>` in `words/registers.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.console.forms import fingerprints
from services.console.forms.fields import Field
from services.console.forms.values import Typed, body_of, local_moment, stored
from services.console.public_api.client import path
from services.console.registers import staff_hours
from services.console.rendering.present import Present
from services.contracts.directory import Scope, StaffLanguage, StaffRole
from services.contracts.journal import EventType
from services.contracts.permissions import Action
from services.contracts.vocabulary import Category
from services.runtime.pages.forms import Form
from services.wording import Words


@dataclass(frozen=True)
class Register:
    """One list; `needs` is the right to keep it, `reads` the one to see it, where that is another."""

    name: str
    path: str
    collection: str
    add: Sequence[Field]
    change: Sequence[Field]
    needs: Action = Action.WRITE_DIRECTORY
    reads: Action | None = None
    removable: bool = False
    has_secret: bool = False
    """Adding an entry shows its secret, this once."""
    only_pauses: bool = False
    """Switching an entry off takes no access away."""
    week: Sequence[Field] = ()
    """Weekly hours of their own, which both forms ask; they are read together."""

    def address(self, identifier: str) -> str:
        """The API's address of an entry."""
        return self.collection + path(identifier)

    @property
    def asked(self) -> Sequence[Field]:
        """All that the form of an entry asks."""
        return (*self.change, *self.week)


_ACTIVE = Field("active", "flag")
_DEPARTMENT = Field("department", "choice", source="departments")
_STAFF = (
    Field("name", required=True, most=200, called="person_name"),
    Field("username", required=True, most=64),
    Field("roles", "many", required=True, codes=tuple(StaffRole), group="role"),
    _DEPARTMENT,
    Field("email", "email", most=254),
    Field("language", "choice", codes=tuple(StaffLanguage), group="language"),
    Field("password", "password", most=200),
)
_SHIFT = (
    Field("staff", "choice", required=True, source="staff"),
    _DEPARTMENT,
    Field("from_at", "moment", required=True),
    Field("to_at", "moment", required=True),
)
_ROUTED = (
    Field("categories", "many", codes=tuple(Category), group="category"),
    Field("on_call_fallback", "choice", source="staff"),
    Field("calendar", "choice", source="calendars"),
    Field("default", "flag"),
)

PEOPLE = Register("people", "/people", "/v1/staff", _STAFF, (*_STAFF, _ACTIVE), week=staff_hours.FIELDS)
DEPARTMENTS = Register(
    "departments",
    "/people/departments",
    "/v1/departments",
    (Field("name", required=True, most=200), Field("id", most=64), *_ROUTED),
    (Field("name", required=True, most=200), *_ROUTED, _ACTIVE),
)
ON_CALL = Register(
    "on_call", "/people/on-call", "/v1/on-call", _SHIFT, _SHIFT, reads=Action.READ_DIRECTORY, removable=True
)
KEYS = Register(
    "keys",
    "/keys",
    "/v1/api-keys",
    (
        Field("name", required=True, most=200),
        Field("scopes", "many", required=True, codes=tuple(Scope), group="scope"),
        _DEPARTMENT,
    ),
    (Field("name", required=True, most=200), _ACTIVE),
    has_secret=True,
)

_RECEIVER = (
    Field("url", required=True, most=2000),
    Field("description", most=200),
    _DEPARTMENT,
    Field("types", "many", codes=tuple(EventType), group="event", aside=True),
)
WEBHOOKS = Register(
    "webhooks",
    "/keys/webhooks",
    "/v1/webhooks",
    _RECEIVER,
    (*_RECEIVER, _ACTIVE),
    needs=Action.WRITE_WEBHOOK,
    removable=True,
    has_secret=True,
    only_pauses=True,
)

TABS: Mapping[str, Sequence[tuple[str, str]]] = {
    "people": tuple((each.name, each.path) for each in (PEOPLE, DEPARTMENTS, ON_CALL)),
    "keys": (*((each.name, each.path) for each in (KEYS, WEBHOOKS)), ("texts", "/keys/texts")),
}
"""Pages beside one another, by the first part of their address: name and address of each."""

_MAY_BE_EMPTY = frozenset({"department", "email", "language", "on_call_fallback", "calendar"})
_KEPT_WHEN_EMPTY = frozenset({"password"})


def addition(form: Form, register: Register, zone: ZoneInfo, words: Words) -> tuple[dict[str, Any], dict[str, str]]:
    """The body that makes an entry, and what cannot be read."""
    body, errors = _read(form, register, register.add, zone, words)
    return {name: value for name, value in body.items() if value is not None}, errors


def change(form: Form, register: Register, zone: ZoneInfo, words: Words) -> tuple[dict[str, Any], dict[str, str]]:
    """The body that brings an entry to what the form says: a field that was emptied is emptied, a box without its
    tick is off; only a password left empty stays."""
    body, errors = _read(form, register, register.change, zone, words)
    for each in register.change:
        if each.name in body or each.name in errors or each.name in _KEPT_WHEN_EMPTY:
            continue
        if each.type == "flag":
            body[each.name] = False
        elif each.type == "many":
            body[each.name] = []
        elif each.name == "description":
            body[each.name] = ""
        elif each.name in _MAY_BE_EMPTY:
            body[each.name] = None
    return body, errors


def standing(entry: Mapping[str, Any], register: Register, zone: ZoneInfo) -> Typed:
    """The form of an entry before anybody types."""
    values = {
        each.name: [local_moment(entry.get(each.name), zone)] if each.type == "moment" else stored(entry.get(each.name))
        for each in register.change
    }
    return Typed(values | (staff_hours.standing(entry) if register.week else {}))


def drawn_from(entry: Mapping[str, Any], register: Register) -> dict[str, Any]:
    """The part of an entry that an administrator can change; the order of what is ticked says nothing."""
    names = [each.name for each in register.change] + (["hours", "time_zone"] if register.week else [])
    return {name: _unordered(entry[name]) for name in names if name in entry}


def is_outdated(carried: str, entry: Mapping[str, Any], register: Register, wanted: Mapping[str, Any] | None) -> bool:
    """Whether somebody changed an entry since its form was drawn, to something else than the form wants; `wanted` is
    None where the form asks for something else than a change."""
    present = drawn_from(entry, register)
    changed = {name: _unordered(value) for name, value in (wanted or {}).items() if name not in _KEPT_WHEN_EMPTY}
    is_done = wanted is not None and fingerprints.says_already(present, changed)
    return fingerprints.is_outdated(carried, present) and not is_done


def title(entry: Mapping[str, Any], present: Present, person: Callable[[str], str]) -> str:
    """The name of an entry in a sentence: a shift by whose it is and when, a webhook by its address."""
    if "from_at" in entry:
        return f"{person(entry['staff'])} {present.text(entry['from_at'])} – {present.text(entry['to_at'])}"
    return str(entry.get("name") or entry.get("url") or "")


def _read(
    form: Form, register: Register, fields: Sequence[Field], zone: ZoneInfo, words: Words
) -> tuple[dict[str, Any], dict[str, str]]:
    body, errors = body_of(form, fields, zone, words)
    if not register.week:
        return body, errors
    hours, wrong = staff_hours.read(form, zone, words)
    return body | hours, errors | wrong


def _unordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
