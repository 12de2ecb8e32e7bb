"""Pages in a real browser, for tests that look at what only a browser shows."""

import json
import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page

from tests.programs import axe

WIDTHS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
LOOKS = (("zh-CN", "light", "desk"), ("en-US", "dark", "phone"))
"""Language, scheme and width in which a page is opened to be judged by every rule."""
_AT_REST = "Promise.allSettled(document.getAnimations().map(each => each.finished)).then(() => null)"
Open = Callable[..., Awaitable[Page]]


async def barriers(page: Page, *rules: str) -> list[str]:
    """Barriers that keep people out of a page, everything on it unfolded, as axe-core finds them by these rules, or by
    all; skips where axe is missing."""
    source = axe()
    await page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
    await page.evaluate(_AT_REST)
    await page.evaluate(source)
    options = json.dumps({"runOnly": rules} if rules else {})
    found = json.loads(await page.evaluate(f"axe.run({options}).then(it => JSON.stringify(it.violations))"))
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


async def surplus(page: Page) -> int:
    """By how many pixels a page is wider than its screen."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(int(wide), 0)


async def faults(page: Page, scheme: str, width: str) -> list[str]:
    """Faults in the looks of a page that was opened in this scheme and width: barriers, and what sticks out of
    any screen; in the other scheme whether the page follows it, and its contrast."""
    found = []
    (other,) = set(SCHEMES) - {scheme}
    for each in (other, scheme):
        await page.emulate_media(color_scheme=each)  # type: ignore[arg-type]
        for name in (*(WIDTHS.keys() - {width}), width):
            await page.set_viewport_size(WIDTHS[name])  # type: ignore[arg-type]
            if wide := await surplus(page):
                found.append(f"{each} {name}: {wide} px too wide")
        found += await barriers(page, *(() if each == scheme else ("color-contrast",)))
        if await _is_dark(page) != (each == "dark"):
            found.append(f"{each}: the page has the other scheme")
    return found


async def _is_dark(page: Page) -> bool:
    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(float(part)) for part in re.findall(r"[\d.]+", colour)[:3]) < 200
