"""Identity of a sender: contacts in one spelling, and the record that a customer number or contact stands for."""

import hashlib
import hmac
import unicodedata

from services.contracts.feedback import Customer
from services.intake.customers.phones import NoPhone, is_phone, is_shared, stored_phone
from services.intake.wording import WORDING
from services.runtime.errors import ValidationFailed

CONTACTS = ("phone", "email", "wechat_open_id")
"""Contacts by strength: the first one given finds the customer, unless a customer number does."""


def normalised(customer: Customer, pointer: str = "/customer", *, lenient: bool = False) -> Customer:
    """Spell the contacts in one way: phone in E.164, e-mail in lower case; the same customer where they are. With
    `lenient` a phone that cannot be one stays as it was typed, if there is another contact.

    Raises:
        ValidationFailed: the phone cannot be one; `pointer` is where the customer stands in the body.
    """
    changes: dict[str, str] = {}
    if customer.email:
        changes["email"] = customer.email.lower()
    if customer.phone:
        try:
            changes["phone"] = stored_phone(customer.phone)
        except NoPhone as refusal:
            if not (lenient and (customer.email or customer.wechat_open_id)):
                why = WORDING.told("wrong", refusal.reason)
                raise ValidationFailed.at(f"{pointer}/phone", refusal.reason, why) from refusal
    is_spelled = all(getattr(customer, name) == spelling for name, spelling in changes.items())
    return customer if is_spelled else customer.model_copy(update=changes)


def unusable(customer: Customer) -> tuple[str, ...]:
    """The names of the contacts that are kept as they were typed and reach nobody."""
    return ("phone",) if customer.phone and not is_phone(customer.phone) else ()


def usable(customer: Customer) -> Customer:
    """The customer without such contacts."""
    return customer.model_copy(update=dict.fromkeys(unusable(customer))) if unusable(customer) else customer


def strongest_contact(customer: Customer) -> str | None:
    """The name of the contact that stands for the customer."""
    return next((name for name in CONTACTS if getattr(customer, name)), None)


def person_behind(customer: Customer) -> str | None:
    """The person that a contact of several people stands for, by their name; None where the contact is one person's."""
    is_one_of_many = strongest_contact(customer) == "phone" and is_shared(customer.phone or "")
    return folded_name(customer.name) if is_one_of_many and customer.name else None


def folded_name(name: str) -> str:
    """A name as names are compared: without spaces, width and case. The statements do the same."""
    return unicodedata.normalize("NFKC", name).replace(" ", "").lower()


def identity_of(customer: Customer, secret: bytes) -> str | None:
    """The key under which a record of this customer is unique: customer number, else the strongest contact, with the
    name where several people share it.

    It is hashed with the secret, because PostgreSQL quotes conflicting keys in its log.
    """
    name = "customer_no" if customer.customer_no else strongest_contact(customer)
    if name is None:
        return None
    person = person_behind(customer) if name == "phone" else None
    meant = getattr(customer, name) + (f"\n{person}" if person else "")
    return f"{name}:{hmac.digest(secret, meant.encode(), hashlib.sha256).hex()}"
