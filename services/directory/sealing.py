"""Secrets inside remembered answers: a replay must tell an API key again, the database must not know it."""

import hashlib
import hmac
import json

from fastapi.responses import JSONResponse
from joserfc import jwe
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Seal:
    """Encrypts with a key made from the services' secret, which the database never holds."""

    def __init__(self, secret: str) -> None:
        derived = hmac.new(secret.encode(), b"directory: secrets in remembered answers", hashlib.sha256).digest()
        self._key = OctKey.import_key(derived)

    def close(self, secret: str) -> str:
        """Seal a secret."""
        return jwe.encrypt_compact(_HEADER, secret, self._key)

    def unseal(self, answer: JSONResponse, field: str) -> JSONResponse:
        """The same answer with the sealed `field` of its body in the clear."""
        body = json.loads(bytes(answer.body))
        body[field] = self._open(body[field])
        kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return JSONResponse(body, status_code=answer.status_code, headers=kept)

    def _open(self, sealed: str) -> str:
        plain = jwe.decrypt_compact(sealed, self._key).plaintext
        return (plain or b"").decode()
