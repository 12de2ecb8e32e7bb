"""Pages in a real browser, for tests that look at what only a browser shows."""

import json
from collections.abc import Awaitable, Callable

from playwright.async_api import Page

from tests.programs import axe

WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
Open = Callable[..., Awaitable[Page]]


async def barriers(page: Page) -> list[str]:
    """Barriers that keep people out of a page, everything on it unfolded, as axe-core finds it; skips where axe is
    missing."""
    rules = axe()
    await page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
    await page.evaluate(rules)
    found = json.loads(await page.evaluate("axe.run().then(it => JSON.stringify(it.violations))"))
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


async def surplus(page: Page) -> int:
    """By how many pixels a page is wider than its screen."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(int(wide), 0)
