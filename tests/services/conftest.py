"""One whole system for the tests that look at Bihuan through its public API."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.services.system import System, running


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
