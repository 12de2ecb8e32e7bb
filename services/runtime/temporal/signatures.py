"""Proof that our services wrote what the engine hands over: every payload carries their signature.

The engine asks nobody who they are, so whoever reaches its port can send Updates and signals, start workflows and give
activities to our workers. A payload without a valid signature is refused where it would be read, and only there: a
forged Update is rejected without a trace, a forged signal dropped, and a forged workflow or activity fails at once.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, NoReturn

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError

FORGED = "forged"
"""Error type: no service of ours has written this."""
_PURPOSE = b"payloads of the engine"
_SIGNATURE = "signature"
_UNSIGNED = "binary/unsigned"


class Signatures(PayloadCodec, WithSerializationContext):
    """Signs what our processes give to the engine, and marks what others did.

    A signature holds for one workflow's id: what a ticket was told is no command to another. It does not tell the first
    time from the second; repeats are known by what they say.
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("set BIHUAN_INTERNAL_SECRET: with it services sign what they give to the engine")
        self._key = hmac.digest(secret.encode(), _PURPOSE, "sha256")
        self._begin = _part(b"")

    @property
    def fingerprint(self) -> str:
        """Names the key without telling it."""
        return hashlib.sha256(self._key).hexdigest()[:8]

    def with_context(self, context: SerializationContext) -> "Signatures":
        """The same key for the payloads of one workflow."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        one = copy(self)
        one._begin = _part((context.workflow_id or "").encode())
        return one

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Sign; the data stay readable for whoever looks at a history."""
        return [
            Payload(metadata={**payload.metadata, _SIGNATURE: self._sign(payload)}, data=payload.data)
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Let through what is signed, and mark everything else: to refuse here would stop the whole workflow."""
        return [payload if self._is_ours(payload) else _marked() for payload in payloads]

    def _is_ours(self, payload: Payload) -> bool:
        return hmac.compare_digest(payload.metadata.get(_SIGNATURE, b""), self._sign(payload))

    def _sign(self, payload: Payload) -> bytes:
        return hmac.digest(self._key, b"".join((self._begin, *_metadata(payload), _part(payload.data))), "sha256")


class _Refusing(EncodingPayloadConverter):
    """Reads what `Signatures` has marked: by failing, in a way that ends what it belongs to and not more."""

    @property
    def encoding(self) -> str:
        """The mark."""
        return _UNSIGNED

    def to_payload(self, value: Any) -> None:
        """Nothing is written so."""
        del value

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        """Refuse.

        Raises:
            ApplicationError: always, of type `FORGED`.
        """
        del payload, type_hint
        raise ApplicationError("no service of ours has written this", type=FORGED, non_retryable=True)


_ENCODINGS = {each.encoding.encode(): each for each in (*PydanticPayloadConverter().converters.values(), _Refusing())}
"""By name, built once: of the pydantic one each builds and keeps what reads a model."""


class Converter(CompositePayloadConverter):
    """Pydantic's JSON, and a refusal of what nobody of ours has signed.

    The SDK builds one for every run, for every task and for every call, so it costs nothing.
    """

    def __init__(self) -> None:
        self.converters = _ENCODINGS


def signed_converter(secret: str) -> DataConverter:
    """The data converter that every process shares.

    Raises:
        ValueError: there is no secret to sign with.
    """
    return DataConverter(payload_converter_class=Converter, payload_codec=Signatures(secret))


def _metadata(payload: Payload) -> Iterator[bytes]:
    for name in sorted(payload.metadata):
        if name != _SIGNATURE:
            yield _part(name.encode())
            yield _part(payload.metadata[name])


def _part(content: bytes) -> bytes:
    """Its length before it, so that no two payloads are signed as the same bytes."""
    return len(content).to_bytes(8, "big") + content


def _marked() -> Payload:
    return Payload(metadata={"encoding": _UNSIGNED.encode()})
