"""One engine and one whole system for the tests that look at Bihuan through its public API."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from services.runtime.stack.temporal import binary
from tests.services.system import System, running

SPARE_NAMESPACES = [f"spare-{number}" for number in range(1, 9)]


@pytest.fixture(scope="package")
async def engine() -> AsyncIterator[WorkflowEnvironment]:
    """A real Temporal server. Ticket numbers start anew in each database, so each system has a namespace."""
    extra = [part for name in SPARE_NAMESPACES for part in ("--namespace", name)]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=extra,
        data_converter=pydantic_data_converter,
    ) as started:
        yield started


@pytest.fixture(scope="package")
async def system(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[System]:
    """A whole Bihuan that its tests share: each registers tickets of its own."""
    address = engine.client.service_client.config.target_host
    async with (
        fresh_database() as url,
        running(url, address, tmp_path_factory.mktemp("system")) as system,
    ):
        yield system
