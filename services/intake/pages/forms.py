"""From what customers type to feedback and commands, and from what is wrong with those back to the field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.contracts.asked_fields import AskedField
from services.contracts.base import format_instant
from services.contracts.feedback import Feedback
from services.contracts.vocabulary import Channel, CommandName
from services.intake.customers.phones import NoPhone, stored_phone
from services.runtime.errors import FieldError
from services.runtime.http.problems import field_errors
from services.runtime.pages.forms import Form

Errors = dict[str, str]
"""What is wrong, as a code by the name of the field, in the order of the form."""

_POINTERS: Mapping[str, str] = {
    "kind": "/kind",
    "description": "/description",
    "safety": "/impact/safety_risk",
    "serial_no": "/product/serial_no",
    "model": "/product/model",
    "name": "/customer/name",
    "phone": "/customer/phone",
    "email": "/customer/email",
    "order_no": "/product/order_no",
    "purchased_on": "/product/purchased_on",
    "occurred_on": "/occurred_at",
    "situation": "/situation",
    "tried": "/already_tried",
    "wish": "/desired_solution",
    "needed_on": "/expected_by",
    "about": "/complaint_about",
    "affected": "/impact/affected_count",
    "message": "/message",
    "reason": "/reason",
}
"""Where the API keeps what a field of a page holds, in the order of the form. Phone and e-mail are typed into
`contact`."""

_ASKED: Mapping[str, tuple[str, ...]] = {
    **{pointer[1:].replace("/", "."): (name,) for name, pointer in _POINTERS.items()},
    **dict.fromkeys((AskedField.CUSTOMER, AskedField.CONTACT, AskedField.PHONE, AskedField.EMAIL), ("contact",)),
    **dict.fromkeys((AskedField.PRODUCT, AskedField.ORDER_NO_OR_SERIAL_NO), ("serial_no", "order_no")),
    AskedField.IMPACT: ("safety", "affected"),
}
"""The fields that a question of the staff opens on the customer's page; what few customers know is told in words."""

_WRITTEN = {CommandName.CUSTOMER_MESSAGE: "message", CommandName.REOPEN: "reason"}


class WrongForm(Exception):
    """A form that cannot be taken as it is."""

    def __init__(self, errors: Errors) -> None:
        self.errors = errors
        super().__init__(*errors)


def feedback_of(form: Form, channel: Channel, language: str, zone: ZoneInfo) -> Feedback:
    """The feedback that the form amounts to; who sends it agrees to its use, as the page says.

    Raises:
        WrongForm: everything that must be mended, so that nobody sends the form once for each mistake.
    """
    typed, errors = _body(form, _POINTERS, zone)
    for name in ("name", "contact"):
        if not form.one(name):
            errors[name] = "required"
    body = {"channel": channel, "language": language, "consent": True, **typed}
    try:
        feedback = Feedback.model_validate(body)
    except ValidationError as error:
        errors = errors_by_field(field_errors(error.errors())) | errors
    if errors:
        raise WrongForm(_in_order(errors))
    return feedback


def fields_asked(codes: Iterable[str]) -> tuple[str, ...]:
    """The fields of the page that answer these questions, each once."""
    return tuple(dict.fromkeys(name for code in codes for name in _ASKED.get(code, ())))


def body_of(command: CommandName, form: Form, zone: ZoneInfo) -> dict[str, Any]:
    """The body of a customer's command.

    Raises:
        WrongForm: nothing was said where something must be.
    """
    if command is CommandName.CONFIRM:
        return {}
    if command is CommandName.SUPPLY_INFORMATION:
        return _said(form, [name for name in _POINTERS if name != "reason"], "supply", zone)
    if command is CommandName.WITHDRAW:
        return _said(form, ["reason"], None, zone)
    name = _WRITTEN[command]
    return _said(form, [name], name, zone)


def errors_by_field(errors: Sequence[FieldError]) -> Errors:
    """Say at which field of the page each error belongs, in the order of the form; the first of a field counts."""
    found: Errors = {}
    for error in errors:
        found.setdefault(_field_at(error["pointer"]), error["code"])
    return _in_order(found)


def _field_at(pointer: str) -> str:
    if pointer in {"/customer", "/customer/phone", "/customer/email"}:
        return "contact"
    return next((name for name, known in _POINTERS.items() if known == pointer), "form")


def _in_order(errors: Errors) -> Errors:
    order = ["contact" if name == "phone" else name for name in _POINTERS] + list(errors)
    return dict(sorted(errors.items(), key=lambda pair: order.index(pair[0])))


def _said(form: Form, names: Sequence[str], needed: str | None, zone: ZoneInfo) -> dict[str, Any]:
    """Read what was typed into some fields; `needed` is where it is said that nothing was."""
    body, errors = _body(form, {name: _POINTERS[name] for name in names}, zone)
    if not body and not errors and needed:
        errors = {needed: "required"}
    if errors:
        raise WrongForm(_in_order(errors))
    return body


def _body(form: Form, pointers: Mapping[str, str], zone: ZoneInfo) -> tuple[dict[str, Any], Errors]:
    """Read what was typed, in the shape of the API, and what cannot be read; what was left empty is left out."""
    errors: Errors = {}
    body: dict[str, Any] = {}
    for name, value in _typed(form, pointers).items():
        try:
            _put(body, pointers[name], _READ[name](value, zone) if name in _READ else value)
        except NoPhone as refusal:
            errors["contact"] = refusal.reason
        except (ValueError, OverflowError):
            errors[name] = "unreadable"
    return body, errors


def _typed(form: Form, pointers: Mapping[str, str]) -> dict[str, str]:
    typed = {name: form.one(name) for name in pointers}
    if contact := form.one("contact"):
        typed["email" if "@" in contact or "＠" in contact else "phone"] = contact
    return {name: value for name, value in typed.items() if value}


def _put(body: dict[str, Any], pointer: str, value: Any) -> None:
    *outer, last = pointer.strip("/").split("/")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def _start_of_the_day(text: str, zone: ZoneInfo) -> str:
    return format_instant(datetime.combine(date.fromisoformat(text), time(), zone))


_READ: Mapping[str, Callable[[str, ZoneInfo], Any]] = {
    "occurred_on": _start_of_the_day,
    "affected": lambda text, _: int(text[:20]),
    "safety": lambda text, _: text == "yes",
    "phone": lambda text, _: stored_phone(text),
}
