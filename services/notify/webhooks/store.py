"""Webhooks as the API makes, changes and shows them."""

import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.permissions import Action, Relation, reach
from services.notify.networks import parse_networks
from services.notify.resources import Resources
from services.notify.webhooks import queues
from services.notify.webhooks.addresses import GuardedResolver
from services.notify.webhooks.receivers import checked
from services.notify.webhooks.schemas import NewWebhook, WebhookChange, WebhookView, webhook_view
from services.notify.webhooks.secrets import Secrets, secrets_of
from services.notify.webhooks.signatures import draw_secret
from services.notify.webhooks.states import DeliveryState, DisabledReason
from services.notify.webhooks.tables import deliveries, webhooks
from services.runtime.errors import Forbidden, NotFound, ValidationFailed
from services.runtime.http.conditions import IfMatch, require_version
from services.runtime.security.auth import Caller
from services.runtime.service_client import ServiceClient


class Webhooks:
    """Keeps webhooks within a caller's reach: a key of a department knows the webhooks of its department alone."""

    def __init__(self, secrets: Secrets, resolver: GuardedResolver, directory: ServiceClient) -> None:
        self.secrets = secrets
        self._resolver = resolver
        self._directory = directory

    async def page(
        self, connection: AsyncConnection, caller: Caller, after: int | None, limit: int
    ) -> Sequence[RowMapping]:
        """A page in the order in which they were made, and one row more when there are more."""
        query = shown().order_by(webhooks.c.position).limit(limit + 1)
        if (department := _bound(caller, Action.READ_WEBHOOK)) is not None:
            query = query.where(webhooks.c.department == department)
        if after is not None:
            query = query.where(webhooks.c.position > after)
        rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
        return rows

    async def find(
        self, connection: AsyncConnection, caller: Caller, action: Action, webhook_id: str, *, lock: bool = False
    ) -> RowMapping:
        """One webhook; `lock` keeps it from changing until the transaction ends.

        Raises:
            NotFound: there is none.
            Forbidden: it is another department's.
        """
        query = shown().where(webhooks.c.id == webhook_id)
        if lock:
            query = query.with_for_update(of=webhooks, key_share=True)
        row: RowMapping | None = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFound
        if (department := _bound(caller, action)) is not None and row["department"] != department:
            raise Forbidden
        return row

    async def create(self, connection: AsyncConnection, caller: Caller, new: NewWebhook) -> tuple[WebhookView, str]:
        """Make a webhook; answers it and its secret, sealed.

        Raises:
            ValidationFailed: the address may not be called, or there is no such department.
            Forbidden: it would get what the caller's department does not.
        """
        bound = _bound(caller, Action.WRITE_WEBHOOK)
        department = new.department or bound
        await self._require_department(bound, department)
        url = await checked(new.url, self._resolver)
        webhook_id, sealed = f"w-{randomness.token_hex(8)}", self.secrets.seal.close(draw_secret())
        values = {
            **new.model_dump(),
            "id": webhook_id,
            "url": url,
            "department": department,
            "disabled_reason": None if new.active else DisabledReason.SWITCHED_OFF,
            "secret": sealed,
            "wake_key": webhook_id,
        }
        await connection.execute(webhooks.insert().values(values))
        await queues.wake_workflows(connection, {webhook_id})
        return webhook_view(await self.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id)), sealed

    async def change(
        self,
        connection: AsyncConnection,
        caller: Caller,
        webhook_id: str,
        change: WebhookChange,
        if_match: IfMatch | None,
    ) -> WebhookView:
        """Change a webhook. Switched off, what waits falls; switched on, it gets what happens from then on.

        Raises:
            StaleVersion: `if_match` is not the latest version; and what `find` and `create` raise.
        """
        row = await self._latest(connection, caller, webhook_id, if_match)
        values = change.model_dump(exclude_unset=True)
        if "department" in values:
            await self._require_department(_bound(caller, Action.WRITE_WEBHOOK), values["department"])
        if "url" in values:
            values["url"] = await checked(values["url"], self._resolver)
        changed = {name: value for name, value in values.items() if _plain(row[name]) != _plain(value)}
        if changed:
            await self._store(connection, webhook_id, changed)
        return webhook_view(await self.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id))

    async def delete(
        self, connection: AsyncConnection, caller: Caller, webhook_id: str, if_match: IfMatch | None
    ) -> WebhookView:
        """Delete a webhook with everything that waits; its workflow takes the rows away. Answers it as it was."""
        row = await self._latest(connection, caller, webhook_id, if_match)
        gone = update(webhooks).where(webhooks.c.id == webhook_id)
        await connection.execute(gone.values(deleted_at=func.now()))
        await queues.cancel_all(connection, webhook_id)
        await queues.wake_workflows(connection, {webhook_id})
        return webhook_view(row)

    async def rotate(self, connection: AsyncConnection, caller: Caller, webhook_id: str) -> tuple[WebhookView, str]:
        """Draw another secret; the one before signs along for a while. Answers webhook and secret, sealed."""
        row = await self.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id, lock=True)
        now, sealed = datetime.now(UTC), self.secrets.seal.close(draw_secret())
        older = self.secrets.retire(row["secret"], row["older_secrets"], now)
        await _update(connection, webhook_id, {"secret": sealed, "older_secrets": older})
        return webhook_view(await self.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id)), sealed

    async def _latest(
        self, connection: AsyncConnection, caller: Caller, webhook_id: str, if_match: IfMatch | None
    ) -> RowMapping:
        row = await self.find(connection, caller, Action.WRITE_WEBHOOK, webhook_id, lock=True)
        require_version(if_match, row["version"])
        return row

    async def _store(self, connection: AsyncConnection, webhook_id: str, changed: Mapping[str, Any]) -> None:
        values = dict(changed)
        if "active" in values:
            values["disabled_reason"] = None if values["active"] else DisabledReason.SWITCHED_OFF
            values["live_from"] = func.now()
        if "url" in values or "active" in values:
            values |= {"rests_until": null(), "silent": False}
        await _update(connection, webhook_id, values)
        if values.get("active") is False:
            await queues.cancel_all(connection, webhook_id)
        elif "url" in values:
            await queues.try_at_once(connection, webhook_id)
        await queues.wake_workflows(connection, {webhook_id})

    async def _require_department(self, bound: str | None, department: str | None) -> None:
        if bound not in {None, department}:
            raise Forbidden
        if department is None:
            return
        told = await self._directory.get("/internal/people")
        if not any(each["id"] == department and each["active"] for each in told["departments"]):
            raise ValidationFailed.at(
                "/department",
                "unknown_department",
                {"en": "no active department has this id", "zh": "没有此编号的启用部门"},
            )


def webhooks_of(opened: Resources) -> Webhooks:
    """Webhooks as a process's settings have them."""
    resolver = GuardedResolver(parse_networks(opened.settings.webhook_networks))
    return Webhooks(secrets_of(opened.settings), resolver, opened.directory)


def shown() -> Select[Any]:
    """Webhooks with what is counted of their deliveries."""
    counts = [
        select(func.count())
        .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.state == state)
        .correlate(webhooks)
        .scalar_subquery()
        .label(state.value)
        for state in (DeliveryState.PENDING, DeliveryState.EXHAUSTED)
    ]
    return select(webhooks, *counts).where(webhooks.c.deleted_at.is_(None))


def _bound(caller: Caller, action: Action) -> str | None:
    """The department whose webhooks the caller is confined to; None for everybody else."""
    return None if reach(caller, action) is Relation.ANY else caller.department


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list) else value


async def _update(connection: AsyncConnection, webhook_id: str, values: Mapping[str, Any]) -> None:
    versioned = {**values, "version": webhooks.c.version + 1, "updated_at": func.now()}
    await connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(versioned))
