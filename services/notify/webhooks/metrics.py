"""The figures of webhooks."""

from datetime import timedelta
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import func, select

from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries
from services.runtime.postgres.database import Database

COUNTED_EVERY = timedelta(seconds=15)
DeliveryOutcome = Literal["delivered", "failed", "exhausted", "gone"]

deliveries_total = Counter(
    "bihuan_webhook_deliveries_total",
    "Tries by outcome: `failed` is tried again, `exhausted` is not, `gone` switched its webhook off.",
    ["outcome"],
)
delivery_seconds = Histogram(
    "bihuan_webhook_delivery_seconds", "Time that receivers take.", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
)
pending_gauge = Gauge("bihuan_webhook_deliveries_pending", "Deliveries that wait for their first or next try.")
oldest_gauge = Gauge("bihuan_webhook_oldest_pending_seconds", "Age of the oldest delivery that waits; 0 without one.")


def measure(outcome: DeliveryOutcome, duration: timedelta) -> None:
    """Count one try."""
    deliveries_total.labels(outcome).inc()
    delivery_seconds.observe(duration.total_seconds())


async def count(database: Database) -> None:
    """Count what waits."""
    age = func.extract("epoch", func.now() - func.min(deliveries.c.created_at))
    query = select(func.count(), func.coalesce(age, 0)).where(deliveries.c.state == DeliveryState.PENDING)
    async with database.read() as connection:
        waiting, oldest = (await connection.execute(query)).one()
    pending_gauge.set(waiting)
    oldest_gauge.set(float(oldest))
