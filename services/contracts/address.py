"""Where somebody is reached: asked at the moment of sending, kept by nobody but its owner (product.md 11)."""

from typing import Annotated

from pydantic import Field

from services.contracts.base import Line, Message


class Reader(Message):
    """The person to whom an answer is shown; the audit log names them."""

    kind: str
    id: str
    request_id: str


class AddressAsk(Message):
    """The customer of one ticket."""

    ticket_no: str
    customer_id: str


class AddressQuestion(Message):
    """`POST /internal/customers/addresses`. With a `reader` each ask is a reading of a contact and logged; without one
    the address is used to send something and shown to nobody."""

    asks: Annotated[tuple[AddressAsk, ...], Field(max_length=200)]
    reader: Reader | None = None


class CustomerAddress(Message):
    """How a customer is reached about a ticket; `ticket_link` is their link to it. Unknown customers have nothing."""

    ticket_no: str
    customer_id: str
    name: Line | None = None
    email: str | None = None
    ticket_link: str | None = None
