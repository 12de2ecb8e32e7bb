"""The survey's page in Chromium: at phone width, in the dark, by keyboard, without JavaScript, for everybody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.programs import CHROMIUM_FLAGS, axe, chromium
from tests.services.intake.test_pages_in_a_browser import PHONE, barriers, look
from tests.services.system import System, surveyed

BY_KEYBOARD = (("response_speed", 4), ("problem_solving", 3), ("attitude", 4), ("convenience", 2), ("overall", 1),
               ("recommend", 9), ("solved_first_time", 1))  # fmt: skip
"""Questions in the order of the page, and how far the arrows go from the first choice."""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    path = chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield started
        await started.close()


async def link_to(system: System) -> str:
    """The page of a survey that was just sent."""
    return system.url + await system.survey_page(await surveyed(system))


async def fill_in_by_keyboard(page: Page) -> None:
    """Answer everything without a mouse."""
    await page.focus(f"[name={BY_KEYBOARD[0][0]}]")
    for _, steps in BY_KEYBOARD:
        await page.keyboard.press("Space")
        for _ in range(steps):
            await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
    await page.keyboard.type("师傅很准时")


@pytest.mark.parametrize(("scheme", "language"), [("light", "zh-CN"), ("dark", "en")])
async def test_every_state_of_the_page_fits_the_phone_and_has_no_barrier(
    system: System, browser: Browser, scheme: Any, language: str
) -> None:
    rules, link = axe(), await link_to(system)
    page = await look(browser, language=language, color_scheme=scheme)
    for step in ("open", "wrong", "thanks", "change", "unknown"):
        if step in {"open", "unknown"}:
            await page.goto(link if step == "open" else f"{system.url}/s/nothing")
        elif step == "change":
            await page.goto(f"{link}?change=true")
        else:
            if step == "thanks":
                await fill_in_by_keyboard(page)
            await page.click("form > button")
            await page.wait_for_load_state()
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE, step
        assert await barriers(page, rules) == [], step
    await page.context.close()


async def test_the_survey_is_answered_by_keyboard_without_javascript(system: System, browser: Browser) -> None:
    link = await link_to(system)
    page = await look(browser, java_script_enabled=False)
    await page.goto(link)
    await fill_in_by_keyboard(page)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=谢谢您的评价")
    await page.goto(f"{link}?change=true")
    assert await page.input_value("[name=suggestion]") == "师傅很准时"
    assert await page.is_checked("[name=attitude][value='5']")
    assert await page.is_checked("[name=overall][value=satisfied]")
    assert await page.is_checked("[name=recommend][value='9']")
    assert await page.is_checked("[name=solved_first_time][value=no]")
    await page.context.close()
