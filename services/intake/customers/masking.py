"""Contacts as those see them who do not handle the ticket: `138****8000` (product.md 11)."""

from collections.abc import Callable, Mapping

from services.contracts.feedback import Customer, CustomerView
from services.intake.customers.phones import split

_HOME_CODE = "+86"
_SHOWN_AT_THE_END = 4
_SHORT = 9


def mask_phone(phone: str) -> str:
    """Keep the first three and last four digits, fewer of a short number; the home country's code is left out, and of
    an extension only that there is one."""
    number, extension = split(phone)
    digits = number.removeprefix(_HOME_CODE)
    kept = f"{digits[:3]}****{digits[-_SHOWN_AT_THE_END:]}" if len(digits) >= _SHORT else f"****{digits[-2:]}"
    return f"{kept}-***" if extension else kept


def mask_email(email: str) -> str:
    """Keep the first letter and the domain."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"


def mask_name(name: str) -> str:
    """Keep the first character: the family name of most Chinese names."""
    return f"{name[:1]}*"


def mask_identifier(identifier: str) -> str:
    """Keep the first three characters."""
    return f"{identifier[:3]}****"


def masked_customer(customer: Customer) -> Customer:
    """The sender of a feedback, shortened."""
    return customer.model_copy(update=_shortened(customer))


def masked_view(view: CustomerView) -> CustomerView:
    """A customer on a ticket, shortened; number and tier stay, they reach nobody."""
    return view.model_copy(update={**_shortened(view), "masked": True})


_MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "phone": mask_phone,
    "email": mask_email,
    "wechat_open_id": mask_identifier,
}


def _shortened(stated: Customer | CustomerView) -> dict[str, str]:
    return {field: mask(given) for field, mask in _MASKS.items() if (given := getattr(stated, field))}
