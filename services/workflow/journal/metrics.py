"""Metrics that steps add to once they are recorded: how much happens, and how late the platform itself is."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Counter, Histogram

from services.contracts.journal import Event, EventType

events_total = Counter("bihuan_ticket_events_total", "Events in the tickets' journals.", ["type"])
breaches_total = Counter("bihuan_clock_breaches_total", "Clocks that passed their due time unmet.", ["clock"])
detection_seconds = Histogram(
    "bihuan_clock_detection_seconds",
    "From the due instant of a breached clock to its detection: the platform's own delay.",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
)

callbacks_late_total = Counter(
    "bihuan_callbacks_recorded_late_total", "Callbacks recorded longer after the call than the policy allows."
)


def measure(events: Iterable[Event]) -> None:
    """Count events that were just committed."""
    for event in events:
        events_total.labels(event.type).inc()
        if event.type is EventType.CLOCK_BREACHED:
            _measure_breach(event)
        if event.type is EventType.CALLBACK_RECORDED and event.data.get("recorded_late"):
            callbacks_late_total.inc()


def _measure_breach(event: Event) -> None:
    breaches_total.labels(str(event.data["clock"])).inc()
    # A due time that a new target moved into the past was never there to be detected.
    if not event.data.get("retargeted"):
        detected_at = datetime.fromisoformat(str(event.data["detected_at"]))
        detection_seconds.observe(max(0.0, (detected_at - event.at).total_seconds()))
