"""A system with a console, and visitors who read its pages as a browser does."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from services.runtime.stack.temporal import binary
from tests.console.visitor import Visitor
from tests.services.system import System, running


@pytest.fixture(scope="session")
async def system(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A system that its tests share: each registers tickets of its own."""
    async with (
        await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(binary()), data_converter=pydantic_data_converter
        ) as engine,
        fresh_database() as url,
        running(url, engine.client.service_client.config.target_host, tmp_path_factory.mktemp("console")) as system,
    ):
        yield system


@pytest.fixture
def visit(system: System) -> Callable[..., Visitor]:
    """Makes visitors: `visit("李雷")` is signed in, `visit()` is nobody."""

    def make(name: str | None = None, **headers: str) -> Visitor:
        return Visitor(system.url, system.tokens[name] if name else None, headers)

    return make
