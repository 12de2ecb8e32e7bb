"""Notify put together: what its endpoints work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.contracts.names import Role
from services.contracts.permissions import Action, may
from services.notify.alerts.service import Alerts
from services.notify.alerts.stream import AlertStreams
from services.notify.notices.service import Notices
from services.notify.resources import Resources
from services.notify.webhooks.store import Webhooks
from services.runtime.errors import Forbidden
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import service
from services.runtime.security.auth import Caller, CallerDep


@dataclass(frozen=True)
class Notify:
    """One per process."""

    resources: Resources
    idempotency: Idempotency
    notices: Notices
    alerts: Alerts
    alert_streams: AlertStreams
    webhooks: Webhooks


async def notify(request: Request) -> Notify:
    """The process's notify."""
    found: Notify = service(request, Role.NOTIFY)
    return found


NotifyDep = Annotated[Notify, Depends(notify)]


def allowed_to(*actions: Action) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: the caller, who may do one of `actions` on some ticket at least; 403 otherwise, before anything
    else."""

    async def check(caller: CallerDep) -> Caller:
        if not any(may(caller, action) for action in actions):
            raise Forbidden
        return caller

    return check
