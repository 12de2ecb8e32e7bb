"""Pictures of a journey, numbered in their order, for whoever wants to see what people saw."""

from itertools import count
from pathlib import Path

from playwright.async_api import Page


class Screenshots:
    """A folder of screenshots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    async def take(self, page: Page, name: str) -> None:
        """Keep what the page looks like from top to bottom."""
        await page.screenshot(path=self.folder / f"{next(self._numbers):02}-{name}.png", full_page=True)
