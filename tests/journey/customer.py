"""韩梅梅 with a phone in her hand: the form, her ticket's page and the survey, without JavaScript."""

from collections.abc import Mapping

from playwright.async_api import Page, expect

from tests.journey.screenshots import Screenshots

NAME, EMAIL = "韩梅梅", "han.meimei@example.com"
PATIENCE = 60_000
"""Milliseconds; a part that was killed needs a while to come back."""


class CustomerBrowser:
    """Fills in what the pages show her."""

    def __init__(self, page: Page, url: str, screenshots: Screenshots) -> None:
        self._page = page
        self._url = url
        self._screenshots = screenshots

    async def report(self, description: str, **product: str) -> str:
        """Report a fault, and return the number that the page tells."""
        page = self._page
        await page.goto(f"{self._url}/f")
        await page.check("[name=kind][value=fault]")
        typed = {"description": description, "name": NAME, "contact": EMAIL, **product}
        for name, text in typed.items():
            await page.fill(f"[name={name}]", text)
        await self._screenshots.take(page, "form")
        await page.click("form > button")
        await page.wait_for_url("**/t/*", timeout=PATIENCE)
        await self._screenshots.take(page, "received")
        return await page.locator(".number").first.inner_text()

    async def follow(self, link: str, sentence: str) -> None:
        """Open her ticket's page by the link of a mail, and read the sentence there."""
        await self._page.goto(link)
        await expect(self._page.locator("main")).to_contain_text(sentence)
        await self._screenshots.take(self._page, "own-ticket")

    async def rate(self, link: str, choices: Mapping[str, str], suggestion: str) -> None:
        """Answer the survey behind a link; opening it again shows the thanks and no questions."""
        page = self._page
        await page.goto(link)
        for name, value in choices.items():
            await page.check(f"[name={name}][value='{value}']")
        await page.fill("[name=suggestion]", suggestion)
        await self._screenshots.take(page, "survey")
        await page.click("form > button")
        await expect(page.get_by_text("谢谢您的评价")).to_be_visible(timeout=PATIENCE)
        await self._screenshots.take(page, "thanks")
        await page.goto(link)
        await expect(page.locator("[type=radio]")).to_have_count(0)
