"""Calendars, ladders and quiet hours in a real browser: no barrier, every width, keys alone, no scripts."""

import secrets
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect
from sqlalchemy import insert

from services.workflow.tables import publication_failures, publications
from tests.console.browser import Open, barriers, surplus
from tests.services.system import System

DRAWN = ("/calendars/cn?year=2026&day=2026-10-01", "/ladders/default?urgency=normal")
PLAIN = ("/calendars", "/calendars/cn/edit", "/quiet-hours")
LOOKS = (("zh-CN", "dark", "desk", DRAWN), ("en-US", "light", "phone", (*DRAWN, *PLAIN)))


@pytest.mark.parametrize(("language", "scheme", "width", "paths"), LOOKS)
async def test_calendars_and_ladders_have_no_barrier_and_fit(
    open_page: Open, language: str, scheme: str, width: str, paths: tuple[str, ...]
) -> None:
    for path in paths:
        page = await open_page(path, by="孙磊", width=width, locale=language, color_scheme=scheme)
        await expect(page.locator("main .tabs")).to_be_visible()
        assert await barriers(page) == [], path
        assert await surplus(page) == 0, path
        await page.context.close()


async def test_a_day_is_found_and_opened_by_keyboard_alone(open_page: Open) -> None:
    page = await open_page("/calendars/cn?year=2026&day=2026-10-01#day-2026-10-01", by="孙磊")
    await page.locator("#day-2026-10-01").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowDown"):
        await page.keyboard.press(key)
    assert await page.evaluate("document.activeElement.id") == "day-2026-10-08"
    await page.keyboard.press("Enter")
    await expect(page.locator("#day-title")).to_have_text("10月8日 周四")
    assert await page.evaluate("document.activeElement.id") == "day-title"
    assert page.url.endswith("day=2026-10-08#day-2026-10-08")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.id") == "day-2026-10-08"


async def test_one_day_is_a_stop_of_the_tab_key_and_the_others_are_not(open_page: Open) -> None:
    page = await open_page("/calendars/cn?year=2026")
    stops = await page.eval_on_selector_all(
        "[data-year] a.day", "all => all.filter(each => each.tabIndex === 0).length"
    )
    assert stops == 1


async def test_a_day_opens_without_scripts(open_page: Open) -> None:
    page = await open_page("/calendars/cn?year=2026", by="孙磊", java_script_enabled=False)
    await page.locator("#day-2026-10-01").click()
    await expect(page.locator("#day-title")).to_have_text("10月1日 周四")
    await expect(page.locator("#day form")).to_be_visible()


async def failed_publication(system: System, error: str) -> str:
    """The id of a publication that is done and could not recalculate one ticket for this reason."""
    now, identifier, ticket_no = datetime.now(UTC), f"pub-{secrets.token_hex(8)}", await system.register()
    row = {"id": identifier, "kind": "policy", "subject": "d0-standard", "version": 1, "recalculate": True}
    figures = {"state": "done", "requested_by": "s-1", "requested_at": now, "finished_at": now, "total": 1, "done": 1}
    failure = {"publication_id": identifier, "ticket_no": ticket_no, "error": error, "attempts": 1, "failed_at": now}
    async with system.database.begin() as connection:
        await connection.execute(insert(publications).values(**row, **figures))
        await connection.execute(insert(publication_failures).values(**failure))
    return identifier


async def test_a_ticket_that_was_not_recalculated_says_why_in_words_and_can_be_tried_again(
    system: System, open_page: Open
) -> None:
    identifier = await failed_publication(system, "not_computable")
    page = await open_page(f"/publications/{identifier}", by="孙磊", width="phone", color_scheme="dark")
    await expect(page.locator(".is-failed")).to_contain_text("工单保留原有时限")
    await expect(page.locator("main")).not_to_contain_text("not_computable")
    await expect(page.locator("form[action*='/retry'] button")).to_be_enabled()
    await expect(page.locator(".changes a")).to_have_css("text-decoration-line", "underline")
    assert await barriers(page) == []
    assert await surplus(page) == 0
