"""A whole Bihuan, a mail server, a receiver of webhooks and a browser, for journeys from one end to the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page, async_playwright

from tests.journey.customer import CustomerBrowser
from tests.journey.screenshots import Screenshots
from tests.journey.staff_browser import StaffBrowser
from tests.programs import CHROMIUM_FLAGS, chromium, front_end
from tests.services.notify.mail_server import MailServer, mail_server
from tests.services.notify.webhook_receiver import Receiver, receiving
from tests.services.system import until
from tests.stack import Stack

PATIENCE_SECONDS = 90.0
DESK, PHONE = (1440, 900), (390, 844)


@dataclass(frozen=True)
class JourneyHarness:
    """The stack, and what lies outside of it and stays up when parts of it die. `admin` signs in with the key."""

    stack: Stack
    admin: httpx.AsyncClient
    mail: MailServer
    receiver: Receiver
    browser: Browser
    screenshots: Screenshots

    async def member(self, username: str, password: str) -> StaffBrowser:
        """Somebody of the office, signed in."""
        member = StaffBrowser(await self._page(DESK), self.stack.url, self.screenshots)
        await member.sign_in(username, password)
        return member

    async def customer(self) -> CustomerBrowser:
        """韩梅梅."""
        return CustomerBrowser(await self._page(PHONE, java_script_enabled=False), self.stack.url, self.screenshots)

    async def crash(self, name: str) -> None:
        """Kill a process, and return when its successor does its work."""
        killed = self.stack.processes()[name]["pid"]
        self.stack.kill(name)

        async def is_followed() -> bool:
            return bool(self.stack.processes()[name]["pid"] != killed)

        await until(is_followed, PATIENCE_SECONDS)
        await asyncio.to_thread(self.stack.wait_until_ready)

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask the API."""
        answer: dict[str, Any] = (await self.admin.get(path, params=params)).raise_for_status().json()
        return answer

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Tell the API."""
        answer: dict[str, Any] = (await self.admin.post(path, json=body)).raise_for_status().json()
        return answer

    async def mail_to(self, address: str, words: str) -> EmailMessage:
        """The first mail to somebody that has these words in its subject, as soon as it comes."""
        found: list[EmailMessage] = []

        async def has_come() -> bool:
            found[:] = [mail for mail in self.mail.to(address) if words in str(mail["Subject"])]
            return bool(found)

        await until(has_come, PATIENCE_SECONDS)
        return found[0]

    async def _page(self, size: tuple[int, int], **options: Any) -> Page:
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="zh-CN", timezone_id="Asia/Shanghai", **options
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        return await context.new_page()


@asynccontextmanager
async def journey_harness(folder: Path) -> AsyncIterator[JourneyHarness]:
    """Everything started; the stack as `make up` starts it, its notices by e-mail. Skips without a browser."""
    path = chromium()
    front_end()
    async with mail_server() as mail, receiving() as receiver, async_playwright() as playwright:
        stack = Stack(
            folder / "home",
            BIHUAN_SMTP_HOST="127.0.0.1",
            BIHUAN_SMTP_PORT=str(mail.port),
            BIHUAN_SMTP_SECURITY="none",
            BIHUAN_WEBHOOK_NETWORKS="127.0.0.0/8",
        )
        browser = await playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        try:
            await asyncio.to_thread(stack.start)
            headers = {"Authorization": f"Bearer {stack.key}"}
            async with httpx.AsyncClient(base_url=stack.url, headers=headers, trust_env=False, timeout=30) as admin:
                yield JourneyHarness(stack, admin, mail, receiver, browser, Screenshots(folder))
        finally:
            await browser.close()
            await asyncio.to_thread(stack.stop)
