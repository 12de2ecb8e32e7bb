"""Secrets that the database must hold and must not know."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class BrokenSeal(Exception):
    """The text was sealed with another secret, or is damaged."""


class Seal:
    """Encrypts with a key made from a secret of the environment and a purpose, which keeps one use from another."""

    def __init__(self, secret: str, purpose: str) -> None:
        derived = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
        self._key = OctKey.import_key(derived)

    def close(self, secret: str) -> str:
        """Seal a secret."""
        return str(jwe.encrypt_compact(_HEADER, secret, self._key))

    def open(self, sealed: str) -> str:
        """The secret in the clear.

        Raises:
            Unreadable: this seal did not close it.
        """
        try:
            plain = jwe.decrypt_compact(sealed, self._key).plaintext
        except (JoseError, ValueError) as error:
            raise BrokenSeal from error
        return (plain or b"").decode()

    def opened(self, field: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with its sealed `field` in the clear: a replay tells an issued secret again."""
        return {**answer, field: self.open(answer[field])}
