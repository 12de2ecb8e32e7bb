"""Metrics that the Temporal SDK measures of a process's workers and calls, put beside everything else on `/metrics`."""

from functools import cache, partial

import aiohttp
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from services.runtime.stack.ports import free_port
from services.runtime.telemetry import metrics_sources

_TRIES = 3
_SECONDS = aiohttp.ClientTimeout(total=1)


@cache
def measured_runtime() -> Runtime:
    """Return the process's one SDK runtime, which answers its figures on a port of the loopback address."""
    for _ in range(_TRIES):
        address = f"127.0.0.1:{free_port()}"
        try:
            runtime = Runtime(telemetry=TelemetryConfig(metrics=_as_prometheus_has_it(address)))
        except ValueError:
            # Somebody took the port in between.
            continue
        metrics_sources.append(partial(_ask, address))
        return runtime
    return Runtime.default()


def _as_prometheus_has_it(address: str) -> PrometheusConfig:
    return PrometheusConfig(address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True)


async def _ask(address: str) -> bytes:
    """Answer nothing rather than hold up the figures of the rest."""
    try:
        async with aiohttp.ClientSession(timeout=_SECONDS) as http, http.get(f"http://{address}/metrics") as answer:
            return await answer.read()
    except (OSError, TimeoutError, aiohttp.ClientError):
        return b""
