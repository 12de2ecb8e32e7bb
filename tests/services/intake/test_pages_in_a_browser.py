"""The customer's pages in Chromium: at phone width, in the dark, by keyboard, without JavaScript, for everybody."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.programs import CHROMIUM_FLAGS, axe, chromium
from tests.services.intake.customer_tickets import CustomerTicket, opened
from tests.services.intake.page_client import number_in
from tests.services.system import System, until

PHONE, DESK = 360, 1280


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    path = chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield started
        await started.close()


async def look(browser: Browser, width: int = PHONE, language: str = "zh-CN", **options: Any) -> Page:
    """A window."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale=language, **options)
    return await context.new_page()


async def told(system: System) -> CustomerTicket:
    """A ticket with a story, resolved."""
    ticket = await opened(system, description="冰箱不制冷" * 30 + " https://example.com/" + "x" * 200)
    await ticket.ask("product.order_no", "occurred_at", "desired_solution", "impact")
    await ticket.accept()
    await ticket.staff("plan", {"steps": ["检查", "更换"], "expected_at": "2030-01-05T10:00:00Z"}, by="林涛")
    await ticket.staff("wait", {"reason": "parts"}, by="林涛")
    return ticket


@pytest.mark.parametrize(("scheme", "language"), [("light", "zh-CN"), ("dark", "en")])
async def test_every_page_fits_the_phone_and_has_no_barrier(
    system: System, browser: Browser, scheme: Any, language: str
) -> None:
    ticket = await told(system)
    asked = await opened(system, product={})
    await asked.ask("product.order_no_or_serial_no", "occurred_at", "desired_solution", "impact", "customer.contact")
    resolved = await opened(system)
    await resolved.accept()
    await resolved.resolve()
    rules = axe()
    page = await look(browser, language=language, color_scheme=scheme)
    paths = ["/f", "/f?model=BCD-500&serial=SER1", "/t/nonsense", ticket.address]
    for path in [*paths, asked.address, resolved.address]:
        await page.goto(system.url + path)
        await page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE, path
        assert await barriers(page, rules) == [], path
    await page.goto(f"{system.url}/f")
    await page.click("form > button")

    async def is_at_the_first_error() -> bool:
        return bool(await page.evaluate("document.activeElement.name") == "description")

    await until(is_at_the_first_error)
    assert await barriers(page, rules) == []
    await page.context.close()


async def test_the_form_is_sent_by_keyboard_without_javascript(system: System, browser: Browser) -> None:
    page = await look(browser, width=DESK, java_script_enabled=False)
    await page.goto(f"{system.url}/f?model=BCD-500&serial=SER1")
    await page.focus("[name=kind]")
    for key in ("Space", "Tab"):
        await page.keyboard.press(key)
    await page.keyboard.type("不制冷")
    for _ in range(4):  # danger, serial number, model, name
        await page.keyboard.press("Tab")
    await page.keyboard.type("韩梅梅")
    await page.keyboard.press("Tab")
    await page.keyboard.type("13800138000")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/t/**")
    number = number_in(page.url.removeprefix(system.url))
    assert number in await page.inner_text("main")
    assert (await system.get(f"/v1/tickets/{number}", by="admin"))["channel"] == "qr"
    await page.context.close()


async def test_the_whole_life_is_clicked_without_javascript(system: System, browser: Browser) -> None:
    ticket = await opened(system, product={"model": "BCD-500"})
    page = await look(browser, java_script_enabled=False)

    async def click(form: str, **typed: str) -> str:
        await page.goto(system.url + ticket.address)
        for details in await page.locator(f"details:has(form[action$='/{form}']) > summary").all():
            await details.click()
        for name, value in typed.items():
            await page.fill(f"form[action$='/{form}'] [name={name}]", value)
        async with page.expect_navigation(url="**/t/*"):
            await page.click(f"form[action$='/{form}'] button")
        return str(await page.inner_text("h1"))

    await ticket.ask("product.serial_no")
    assert await click("supply", serial_no="SER5") == "已收到，正在核对您的反馈"
    await ticket.accept()
    assert await click("message", message="几点来？") == "已受理，正在处理"
    await ticket.resolve()
    assert await click("reopen", reason="还响") == "已受理，正在处理"
    await ticket.resolve()
    assert await click("confirm") == "已解决并确认"
    await page.reload()
    assert await page.inner_text("h1") == "已解决并确认"
    await page.context.close()


async def barriers(page: Page, rules: str) -> list[str]:
    """Barriers that axe-core finds, in one line each."""
    await page.evaluate(rules)
    found = await page.evaluate("axe.run().then(it => JSON.stringify(it.violations))")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in json.loads(found)]
