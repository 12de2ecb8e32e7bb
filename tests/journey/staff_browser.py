"""Somebody of the service centre at the console, in a browser of their own."""

from playwright.async_api import Locator, Page, expect

from tests.journey.screenshots import Screenshots

PATIENCE = 60_000
"""Milliseconds; a part that was killed needs a while to come back."""


class StaffBrowser:
    """Does in the console what anybody there would."""

    def __init__(self, page: Page, url: str, screenshots: Screenshots) -> None:
        self._page = page
        self._url = url
        self._screenshots = screenshots

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in, and stand before the first page."""
        page = self._page
        await page.goto(f"{self._url}/sign-in")
        await page.fill("[name=username]", username)
        await page.fill("[name=password]", password)
        await page.click("main form button")
        await page.wait_for_url("**/board")

    async def find_on_the_board(self, ticket_no: str) -> None:
        """Open the ticket from the board."""
        page = self._page
        await page.goto(f"{self._url}/board")
        row = page.locator(f"#row-{ticket_no}")
        await expect(row).to_be_visible(timeout=PATIENCE)
        await self._screenshots.take(page, "board")
        await row.locator("a.number").click()
        await page.wait_for_url(f"**/tickets/{ticket_no}")

    async def open(self, ticket_no: str) -> None:
        """Open the ticket by its address."""
        await self._page.goto(f"{self._url}/tickets/{ticket_no}")

    async def form(self, command: str) -> Locator:
        """The form of a command, opened."""
        if not await self._page.locator(f"#command-{command} form").is_visible():
            await self._page.click(f"#command-{command} > summary")
        return self._page.locator(f"#form-{command}")

    async def send(self, form: Locator, button: str) -> None:
        """Send a form and read that it is done."""
        await self._screenshots.take(self._page, "command")
        await form.get_by_role("button", name=button).click()
        await expect(self._page.locator("#said")).to_be_visible(timeout=PATIENCE)

    async def acknowledge(self, ticket_no: str) -> None:
        """Acknowledge the ticket's alert with the one click that it takes."""
        page = self._page
        await page.goto(f"{self._url}/alerts")
        alarm = page.locator(".alarm", has=page.get_by_role("link", name=ticket_no))
        await expect(alarm).to_be_visible(timeout=PATIENCE)
        await self._screenshots.take(page, "alert")
        await alarm.get_by_role("button", name="我来处理").click()
        await expect(alarm.locator(".state-acknowledged")).to_be_visible(timeout=PATIENCE)
        await expect(alarm.get_by_role("button", name="我来处理")).to_have_count(0)
        await self._screenshots.take(page, "acknowledged")

    async def read_the_report(self, by: str, row: str) -> list[str]:
        """The cells of a row of the satisfaction report, from left to right."""
        page = self._page
        await page.goto(f"{self._url}/reports/satisfaction?by={by}")
        line = page.locator(".report-table tbody tr", has=page.get_by_role("rowheader", name=row, exact=True))
        await expect(line).to_be_visible()
        await self._screenshots.take(page, "report")
        return await line.locator("td").all_inner_texts()

    async def look_back(self, ticket_no: str, last: str) -> None:
        """Open the whole ticket, and read in its journal how it ended."""
        await self.open(ticket_no)
        await expect(self._page.locator(".entries .entry-head").first).to_contain_text(last, timeout=PATIENCE)
        await self._screenshots.take(self._page, "ticket")
