"""Addresses of people: asked at the moment of sending, kept by nobody but its owner (product.md 11)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from services.contracts.base import Line, Message
from services.contracts.notice import NoticeChannel


class Revealed(StrEnum):
    """The part of a customer's data that somebody was shown, as the audit log says it."""

    CONTACT = "contact"
    TICKET_LINK = "ticket_link"
    SURVEY_LINK = "survey_link"
    LOOKUP = "lookup"
    """Nothing but whether somebody has this whole contact, and who."""


class ContactReader(Message):
    """The person to whom an answer is shown; the audit log names them."""

    kind: str
    id: str
    request_id: str


class LinkHandOver(Message):
    """`POST /internal/audit/hand-overs`: a customer's link is given to the reader, who is to hand it over."""

    reader: ContactReader
    what: Revealed
    customer_id: str
    ticket_no: str


class AddressAsk(Message):
    """The customer of one ticket."""

    ticket_no: str
    customer_id: str


class AddressQuestion(Message):
    """`POST /internal/customers/addresses`. With a `reader` each ask is a reading of a contact and logged; without one
    the address is used to send something and shown to nobody."""

    asks: Annotated[tuple[AddressAsk, ...], Field(max_length=200)]
    reader: ContactReader | None = None


class CustomerAddress(Message):
    """A customer's addresses for a ticket; `ticket_link` is their link to it. Unknown customers have nothing."""

    ticket_no: str
    customer_id: str
    name: Line | None = None
    email: str | None = None
    masked_email: str | None = None
    ticket_link: str | None = None


class Unreached(StrEnum):
    """The reason that nothing reaches a customer, or that nobody can say."""

    NO_ADDRESS = "no_address"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    NOT_KNOWN = "not_known"
    """Who would know does not answer."""


class Reach(Message):
    """The way in which our messages reach a ticket's customer now: channel and address, shortened; else why not."""

    channel: NoticeChannel | None = None
    address: str | None = None
    reason: Unreached | None = None

    @property
    def goes(self) -> bool:
        """Whether something goes; what cannot be known is believed of whoever says it."""
        return self.channel is not None or self.reason is Unreached.NOT_KNOWN


class AddressInPart(Message):
    """The part of an address that decides how its customer is reached, for whoever sends nothing: whether it is known,
    and the e-mail address, shortened."""

    known: bool = False
    masked_email: str | None = None


class ReachQuestion(Message):
    """`POST /internal/reach`: how customers are reached who have these addresses."""

    addresses: Annotated[tuple[AddressInPart, ...], Field(max_length=200)]
