"""Ladders and quiet hours in the console: who is told when, as a drawing, as a table, and as a text to change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.console.promises.ladder_chart import COLUMN, chart, steps, written_step
from services.console.rendering.present import Present
from services.console.wording import WORDING
from tests.console.page_client import Html, PageClient

Visit = Callable[..., PageClient]
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
PRESENT = Present(WORDING.speak("zh-CN"), ZoneInfo("Asia/Shanghai"), AT)


def _told(rung: str, name: str | None, waits_until: str | None = None) -> dict[str, Any]:
    return {"staff": name, "name": name, "rung": rung, "waits_until": waits_until}


def _item(level: int, rungs: list[list[str]], told: list[dict[str, Any]], round_: int = 1) -> dict[str, Any]:
    after = timedelta(minutes=15 * (level - 1) + 60 * (round_ - 1))
    at = (AT + after).isoformat()
    minutes = int(after.total_seconds() // 60)
    return {
        "round": round_,
        "level": level,
        "after": f"PT{minutes}M",
        "at": at,
        "rungs": rungs,
        "told": told,
        "note": None,
    }


PLAN = {
    "items": [
        _item(
            1, [["owner", "clerks"], ["department_head"]], [_told("clerks", "李雷"), _told("department_head", "王强")]
        ),
        _item(2, [["on_call"]], []),
        _item(3, [["supervisor"]], [_told("supervisor", "王芳", "2026-11-24T01:00:00Z")]),
        _item(1, [["owner", "clerks"]], [_told("owner", None)], round_=2),
    ]
}


def test_every_rung_has_a_lane_in_the_order_of_the_climb() -> None:
    drawn = chart(PLAN, PRESENT)
    assert [lane.name for lane in drawn.lanes] == ["主办人", "客服专员", "值班", "部门负责人", "客服主管"]
    assert len({lane.y for lane in drawn.lanes}) == 5


def test_time_runs_from_left_to_right_and_a_round_is_marked_where_it_begins() -> None:
    drawn = chart(PLAN, PRESENT)
    assert [column.x for column in drawn.columns] == [drawn.columns[0].x + COLUMN * place for place in range(4)]
    assert [column.opens_round for column in drawn.columns] == [1, None, None, 2]
    assert [column.after for column in drawn.columns] == ["立即", "+ 15 分钟", "+ 30 分钟", "+ 1 小时"]
    assert drawn.columns[0].time == "今天 16:00"


def test_who_is_told_who_stands_in_and_who_waits_are_drawn_apart() -> None:
    marks = chart(PLAN, PRESENT).marks
    assert [mark.names for mark in marks] == ["李雷", "王强", "", "", "王芳", "主办人", ""]
    assert [mark.waits for mark in marks if mark.waits] == ["等到 明天 09:00"]


def test_the_climb_leads_from_the_first_told_of_each_step_to_the_next() -> None:
    drawn = chart(PLAN, PRESENT)
    assert len(drawn.climb) == 2
    assert drawn.climb[0][1] == drawn.climb[1][0]


def test_a_name_too_long_for_its_column_is_cut_in_the_drawing_and_whole_beside_it() -> None:
    long = "Maximiliana von Hohenstaufen"
    plan = {"items": [_item(1, [["supervisor"]], [_told("supervisor", long), _told("supervisor", "王芳")])]}
    mark = chart(plan, PRESENT).marks[0]
    assert mark.short.endswith("… +1")
    assert len(mark.short) < len(long)
    assert mark.names == f"{long}、王芳"


def test_the_table_says_what_the_drawing_says() -> None:
    table = steps(PLAN, PRESENT)
    assert [(step.round, step.level) for step in table] == [(1, 1), (1, 2), (1, 3), (2, 1)]
    assert table[0].rungs == "主办人，无人时客服专员 + 部门负责人"
    assert [name for name, _, _ in table[0].told] == ["李雷", "王强"]
    assert table[1].told == []


def test_nothing_to_tell_is_an_empty_drawing() -> None:
    drawn = chart({"items": []}, PRESENT)
    assert (drawn.columns, drawn.marks, drawn.climb) == ([], [], [])


@pytest.mark.parametrize(
    ("step", "said"),
    [("on_call", "值班"), ("owner or clerks", "主办人，无人时客服专员"), ("owner + supervisor", "主办人 + 客服主管")],
)
def test_a_step_is_read_out_in_words(step: str, said: str) -> None:
    assert written_step(step, PRESENT) == said


async def test_a_ladder_is_shown_with_who_would_be_told_when(visit: Visit) -> None:
    listed = await visit("李雷").get("/ladders")
    assert "/ladders/default" in [href for href, _ in listed.links]
    page = await visit("李雷").get("/ladders/default", clock="acceptance", urgency="urgent")
    assert any(tag == "svg" and given.get("role") == "img" for tag, given in page.tags)
    assert "第 1 轮 · 1" in page.text
    assert "+ 5 分钟" in page.text
    assert "李雷" in page.text


async def test_a_low_rating_has_a_ladder_without_a_clock(visit: Visit) -> None:
    page = await visit("李雷").get("/ladders/default", threshold="low_rating")
    assert "+ 8 小时" in page.text


async def test_clerks_read_ladders_and_administrators_write_them(visit: Visit) -> None:
    page = await visit("李雷").get("/ladders/default")
    assert "/ladders/default/edit" not in [href for href, _ in page.links]
    assert (await visit("李雷").http.get("/ladders/default/edit")).status_code == 403
    assert (await visit("李雷").post("/ladders", {"id": "mine"})).status_code == 403
    assert (await visit("李雷").post("/quiet-hours", {"version": "0"})).status_code == 403


async def test_a_ladder_is_written_as_text_and_compared_with_the_one_before(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get("/ladders")).form("/ladders#add".partition("#")[0])
    editing = await admin.send(form, id="nights", title__en="Nights")
    edit = editing.form("/ladders/nights/edit")
    text = edit.filled()["text"][0]
    shown = await admin.send(edit, text=text.replace("rounds: 3", "rounds: 2", 1))
    assert "已保存" in shown.text
    compared = await admin.get("/ladders/nights/compare")
    assert "1 处不同" in compared.text
    assert "超时 · 轮数" in compared.text


async def test_a_text_that_is_no_ladder_is_refused_at_its_line_and_kept(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get("/ladders/default/edit")).form("/ladders/default/edit")
    wrong = form.filled()["text"][0].replace("on_call", "the_boss", 1)
    answer = await admin.post(form.action, form.filled(text=wrong))
    assert answer.status_code == 422
    page = Html(answer.text)
    line = next(number for number, text in enumerate(wrong.split("\n"), 1) if "the_boss" in text)
    assert f"第 {line} 行" in page.text
    assert page.form("/ladders/default/edit").filled()["text"] == [wrong]


async def test_the_slower_of_two_editors_is_told(visit: Visit) -> None:
    admin = visit("孙磊")
    await admin.send((await admin.get("/ladders")).form("/ladders"), id="twice")
    first, second = [(await admin.get("/ladders/twice/edit")).form("/ladders/twice/edit") for _ in range(2)]
    text = first.filled()["text"][0]
    await admin.send(first, text=text.replace("rounds: 3", "rounds: 4", 1))
    late = await admin.post(second.action, second.filled(text=text.replace("rounds: 3", "rounds: 5", 1)))
    assert late.status_code == 409
    assert "rounds: 5" in Html(late.text).form("/ladders/twice/edit").filled()["text"][0]


async def test_quiet_hours_are_set_refused_and_ended(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get("/quiet-hours")).form("/quiet-hours")
    wrong = {"customer.on": "true", "customer.from": "21:00", "customer.to": "08:00", "customer.time_zone": "Mars/Sea"}
    refused = Html((await admin.post(form.action, {**form.filled(), **wrong})).text)
    assert any(given.get("id") == "f-customer.time_zone-error" for _, given in refused.tags)
    right = {**form.filled(), **wrong, "customer.time_zone": "Asia/Shanghai"}
    assert (await admin.post(form.action, right)).status_code == 303
    assert "21:00–08:00 (Asia/Shanghai)" in (await visit("李雷").get("/quiet-hours")).text
    again = (await admin.get("/quiet-hours", done="saved")).form("/quiet-hours")
    ended = {name: value for name, value in again.filled().items() if name != "customer.on"}
    assert (await admin.post(again.action, ended)).status_code == 303
    assert "21:00–08:00" not in (await visit("李雷").get("/quiet-hours")).text
