"""A system with a console, and visitors who read its pages as a browser does, or in one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from temporalio.testing import WorkflowEnvironment

from tests.console.browser import WIDTHS, Open
from tests.console.page_client import PageClient
from tests.programs import CHROMIUM_FLAGS, chromium, front_end
from tests.services.system import System, running


@pytest.fixture(scope="package")
async def system(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[System]:
    """A system that its tests share: each registers tickets of its own."""
    address, folder = engine.client.service_client.config.target_host, tmp_path_factory.mktemp("console")
    async with fresh_database() as url, running(url, address, folder, namespace="console") as system:
        yield system


@pytest.fixture
def visit(system: System) -> Callable[..., PageClient]:
    """Makes visitors: `visit("李雷")` is signed in, `visit()` is nobody."""

    def make(name: str | None = None, **headers: str) -> PageClient:
        return PageClient(system.url, system.tokens[name] if name else None, headers)

    return make


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Debian's own; none is downloaded."""
    front_end()
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield started
        await started.close()


@pytest.fixture
async def open_page(system: System, browser: Browser) -> AsyncIterator[Open]:
    """Opens a page as somebody; at the end no page may have complained in its console."""
    complaints: list[str] = []
    async with AsyncExitStack() as stack:

        async def make(path: str, *, by: str = "李雷", width: str = "desk", **options: Any) -> Page:
            given = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": WIDTHS[width], **options}
            context = await browser.new_context(**given)
            stack.push_async_callback(context.close)
            cookie = {"name": "bihuan_session", "value": system.tokens[by], "url": system.url}
            zone = {"name": "bihuan_zone", "value": given["timezone_id"], "url": system.url}
            await context.add_cookies([cookie, zone])  # type: ignore[list-item]
            page = await context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.extend([message.text] if message.type == "error" else []))
            await page.goto(system.url + path)
            return page

        yield make
    assert [each for each in complaints if "Failed to load resource" not in each] == []
