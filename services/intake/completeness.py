"""What a feedback must say to be registered, and what it must say to be complete (product.md 4)."""

from datetime import datetime, timedelta

from services.contracts.asked_fields import AskedField
from services.contracts.feedback import Customer, Feedback, Product
from services.contracts.words import Channel, Kind
from services.intake.identity import strongest_contact, usable
from services.runtime.errors import FieldError

BRINGS_AN_ADDRESS = frozenset({Channel.EMAIL, Channel.WECHAT, Channel.SOCIAL, Channel.IMPORT})
"""Channels whose messages come with their own sender; all others are forms and programs that ask for one."""

_AHEAD = timedelta(days=1)
_NEEDS_THE_PRODUCT = frozenset({Kind.COMPLAINT, Kind.FAULT})


def has_contact(customer: Customer) -> bool:
    """Whether the customer can be reached at all."""
    return strongest_contact(usable(customer)) is not None


def refuse_reasons(feedback: Feedback, received_at: datetime) -> list[FieldError]:
    """What keeps the feedback from being registered at all; empty for nothing."""
    errors: list[FieldError] = []
    if feedback.channel not in BRINGS_AN_ADDRESS:
        errors += _without_sender(feedback.customer)
    if feedback.occurred_at is not None and feedback.occurred_at > received_at + _AHEAD:
        errors.append(
            {
                "pointer": "/occurred_at",
                "code": "in_the_future",
                "message": {"en": "must not lie in the future", "zh": "不能晚于当前时间"},
            }
        )
    bought = feedback.product.purchased_on
    if bought is not None and bought > (received_at + _AHEAD).date():
        errors.append(
            {
                "pointer": "/product/purchased_on",
                "code": "in_the_future",
                "message": {"en": "must not lie in the future", "zh": "不能晚于当前时间"},
            }
        )
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
        errors.append(
            {
                "pointer": "/customer/name",
                "code": "required",
                "message": {"en": "a name is required", "zh": "请填写姓名"},
            }
        )
    if not has_contact(customer):
        errors.append(
            {
                "pointer": "/customer",
                "code": "required",
                "message": {
                    "en": "give a phone number, an e-mail address or a WeChat id",
                    "zh": "请填写电话、电子邮箱或微信号",
                },
            }
        )
    return errors
