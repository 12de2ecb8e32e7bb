"""Between a phone and a desk: no list is cut, nothing lies on top of anything, and what is open is in sight."""

import pytest
from playwright.async_api import Page

from tests.console.browser import Open, surplus
from tests.services.system import System

_CELLS = """selector => [...document.querySelectorAll(selector)].filter(each => each.offsetParent).length"""

_HIDDEN = """selector => (it => it.scrollWidth - it.clientWidth)(document.querySelector(selector))"""


async def place(page: Page, selector: str) -> tuple[float, float, float, float]:
    """The box of an element: left, top, right, bottom."""
    box = await page.locator(selector).first.bounding_box()
    assert box, selector
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


async def test_the_board_shows_every_column_at_every_width(system: System, open_page: Open) -> None:
    model = "W" * 60
    ticket_no = await system.accepted(product={"model": model})
    page = await open_page(f"/board?product_model={model}", locale="en-US")
    for width in (1440, 1101, 1100, 1024, 901, 900, 744, 641, 640, 390, 320):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await surplus(page) == 0, width
        assert await page.evaluate(_CELLS, f"#row-{ticket_no} td") == 7, width
        assert await page.evaluate(_CELLS, ".ticket-list th") == 7, width


async def test_on_a_phone_the_filter_lies_beside_the_lists_and_what_is_open_is_in_sight(
    system: System, open_page: Open
) -> None:
    await system.accepted()
    page = await open_page("/board?status=closed&sort=-opened_at", width="phone")
    lists, filters = await place(page, ".tabs"), await place(page, "#filters > summary")
    assert filters[1] >= lists[3]
    left, _, right, _ = await place(page, ".tabs [aria-current]")
    assert left >= 0
    assert right <= 390
    page = await open_page("/keys", by="孙磊", width="phone")
    left, _, right, _ = await place(page, ".nav-main [aria-current]")
    assert left >= 0
    assert right <= 390


@pytest.mark.parametrize(("locale", "by"), [("zh-CN", "王芳"), ("en-US", "王芳"), ("en-US", "孙磊")])
async def test_nothing_lies_over_the_main_navigation_on_a_desk(
    system: System, open_page: Open, locale: str, by: str
) -> None:
    page = await open_page("/board", by=by, locale=locale)
    for width in (1920, 1341, 1340, 1280, 1241, 1240, 901):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(_HIDDEN, ".nav-main") == 0, width


async def test_publications_stand_under_their_head(system: System, open_page: Open) -> None:
    body = {"title": {"en": "widths"}, "calendar": "cn", "applies": [{"kind": ["praise"]}], "clocks": {}}
    assert (await system.call("PUT", "/v1/policies/widths", body, by="孙磊")).status_code == 200
    assert (await system.insist("/v1/policies/widths/publish", {}, by="孙磊")).is_success
    page = await open_page("/publications", by="孙磊")
    for column in (1, 3, 6):
        head = await place(page, f".clock-table thead tr > *:nth-child({column})")
        cell = await place(page, f".clock-table tbody tr > *:nth-child({column})")
        assert (head[0], head[2]) == (cell[0], cell[2]), column
