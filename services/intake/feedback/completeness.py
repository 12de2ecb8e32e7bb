"""Requirements on a feedback: to be registered, and to be complete (product.md 4)."""

from datetime import datetime, timedelta

from services.contracts.asked_fields import AskedField
from services.contracts.feedback import Customer, Feedback, Product, Supplement
from services.contracts.vocabulary import Channel, Kind
from services.intake.customers.identity import strongest_contact, usable
from services.intake.wording import WORDING
from services.runtime.errors import FieldError

BRINGS_AN_ADDRESS = frozenset({Channel.EMAIL, Channel.WECHAT, Channel.SOCIAL, Channel.IMPORT})
"""Channels whose messages come with their own sender; all others are forms and programs that ask for one."""

_A_DAY = timedelta(days=1)
_NEEDS_THE_PRODUCT = frozenset({Kind.COMPLAINT, Kind.FAULT})


def has_contact(customer: Customer) -> bool:
    """Whether the customer can be reached at all."""
    return strongest_contact(usable(customer)) is not None


def refuse_reasons(feedback: Feedback, received_at: datetime) -> list[FieldError]:
    """Faults that keep the feedback from being registered at all; empty for none."""
    errors: list[FieldError] = []
    if feedback.channel not in BRINGS_AN_ADDRESS:
        errors += _without_sender(feedback.customer)
    return [*errors, *impossible_dates(feedback, received_at)]


def impossible_dates(told: Feedback | Supplement, at: datetime) -> list[FieldError]:
    """Faults of dates: past ones that lie ahead, wished ones that lie behind; a day more for zones and wrong clocks."""
    bought, wanted = told.product.purchased_on if told.product else None, told.expected_by
    errors: list[FieldError] = []
    if told.occurred_at is not None and told.occurred_at > at + _A_DAY:
        errors.append(_fault("/occurred_at", "in_the_future"))
    if bought is not None and bought > (at + _A_DAY).date():
        errors.append(_fault("/product/purchased_on", "in_the_future"))
    day = wanted.date() if isinstance(wanted, datetime) else wanted
    if day is not None and day < (at - _A_DAY).date():
        errors.append(_fault("/expected_by", "in_the_past"))
    return errors


def missing_from(kind: Kind, customer: Customer, product: Product) -> tuple[str, ...]:
    """Names of what a feedback lacks to be complete, as `missing` shows them and a clerk asks for them."""
    missing: list[str] = []
    if not has_contact(customer):
        missing.append(AskedField.CONTACT)
    if kind in _NEEDS_THE_PRODUCT and not (product.order_no or product.serial_no):
        missing.append(AskedField.ORDER_NO_OR_SERIAL_NO)
    return tuple(missing)


def _without_sender(customer: Customer) -> list[FieldError]:
    errors: list[FieldError] = []
    if not customer.name:
        errors.append(_fault("/customer/name", "required", "without_name"))
    if not has_contact(customer):
        errors.append(_fault("/customer", "required", "without_contact"))
    return errors


def _fault(pointer: str, code: str, text: str = "") -> FieldError:
    return {"pointer": pointer, "code": code, "message": WORDING.told("refused", text or code)}
