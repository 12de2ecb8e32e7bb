"""Alerts, report, inbox, administration and promises in a real browser: no barrier, every width, keys alone."""

import pytest
from playwright.async_api import expect

from tests.console.browser import LOOKS, Open, barriers, surplus
from tests.services.system import System, alerted, noticed, until

STAFF = ("/alerts", "/reports/satisfaction", "/inbox", "/account", "/people/on-call")
KEPT = ("/people", "/policies", "/policies/d0-standard", "/policies/d0-standard/edit", "/policy-packs", "/publications")


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_pages_of_staff_and_of_administrators_have_no_barrier_and_fit(
    system: System, open_page: Open, language: str, scheme: str, width: str
) -> None:
    ticket_no = await system.closed()
    await alerted(system, ticket_no)
    await noticed(system, ticket_no)
    for by, paths in (("王芳", STAFF), ("孙磊", KEPT)):
        for path in paths:
            page = await open_page(path, by=by, width=width, locale=language, color_scheme=scheme)
            assert await barriers(page) == [], path
            assert await surplus(page) == 0, path
            await page.context.close()


async def test_the_reference_of_the_api_works_under_its_content_policy(open_page: Open) -> None:
    page = await open_page("/docs")
    await expect(page.locator("details")).not_to_have_count(0)
    await page.get_by_text("/v1/me/sign-out", exact=False).first.click()
    await expect(page.locator("details[open] pre").first).to_contain_text("SignOutWish")
    assert await page.evaluate("getComputedStyle(document.body).maxWidth") == "960px"


async def test_an_alert_is_acknowledged_by_keyboard_alone(system: System, open_page: Open) -> None:
    alert_id = await alerted(system, await system.closed())
    page = await open_page("/alerts", by="王芳")
    button = page.locator(f"form[action*='{alert_id}/acknowledge'] button")
    await button.focus()
    await page.keyboard.press("Enter")

    async def is_acknowledged() -> bool:
        return bool((await system.get(f"/v1/alerts/{alert_id}", by="王芳"))["state"] == "acknowledged")

    await until(is_acknowledged, 30)


async def test_the_report_is_narrowed_by_keyboard_alone(open_page: Open) -> None:
    page = await open_page("/reports/satisfaction", by="王芳", java_script_enabled=False)
    await page.locator("select[name=by]").focus()
    await page.keyboard.press("ArrowDown")
    await page.locator("select[name=kind]").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="应用").first.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**by=department**")
    assert "kind=complaint" in page.url


async def test_a_notice_is_opened_by_keyboard_alone(system: System, open_page: Open) -> None:
    ticket_no = await system.register()
    notice_id = await noticed(system, ticket_no)
    page = await open_page(f"/inbox?ticket_no={ticket_no}")
    await page.locator(f"a[href*='{notice_id}']").first.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**notice={notice_id}**")
