"""Logs as JSON lines, the id of the request in hand, and the metrics every process has.

No body, header, query string, contact or ticket number goes into a log or a label (I14).
"""

import logging
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from structlog.types import EventDict

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; calls to peers pass it on and logs carry it."""

requests_total = Counter("bihuan_http_requests_total", "Requests answered.", ["method", "route", "status"])
request_seconds = Histogram(
    "bihuan_http_request_seconds",
    "Time to answer a request, by route template.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
requests_in_flight = Gauge("bihuan_http_requests_in_flight", "Requests being answered.")
requests_shed_total = Counter("bihuan_http_requests_shed_total", "Requests refused for overload.", ["reason"])
dependency_up = Gauge(
    "bihuan_dependency_up", "Whether a dependency of the process answers (1) or not (0).", ["dependency"]
)

metrics_sources: list[Callable[[], Awaitable[bytes]]] = []
"""Who measures in this process besides prometheus_client, and answers in Prometheus' text format too."""

_FRAMES = 12
_QUIET = ("uvicorn.access", "uvicorn.error", "httpx", "httpcore")


async def exposition() -> bytes:
    """Answer everything that this process measures, in Prometheus' text format."""
    return b"".join([generate_latest(), *[await ask() for ask in metrics_sources]])


def log(name: str = "bihuan") -> Any:
    """Return a structured logger: `log().info("outbox drained", rows=3)`."""
    return structlog.get_logger(name)


def configure_logs(level: str = "INFO") -> None:
    """Send structlog and the standard library's loggers to standard error as one JSON object a line."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _keep_the_first_line,
        _describe_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    if known := request_id.get():
        event["request_id"] = known
    return event


def _keep_the_first_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    # asyncio's handler spells failed tasks, with what they were given, on the lines that follow.
    event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _describe_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace the exception by types, codes and places: an error's text quotes statements, rows and input (I14)."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["errors"] = [_describe(each) for each in _chain(error)]
    return event


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


def _describe(error: BaseException) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    told: dict[str, object] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    for name in ("code", "sqlstate", "constraint_name"):
        if isinstance(value := getattr(error, name, None), str):
            told[name] = value
    return told
