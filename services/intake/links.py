"""The customer's link to their own ticket: made again at will, guessed by nobody (invariant I13)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode


class TicketLinks:
    """Signs links for one purpose, seeing one's own ticket. Another generation of a ticket's link revokes the last."""

    _PURPOSE = "ticket"

    def __init__(self, public_url: str, secret: str) -> None:
        self._base = f"{public_url}/t/"
        self._secret = secret.encode()

    def to(self, ticket_no: str, generation: int) -> str:
        """The address of the ticket's page."""
        return f"{self._base}{ticket_no}.{generation}.{self._signature(ticket_no, generation)}"

    def _signature(self, ticket_no: str, generation: int) -> str:
        signed = f"{self._PURPOSE}|{ticket_no}|{generation}".encode()
        return urlsafe_b64encode(hmac.digest(self._secret, signed, hashlib.sha256)).decode().rstrip("=")
