"""Metrics of surveys."""

from prometheus_client import Counter

surveys_total = Counter(
    "bihuan_surveys_total",
    "Surveys by what became of them: scheduled, sent, not_sent, reminded, answered, changed, expired, withdrawn.",
    ["event"],
)


def count(event: str, times: int = 1) -> None:
    """Count what became of a survey."""
    surveys_total.labels(event).inc(times)
