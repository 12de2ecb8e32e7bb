"""Temporal servers for tests: one with a namespace for each system, one on which each workflow's time can be moved."""

from typing import Any

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from services.contracts.names import SEARCH_ATTRIBUTES
from services.runtime.stack.temporal import binary

NAMESPACES = ("apart", "console", "feed", "hostile", "mailing", "page-without-engine", "publishing", "together",
              "without-engine")  # fmt: skip
"""One for each system that runs beside the shared one: ticket numbers start anew in each database."""

_SETTINGS = {
    # The server may put a timer off until what it has read ahead of the clock has passed; by default that is a second,
    # and a test that skips across ten timers waits ten.
    "history.timerProcessorMaxTimeShift": '"10ms"',
}


async def local_engine(*namespaces: str) -> WorkflowEnvironment:
    """Start a server with these namespaces besides the default."""
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=[*_arguments(_SETTINGS), *(part for it in namespaces for part in ("--namespace", it))],
        data_converter=pydantic_data_converter,
    )


async def engine_that_skips_time(**options: Any) -> WorkflowEnvironment:
    """Start a server that moves the time of a workflow on demand, and of none by itself."""
    return await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=_arguments({**_SETTINGS, "frontend.WorkflowTimeSkippingEnabled": "true"}),
        **options,
    )


def _arguments(settings: dict[str, str]) -> list[str]:
    configured = [part for name, value in settings.items() for part in ("--dynamic-config-value", f"{name}={value}")]
    return [*configured, *(part for name in SEARCH_ATTRIBUTES for part in ("--search-attribute", f"{name}=Keyword"))]
