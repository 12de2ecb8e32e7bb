"""Who a sender is: contacts in one spelling, and the record that a customer number or contact stands for."""

import hashlib
import hmac
import re

import phonenumbers

from services.contracts.feedback import Customer
from services.runtime.errors import ValidationFailed

_REGION = "CN"
# Nearly every phone is a mobile one of the home country; asking the library costs more than all other checks together.
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)

CONTACTS = ("phone", "email", "wechat_open_id")
"""Contacts by strength: the first one given finds the customer, unless a customer number does."""


def normalised(customer: Customer, pointer: str = "/customer") -> Customer:
    """Spell the contacts in one way: phone in E.164, e-mail in lower case.

    Raises:
        ValidationFailed: the phone cannot be one; `pointer` is where the customer stands in the body.
    """
    changes: dict[str, str] = {}
    if customer.phone:
        changes["phone"] = _e164(customer.phone, f"{pointer}/phone")
    if customer.email:
        changes["email"] = customer.email.lower()
    return customer.model_copy(update=changes) if changes else customer


def strongest_contact(customer: Customer) -> str | None:
    """The name of the contact that stands for the customer."""
    return next((name for name in CONTACTS if getattr(customer, name)), None)


def identity_of(customer: Customer, secret: bytes) -> str | None:
    """The key under which a record of this customer is unique: customer number, else the strongest contact.

    It is hashed with the secret, because PostgreSQL quotes conflicting keys in its log.
    """
    name = "customer_no" if customer.customer_no else strongest_contact(customer)
    if name is None:
        return None
    return f"{name}:{hmac.digest(secret, getattr(customer, name).encode(), hashlib.sha256).hex()}"


def _e164(phone: str, pointer: str) -> str:
    if mobile := _MOBILE.fullmatch(phone):
        return f"+86{mobile[1]}"
    try:
        number = phonenumbers.parse(phone, _REGION)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValidationFailed.at(
            pointer, "impossible_phone", {"en": "this cannot be a phone number", "zh": "这不是有效的电话号码"}
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
