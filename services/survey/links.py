"""The link of one survey: made again at will, found by its hash, guessed by nobody (invariant I13)."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

# People's chat programs take the stop, quote or bracket that follows a link for a part of it.
_TOKEN = re.compile(r"([A-Za-z0-9_-]{43})(?![A-Za-z0-9])", re.ASCII)


class SurveyLinks:
    """Signs links for one purpose, answering one survey. Another nonce on its row revokes the link before."""

    _PURPOSE = "survey"

    def __init__(self, public_url: str, secret: str) -> None:
        self._base = f"{public_url}/s/"
        self._secret = secret.encode()

    def token(self, survey_id: str, nonce: str) -> str:
        """The token; the row stores only its hash, by which it is found, so a new secret revokes nothing."""
        signed = f"{self._PURPOSE}|{survey_id}|{nonce}".encode()
        return urlsafe_b64encode(hmac.digest(self._secret, signed, hashlib.sha256)).decode().rstrip("=")

    def to(self, survey_id: str, nonce: str) -> str:
        """The address of the survey's page."""
        return self._base + self.token(survey_id, nonce)


def new_nonce() -> str:
    """The secret part of a link: 192 random bits."""
    return secrets.token_urlsafe(24)


def token_in(address: str) -> str | None:
    """The token that the last part of an address begins with, whatever punctuation follows it; None for no token."""
    found = _TOKEN.match(address)
    return found[1] if found else None


def token_hash(token: str | None) -> bytes | None:
    """The hash that a token is found by."""
    return hashlib.sha256(token.encode()).digest() if token else None
