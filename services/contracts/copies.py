"""Copies: reports of other customers that were merged into a ticket, and whose customers stay informed of it."""

from services.contracts.base import Message


class JoinedCopy(Message):
    """A copy, its customer, and the language in which they are told."""

    ticket_no: str
    customer_id: str
    language: str
