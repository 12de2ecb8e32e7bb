"""Messages as receivers get them (api.md "Webhooks and events"), for the OpenAPI document: nothing here is called."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import ConfigDict, Field, JsonValue

from services.contracts.base import Instant, Message
from services.contracts.journal import EventType
from services.contracts.vocabulary import Phase
from services.notify.webhooks.schemas import TEST_TYPE

_DESCRIPTION = """Sent by POST to the address of every webhook that wants this type; checked by the libraries of
[Standard Webhooks](https://www.standardwebhooks.com) with the webhook's secret. A 2xx within the time limit is success;
everything else is tried again for about 3 days with growing pauses, `Retry-After` is honoured, and 410 switches the
webhook off. The same event can come more than once, under the same `webhook-id`; events of a ticket come in the order
of `seq`.
"""
_TAKEN: Mapping[int | str, dict[str, Any]] = {200: {"description": "Taken; the answer's body is not read."}}

MessageId = Annotated[str, Header(alias="webhook-id", description="Of the event: the same at every try.")]
SentAt = Annotated[str, Header(alias="webhook-timestamp", description="When it was sent, in seconds since 1970.")]
Signature = Annotated[
    str,
    Header(alias="webhook-signature", description="`v1,` and a HMAC-SHA256 in base64; several while a secret rotates."),
]


class WebhookData(Message):
    """An event's data: phases before and after, the cycle, and what this type of event tells besides; no contacts, no
    free text, and no words that people choose themselves (subcategories, tags, reasons of closing)."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, serialize_by_alias=True)
    __pydantic_extra__: dict[str, JsonValue]

    from_: Phase | None = Field(alias="from")
    to: Phase
    cycle: int


class WebhookMessage(Message):
    """One event of a ticket."""

    type: EventType
    id: str = Field(description="As in the header `webhook-id`.")
    occurred_at: Instant
    ticket_no: str
    seq: int = Field(ge=1, description="The place in the ticket's journal; not every webhook gets every event.")
    data: WebhookData


class WebhookTest(Message):
    """The message that `POST /v1/webhooks/{webhook_id}/test` sends: an event of no ticket."""

    type: Literal["webhook.test"]
    id: str
    occurred_at: Instant
    ticket_no: None
    seq: None
    data: dict[str, JsonValue]


router = APIRouter(tags=["webhooks"])


def _receive(body: WebhookMessage, webhook_id: MessageId, sent_at: SentAt, signature: Signature) -> None:
    pass


def _receive_test(body: WebhookTest, webhook_id: MessageId, sent_at: SentAt, signature: Signature) -> None:
    pass


def _tell(type_: str, receive: Callable[..., None], summary: str) -> None:
    name = "receive_" + type_.replace(".", "_")
    router.add_api_route(
        type_,
        receive,
        methods=["POST"],
        operation_id=name,
        summary=summary,
        description=_DESCRIPTION,
        responses=dict(_TAKEN),
    )


for _type in EventType:
    _tell(_type, _receive, f"Receive {_type}")
_tell(TEST_TYPE, _receive_test, "Receive what a test sends")
