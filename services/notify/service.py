"""Notify put together: what its endpoints work with."""

from dataclasses import dataclass
from typing import Annotated

from services.contracts.names import Role
from services.notify.alerts.service import Alerts
from services.notify.alerts.stream import AlertStreams
from services.notify.notices.service import Notices
from services.notify.resources import Resources
from services.notify.webhooks.store import Webhooks
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import service_of


@dataclass(frozen=True)
class Notify:
    """One per process."""

    resources: Resources
    idempotency: Idempotency
    notices: Notices
    alerts: Alerts
    alert_streams: AlertStreams
    webhooks: Webhooks


NotifyDep = Annotated[Notify, service_of(Role.NOTIFY)]
