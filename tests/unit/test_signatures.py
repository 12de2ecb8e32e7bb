"""Payloads of the engine: what our services have signed is read, everything else fails where it is read."""

from collections.abc import Callable

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from services.contracts.journal import SYSTEM, Actor
from services.runtime.temporal.signatures import FORGED, signed_converter


def of(workflow_id: str, key: str = "ours") -> DataConverter:
    return signed_converter(key).with_context(WorkflowSerializationContext("default", workflow_id))


async def signed(workflow_id: str = "ticket-1", key: str = "ours") -> Payload:
    (payload,) = await of(workflow_id, key).encode([SYSTEM])
    return payload


async def test_what_is_signed_is_read_and_stays_readable_in_a_history() -> None:
    payload = await signed()
    assert await of("ticket-1").decode([payload], [Actor]) == [SYSTEM]
    assert payload.data == SYSTEM.model_dump_json().encode()


async def test_what_an_earlier_release_has_signed_is_read() -> None:
    signature = bytes.fromhex("b85fee04eca358e5054d19c00b5b280da0f2df2404bf123ca6be58725f84074d")
    stored = Payload(
        metadata={"encoding": b"json/plain", "signature": signature}, data=b'{"kind":"system","id":"workflow"}'
    )
    assert await of("ticket-1").decode([stored], [Actor]) == [SYSTEM]


def _other_data(payload: Payload) -> None:
    payload.data = payload.data.replace(b"system", b"staff")


def _other_encoding(payload: Payload) -> None:
    payload.metadata["encoding"] = b"binary/plain"


def _more_metadata(payload: Payload) -> None:
    payload.metadata["messageType"] = b"x"


def _no_signature(payload: Payload) -> None:
    del payload.metadata["signature"]


def _empty_signature(payload: Payload) -> None:
    payload.metadata["signature"] = b""


@pytest.mark.parametrize("change", [_other_data, _other_encoding, _more_metadata, _no_signature, _empty_signature])
async def test_what_was_changed_or_never_signed_is_refused(change: Callable[[Payload], None]) -> None:
    payload = await signed()
    change(payload)
    with pytest.raises(ApplicationError) as refused:
        await of("ticket-1").decode([payload], [Actor])
    assert (refused.value.type, refused.value.non_retryable) == (FORGED, True)


@pytest.mark.parametrize(("workflow_id", "key"), [("ticket-2", "ours"), ("ticket-1", "theirs"), ("", "ours")])
async def test_what_was_signed_for_another_workflow_or_with_another_secret_is_refused(
    workflow_id: str, key: str
) -> None:
    with pytest.raises(ApplicationError):
        await of("ticket-1").decode([await signed(workflow_id, key)], [Actor])


async def test_only_what_is_forged_is_refused() -> None:
    forged = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    codec = of("ticket-1").payload_codec
    assert codec is not None
    read = await codec.decode([forged, payload := await signed()])
    assert read[1] == payload
    assert read[0].metadata["encoding"] != b"json/plain"


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="BIHUAN_INTERNAL_SECRET"):
        signed_converter("")
