"""The console in a real browser: keys, live parts that leave a reader alone, no scripts, narrow screens, dark mode."""

import re

import pytest
from playwright.async_api import expect

from tests.console.browser import LOOKS, Open, faults
from tests.console.page_client import listed
from tests.services.system import System

MINUTES = {"天": 24 * 60, "小时": 60, "分": 1}


async def test_a_call_is_taken_by_keyboard_alone(open_page: Open) -> None:
    page = await open_page("/board")
    await page.keyboard.press("n")
    await page.wait_for_url("**/tickets/new")
    assert await page.evaluate("document.activeElement.name") == "customer.phone"
    await page.keyboard.type("13800001111")
    await page.keyboard.press("Tab")
    await page.keyboard.type("韩梅梅")
    while await page.evaluate("document.activeElement.name") != "description":
        await page.keyboard.press("Tab")
    await page.keyboard.type("冰箱不制冷")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("工单已保存")).to_be_visible()


async def test_the_list_is_walked_with_j_and_k_and_opened_with_enter(system: System, open_page: Open) -> None:
    for _ in range(2):
        await system.accepted()
    page = await open_page("/board")
    numbers = await page.locator(".tickets a.number").all_inner_texts()
    for key in ("j", "j", "k"):
        await page.keyboard.press(key)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/tickets/{numbers[0]}")


async def test_the_slash_goes_to_the_search_and_is_a_letter_while_typing(open_page: Open) -> None:
    page = await open_page("/board")
    await page.keyboard.press("/")
    await page.keyboard.type("a/b")
    assert await page.input_value("#find") == "a/b"


async def test_back_from_a_ticket_shows_again_what_a_search_found(system: System, open_page: Open) -> None:
    first, second = [await system.accepted(product={"model": "BCD-BACK", "order_no": "FIND-BACK"}) for _ in range(2)]
    for ticket_no in (first, second):
        await listed(system, ticket_no)
    page = await open_page("/board")
    await page.fill("#find", "FIND-BACK")
    await page.keyboard.press("Enter")
    await page.locator(f"#row-{first} a.number").click()
    await page.wait_for_url(f"**/tickets/{first}")
    await page.go_back()
    await expect(page.locator(f"#row-{second}")).to_be_visible()
    assert await page.input_value("#find") == "FIND-BACK"
    assert "FIND-BACK" not in page.url


async def test_a_new_ticket_appears_on_the_board_without_moving_the_focus(system: System, open_page: Open) -> None:
    model = {"model": "LIVE-1", "serial_no": "L1"}
    first = await system.register(product=model)
    page = await open_page("/board?product_model=LIVE-1")
    await expect(page.locator(f"#row-{first}")).to_be_visible()
    await page.locator(f"#row-{first} a.number").focus()
    second = await system.register(product={**model, "serial_no": "L2"})
    await expect(page.locator(f"#row-{second}")).to_be_visible(timeout=15_000)
    assert await page.evaluate("document.activeElement.textContent") == first


async def test_a_countdown_ticks_by_the_servers_clock(system: System, open_page: Open) -> None:
    await system.register(product={"model": "TICK-1"}, urgency="urgent")
    page = await open_page("/board?product_model=TICK-1")
    shown = page.locator("time[data-countdown]").first
    # The reader's own clock is an hour wrong; the text must not be.
    before = await shown.inner_text()
    await page.evaluate("const real = Date.now; Date.now = () => real() + 3_600_000; document.body.dataset.x = '1'")
    await page.evaluate("htmx.trigger('#live', 'refresh')")
    await page.wait_for_timeout(1500)
    after = await page.locator("time[data-countdown]").first.inner_text()
    assert 0 <= minutes(before) - minutes(after) < 30


def minutes(text: str) -> int:
    """The whole minutes of a length in Chinese words."""
    return sum(int(number) * MINUTES[unit] for number, unit in re.findall(r"(\d+) (天|小时|分)", text))


async def test_what_is_being_typed_outlives_an_update_and_the_update_is_announced(
    system: System, open_page: Open
) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", by="林涛")
    await page.locator("#command-respond summary").click() if not await page.locator(
        "#form-respond textarea"
    ).is_visible() else None
    await page.fill("#form-respond textarea", "写到一半的回复")
    await system.do(ticket_no, "customer-message", {"message": "客户又来信了"}, by="李雷")
    await expect(page.locator(".entries")).to_contain_text("客户又来信了", timeout=15_000)
    assert await page.input_value("#form-respond textarea") == "写到一半的回复"
    await expect(page.locator("#form-respond .form-changed")).to_be_visible()
    await page.click("#form-respond button.btn-primary")
    await expect(page.get_by_text("提交前工单已被更新")).to_be_visible()
    await page.get_by_role("button", name="仍然提交").click()
    await expect(page.locator("#said")).to_be_visible()
    await expect(page.locator(".entries")).to_contain_text("写到一半的回复")


async def test_a_prepared_message_follows_what_is_chosen_until_somebody_writes(system: System, open_page: Open) -> None:
    page = await open_page(f"/tickets/{await system.register(product={'model': 'BCD-500'})}")
    form = page.locator("#form-request-information")
    await page.evaluate("document.getElementById('command-request-information').open = true")
    message = form.locator("textarea[name=message]")
    assert "需要您补充：产品序列号或订单号。" in await message.input_value()
    await form.get_by_text("产品型号").click()
    assert "需要您补充：产品序列号或订单号、产品型号。" in await message.input_value()
    await form.get_by_text("订单号或序列号").click()
    await form.get_by_text("产品型号").click()
    assert "需要您补充：…。" in await message.input_value()
    await message.press_sequentially("！")
    written = await message.input_value()
    await form.get_by_text("产品型号").click()
    assert await message.input_value() == written


async def test_a_double_click_is_one_command(system: System, open_page: Open) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", by="林涛")
    await page.evaluate("document.querySelector('#command-respond').open = true")
    await page.fill("#form-respond textarea", "点了两次")
    await page.dblclick("#form-respond button.btn-primary")
    await expect(page.locator("#said")).to_be_visible()
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    assert [item["type"] for item in items].count("ticket.responded") == 1


async def test_a_button_with_a_meaning_of_its_own_keeps_it(system: System, open_page: Open) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", by="林涛")
    await page.evaluate("document.querySelector('#command-progress').open = true")
    await page.fill("#form-progress textarea", "已告知客户")
    await page.get_by_role("button", name="记录并告知客户").click()
    await expect(page.locator(".entries")).to_contain_text("客户可见")


async def test_everything_is_done_without_scripts(system: System, open_page: Open) -> None:
    ticket_no = await system.register()
    page = await open_page(f"/tickets/{ticket_no}", java_script_enabled=False)
    await page.get_by_role("button", name="受理").click()
    await expect(page.locator("#said")).to_be_visible()
    await page.locator("#command-respond summary").click() if not await page.locator(
        "#form-respond textarea"
    ).is_visible() else None
    await page.fill("#form-respond textarea", "没有脚本也能回复")
    await page.click("#form-respond button.btn-primary")
    await expect(page.locator(".entries")).to_contain_text("没有脚本也能回复")
    await page.goto(f"{system.url}/board")
    await page.locator("#filters summary").click()
    await page.select_option("select[name=kind]", "fault")
    await page.get_by_role("button", name="应用").click()
    assert "kind=fault" in page.url


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
async def test_no_page_has_a_barrier_or_is_wider_than_the_screen_by_day_or_by_night(
    system: System, open_page: Open, language: str, scheme: str, width: str
) -> None:
    late, resolved = await system.accepted(description="很长的单词" + "w" * 300), await system.resolved()
    await system.do(late, "wait", {"reason": "parts"}, by="林涛")
    for path in ("/board?kind=fault", f"/tickets/{late}", f"/tickets/{resolved}", "/tickets/new", "/sign-in"):
        page = await open_page(path, width=width, locale=language, color_scheme=scheme)
        assert await faults(page, scheme, width) == [], path
        await page.context.close()


async def test_times_are_in_the_readers_zone(system: System, open_page: Open) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", timezone_id="America/New_York")
    assert await page.evaluate("document.documentElement.dataset.zone") == "America/New_York"


async def test_every_touch_target_on_a_phone_is_large_enough(system: System, open_page: Open) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", width="phone", by="林涛")
    sizes = await page.eval_on_selector_all(
        "main .btn, main .command > summary, .nav-main a",
        "all => all.filter(each => each.offsetParent)"
        ".map(each => [each.innerText, each.getBoundingClientRect().height])",
    )
    assert sizes
    assert not [(text, height) for text, height in sizes if height < 32]
