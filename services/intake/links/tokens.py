"""The customer's link to their own ticket: made again at will, guessed by nobody (invariant I13)."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import NamedTuple

# People's chat programs take the stop, quote or bracket that follows a link for a part of it.
_TOKEN = re.compile(
    r"([0-9]{11,20})\.([1-9][0-9]{0,8})\.(?:h([1-9][0-9]{0,17})\.)?([A-Za-z0-9_-]{43})(?![A-Za-z0-9])", re.ASCII
)


class OpenedLink(NamedTuple):
    """A link that a token stands for; whether its generation is still the ticket's is the ticket's to say. `hand_over`
    is the line of the audit log where staff were given it; None for a link that went to the customer alone."""

    ticket_no: str
    generation: int
    hand_over: int | None = None


class TicketLinks:
    """Signs links for one purpose, seeing one's own ticket. Another generation of a ticket's link revokes the last."""

    _PURPOSE = "ticket"

    def __init__(self, public_url: str, secret: str) -> None:
        self._base = f"{public_url}/t/"
        self._secret = secret.encode()

    def to(self, ticket_no: str, generation: int, hand_over: int | None = None) -> str:
        """The address of the ticket's page."""
        return f"{self._base}{self.token(ticket_no, generation, hand_over)}"

    def token(self, ticket_no: str, generation: int, hand_over: int | None = None) -> str:
        """The part of the address that is the customer's secret."""
        handed = f"h{hand_over}." if hand_over else ""
        return f"{ticket_no}.{generation}.{handed}{self._signature(ticket_no, generation, hand_over)}"

    def opened(self, token: str) -> OpenedLink | None:
        """Open the link that a token stands for, whatever punctuation follows it; None for one that nobody here made.
        Takes the same time wherever it is wrong."""
        found = _TOKEN.match(token)
        if found is None:
            return None
        opened = OpenedLink(found[1], int(found[2]), int(found[3]) if found[3] else None)
        if not hmac.compare_digest(found[4], self._signature(*opened)):
            return None
        return opened

    def _signature(self, ticket_no: str, generation: int, hand_over: int | None = None) -> str:
        handed = f"|{hand_over}" if hand_over else ""
        signed = f"{self._PURPOSE}|{ticket_no}|{generation}{handed}".encode()
        return urlsafe_b64encode(hmac.digest(self._secret, signed, hashlib.sha256)).decode().rstrip("=")
