"""HTTP of webhooks (api.md "Webhooks and events"). Administrators make them, and keys with the scope."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to
from services.contracts.base import Nothing
from services.contracts.permissions import Action
from services.notify.service import NotifyDep
from services.notify.webhooks import log
from services.notify.webhooks.schemas import (
    DeliveryFilters,
    DeliveryPage,
    DeliveryView,
    IssuedWebhook,
    NewWebhook,
    Redelivered,
    Redelivery,
    WebhookChange,
    WebhookPage,
    WebhookView,
    webhook_view,
)
from services.runtime.http.conditions import etag, if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, LOCATED, VERSIONED
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller

router = APIRouter(tags=["webhooks"])

Reader = Annotated[Caller, Depends(allowed_to(Action.READ_WEBHOOK))]
Writer = Annotated[Caller, Depends(allowed_to(Action.WRITE_WEBHOOK))]


async def _writer_of_this(notify: NotifyDep, caller: Writer, webhook_id: str) -> Caller:
    """The caller, who may change this webhook: refused before the body is looked at."""
    async with notify.resources.database.read() as connection:
        await notify.webhooks.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id)
    return caller


OwnWriter = Annotated[Caller, Depends(_writer_of_this)]
_SECRET = "secret"  # noqa: S105 - the name of a field


@router.get("/v1/webhooks", response_model=WebhookPage)
async def list_webhooks(
    notify: NotifyDep, caller: Reader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> WebhookPage:
    """List webhooks, those that are switched off included, without their secrets."""
    after = decode_cursor(cursor, int)[0] if cursor else None
    async with notify.resources.database.read() as connection:
        rows = await notify.webhooks.page(connection, caller, after, limit)
    following = encode_cursor([rows[limit - 1]["position"]]) if len(rows) > limit else None
    return WebhookPage(items=tuple(map(webhook_view, rows[:limit])), next_cursor=following)


@router.post("/v1/webhooks", status_code=201, response_model=IssuedWebhook, responses=LOCATED)
async def create_webhook(request: Request, notify: NotifyDep, caller: Writer, new: NewWebhook) -> Response:
    """Make a webhook: what happens from now on is sent to it. `secret` is shown in this answer, and in its replay, and
    never again. A key of a department makes webhooks of its department."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        view, sealed = await notify.webhooks.create(connection, caller, new)
        return _issued(view, sealed, 201, {"Location": f"/v1/webhooks/{view.id}"})

    return await notify.idempotency.once(request, caller, work, partial(notify.webhooks.secrets.seal.opened, _SECRET))


@router.get("/v1/webhooks/{webhook_id}", response_model=WebhookView, responses=VERSIONED)
async def read_webhook(notify: NotifyDep, caller: Reader, webhook_id: str) -> Response:
    """Show one webhook."""
    async with notify.resources.database.read() as connection:
        row = await notify.webhooks.find(connection, caller, Action.READ_WEBHOOK, webhook_id)
    return versioned(webhook_view(row))


@router.patch("/v1/webhooks/{webhook_id}", response_model=WebhookView, responses=VERSIONED, openapi_extra=CONDITIONAL)
async def change_webhook(
    request: Request, notify: NotifyDep, caller: OwnWriter, webhook_id: str, change: WebhookChange
) -> Response:
    """Change a webhook. `active` false switches it off: what waits is not sent any more, and what happens meanwhile is
    not kept for it. Another address is tried at once."""
    async with notify.resources.database.begin() as connection:
        view = await notify.webhooks.change(connection, caller, webhook_id, change, if_match(request))
    return versioned(view)


@router.delete("/v1/webhooks/{webhook_id}", response_model=WebhookView, openapi_extra=CONDITIONAL)
async def delete_webhook(request: Request, notify: NotifyDep, caller: OwnWriter, webhook_id: str) -> WebhookView:
    """Delete a webhook with its log; nothing is sent any more. Answers it as it was."""
    async with notify.resources.database.begin() as connection:
        return await notify.webhooks.delete(connection, caller, webhook_id, if_match(request))


@router.post("/v1/webhooks/{webhook_id}/rotate-secret", response_model=IssuedWebhook, responses=VERSIONED)
async def rotate_secret(
    request: Request, notify: NotifyDep, caller: OwnWriter, webhook_id: str, _: Annotated[Nothing, Body()]
) -> Response:
    """Draw another secret, shown in this answer alone. The one before signs along for a day (or what is configured), so
    that the receiver can change over."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        view, sealed = await notify.webhooks.rotate(connection, caller, webhook_id)
        return _issued(view, sealed, 200, {"ETag": etag(view.version)})

    return await notify.idempotency.once(request, caller, work, partial(notify.webhooks.secrets.seal.opened, _SECRET))


@router.get("/v1/webhooks/{webhook_id}/deliveries", response_model=DeliveryPage)
async def list_deliveries(
    notify: NotifyDep, caller: Reader, webhook_id: str, filters: Annotated[DeliveryFilters, Query()]
) -> DeliveryPage:
    """List what was sent or waits, the newest first, with every try. Deliveries that ended are kept for 30 days (or
    what is configured)."""
    async with notify.resources.database.read() as connection:
        await notify.webhooks.find(connection, caller, Action.READ_WEBHOOK, webhook_id)
        views, following = await log.page(connection, webhook_id, filters)
    return DeliveryPage(items=tuple(views), next_cursor=following)


@router.post("/v1/webhooks/{webhook_id}/redeliver", status_code=202, response_model=Redelivered)
async def redeliver(
    request: Request, notify: NotifyDep, caller: OwnWriter, webhook_id: str, wish: Redelivery
) -> Response:
    """Send again, at once and under the same ids: one delivery by `delivery_id`, whatever became of it, or every one
    since an instant that was given up or fell (`since`). What happened while a webhook was switched off is in the feed
    (`/v1/events`)."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        webhook = await notify.webhooks.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id, lock=True)
        return _accepted(await log.redeliver(connection, webhook, wish))

    return await notify.idempotency.once(request, caller, work)


@router.post("/v1/webhooks/{webhook_id}/test", status_code=202, response_model=DeliveryView)
async def try_webhook(
    request: Request, notify: NotifyDep, caller: OwnWriter, webhook_id: str, _: Annotated[Nothing, Body()]
) -> Response:
    """Send an event of type `webhook.test`, signed like every other, whatever types the webhook wants. The deliveries
    tell how it went."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        webhook = await notify.webhooks.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id, lock=True)
        return _accepted(await log.send_test(connection, webhook))

    return await notify.idempotency.once(request, caller, work)


def _issued(view: WebhookView, sealed: str, status: int, headers: dict[str, str]) -> HttpAnswer:
    """The remembered answer keeps the secret sealed; it is opened on its way out."""
    body: dict[str, Any] = view.model_dump(mode="json")
    return HttpAnswer({**body, _SECRET: sealed}, status, headers)


def _accepted(view: Redelivered | DeliveryView) -> HttpAnswer:
    return HttpAnswer(view.model_dump(mode="json"), status=202)
