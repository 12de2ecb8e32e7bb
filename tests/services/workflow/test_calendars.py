"""Calendars over HTTP: versions and who stored them, their days, and files in and out (api.md)."""

import itertools
import json
from typing import Any

import pytest

from tests.services.system import System

_ids = itertools.count(1)
WEEK = {"mon": {"09:00": "12:00", "13:00": "18:00"}, "tue": {"09:00": "18:00"}}
HOLIDAYS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-TIMEZONE:Asia/Shanghai\r\n"
    "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261203\r\nSUMMARY:公司日\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nDTSTART:20261207T090000\r\nSUMMARY:无结束时间\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def put(system: System, id_: str, *, publish: bool = False, **more: Any) -> dict[str, Any]:
    body = {"time_zone": "Asia/Shanghai", "hours": WEEK, **more}
    answer = await system.call("PUT", f"/v1/calendars/{id_}?publish={str(publish).lower()}", body, by="孙磊")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def send(system: System, id_: str, content: str, kind: str = "text/calendar", **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {system.tokens['孙磊']}", "Content-Type": kind, **headers}
    return await system.http.post(f"/v1/calendars/{id_}/import", content=content.encode(), headers=headers)


async def export(system: System, id_: str, **query: str) -> Any:
    headers = {"Authorization": f"Bearer {system.tokens['李雷']}"}
    return await system.http.get(f"/v1/calendars/{id_}/export", params=query, headers=headers)


async def test_versions_say_who_stored_them_and_which_one_is_in_force(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    await put(system, id_, publish=True)
    second = await put(system, id_, holidays=["2026-12-24"])
    assert (second["version"], second["published_at"], second["published_version"]) == (2, None, 1)
    assert second["created_by"] == system.ids["孙磊"]
    versions = (await system.get(f"/v1/calendars/{id_}/versions"))["items"]
    assert [(each["version"], bool(each["published_at"])) for each in versions] == [(2, False), (1, True)]
    first = await system.get(f"/v1/calendars/{id_}", version="1")
    assert (first["version"], first["holidays"], first["published_version"]) == (1, [], 1)
    listed = {each["id"]: each for each in (await system.get("/v1/calendars", limit=200))["items"]}
    built_in = (await system.get("/v1/calendars/always/versions"))["items"][-1]
    assert (listed[id_]["version"], listed[id_]["published_version"]) == (2, 1)
    assert (built_in["version"], built_in["created_by"]) == (1, None)
    for path in (f"/v1/calendars/{id_}?version=3", "/v1/calendars/none/versions", "/v1/calendars/none/days?year=2026"):
        assert (await system.call("GET", path)).status_code == 404


async def test_a_year_is_shown_day_by_day_with_names_in_both_languages(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    await put(
        system, id_, country="CN", holidays=["2026-12-07"], shifts={"2026-12-12": {"09:00": "12:00"}},
        breaks={"2026-12-14": {"10:00": "13:30"}, "2026-12-15": {"00:00": "24:00"}},
    )  # fmt: skip
    year = await system.get(f"/v1/calendars/{id_}/days", year="2026")
    days = {each["date"]: each for each in year["days"]}
    assert (year["id"], year["version"], year["time_zone"], len(days)) == (id_, 1, "Asia/Shanghai", 365)
    assert year["official_until"] >= "2026-12-31"
    assert days["2026-10-01"]["name"] == {"zh-CN": "国庆节", "en": "National Day"}
    assert (days["2026-10-01"]["kind"], days["2026-10-01"]["own"]) == ("holiday", False)
    assert (days["2026-10-10"]["kind"], days["2026-10-10"]["hours"][0]) == ("make_up", ["09:00", "12:00"])
    assert (days["2026-12-07"]["kind"], days["2026-12-07"]["own"], days["2026-12-07"]["name"]) == (
        "holiday",
        True,
        None,
    )
    assert (days["2026-12-12"]["kind"], days["2026-12-12"]["hours"]) == ("shift", [["09:00", "12:00"]])
    assert (days["2026-12-14"]["hours"], days["2026-12-14"]["breaks"]) == (
        [["09:00", "10:00"], ["13:30", "18:00"]],
        [["10:00", "13:30"]],
    )
    assert (days["2026-12-15"]["kind"], days["2026-12-15"]["hours"], days["2026-12-15"]["own"]) == ("closed", [], True)
    assert (days["2026-12-01"]["kind"], days["2026-12-02"]["kind"]) == ("open", "closed")


@pytest.mark.parametrize("year", ["1969", "2101", "x", ""])
async def test_a_year_without_an_answer_is_refused(system: System, year: str) -> None:
    answer = await system.call("GET", f"/v1/calendars/cn/days?year={year}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/year")


async def test_a_calendar_leaves_as_a_file_and_comes_back_under_another_name(system: System) -> None:
    id_, other, third = (f"desk-{next(_ids)}" for _ in range(3))
    stored = await put(system, id_, country="CN", title={"zh-CN": "总部", "en": "HQ"}, holidays=["2026-12-24"])
    said = {name: stored[name] for name in ("time_zone", "hours", "title", "country", "holidays", "official_until")}
    ical = await export(system, id_)
    assert ical.headers["Content-Type"] == "text/calendar; charset=utf-8"
    taken = await send(system, other, ical.text)
    assert taken.status_code == 200, taken.text
    assert {name: taken.json()[name] for name in said} == said
    draft = (await export(system, id_, format="json")).text
    taken = await send(system, third, draft, "application/json")
    assert {name: taken.json()[name] for name in said} == said
    assert [note["code"] for note in taken.json()["notes"]] == ["calendar_read"]
    days = [(await system.get(f"/v1/calendars/{it}/days", year="2026"))["days"] for it in (id_, other, third)]
    assert days[0] == days[1] == days[2]


async def test_somebody_elses_holidays_are_added_and_what_was_passed_over_is_told(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    await put(system, id_, holidays=["2026-12-24"], publish=True)
    taken = (await send(system, id_, HOLIDAYS, **{"Accept-Language": "zh-CN"})).json()
    assert (taken["version"], taken["published_version"]) == (2, 1)
    assert taken["holidays"] == ["2026-12-01", "2026-12-02", "2026-12-24"]
    assert [(note["code"], note["line"], note["summary"]) for note in taken["notes"]] == [
        ("holidays_read", None, ""),
        ("no_date", 9, "无结束时间"),
    ]
    assert taken["notes"][1]["message"].startswith("第 9 行")


async def test_an_import_repeated_under_its_key_stores_nothing_twice_and_another_file_is_refused(
    system: System,
) -> None:
    id_, key = f"desk-{next(_ids)}", {"Idempotency-Key": "import-once"}
    first, again = [await send(system, id_, HOLIDAYS, **key) for _ in range(2)]
    assert (first.json(), again.headers["Idempotent-Replay"]) == (again.json(), "true")
    assert len((await system.get(f"/v1/calendars/{id_}/versions"))["items"]) == 1
    assert (await send(system, id_, HOLIDAYS + "X:1", **key)).json()["code"] == "idempotency_key_reused"
    assert (await send(system, id_, HOLIDAYS, **{"If-Match": '"7"'})).status_code == 412


@pytest.mark.parametrize(
    ("content", "kind", "status", "pointer"),
    [
        ("no calendar", "text/calendar", 422, ""),
        (HOLIDAYS.replace("X-WR-TIMEZONE:Asia/Shanghai\r\n", ""), "text/calendar", 422, "/time_zone"),
        ("{}", "application/json", 422, "/time_zone"),
        ('{"time_zone": "UTC", "colour": "red"}', "application/json", 422, "/colour"),
        ('{"time_zone": "UTC", "holidays": ["soon"]}', "application/json", 422, "/holidays/0"),
        ("time_zone: UTC", "application/yaml", 415, None),
    ],
)
async def test_a_file_that_is_no_calendar_is_refused_where_it_is_wrong(
    system: System, content: str, kind: str, status: int, pointer: str | None
) -> None:
    answer = await send(system, f"desk-{next(_ids)}", content, kind)
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("query", [{"format": "xml"}, {"year_from": "2027", "year_to": "2026"}, {"year_from": "1969"},
                                   {"year_from": "2000", "year_to": "2030"}])  # fmt: skip
async def test_an_export_without_an_end_is_refused(system: System, query: dict[str, str]) -> None:
    assert (await export(system, "cn", **query)).status_code == 422
    assert (await export(system, "none")).status_code == 404


async def test_a_calendar_that_was_read_and_put_back_goes_on_with_its_country(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    read = await put(system, id_, country="CN")
    assert read["official_until"] is not None
    await put(system, id_, **{name: read[name] for name in ("country", "official_until")})
    assert json.loads((await export(system, id_, format="json")).text)["official_until"] is None
    kept = await put(system, id_, country="CN", official_until="2030-12-31")
    assert kept["official_until"] == "2030-12-31"


async def test_two_versions_of_a_calendar_are_compared_place_by_place(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    await put(system, id_, country="CN", breaks={"2026-10-09": {"15:00": "16:00"}})
    await put(system, id_, country="CN", holidays=["2026-12-24"])
    told = await system.get(f"/v1/calendars/{id_}/compare", **{"from": "1", "to": "2"})
    assert {each["pointer"]: (each["from"], each["to"]) for each in told["items"]} == {
        "/holidays": ([], ["2026-12-24"]),
        "/breaks/2026-10-09": ({"15:00": "16:00"}, None),
    }
    assert (await system.get(f"/v1/calendars/{id_}/compare", **{"from": "2", "to": "2"}))["items"] == []
    missing = await system.call("GET", f"/v1/calendars/{id_}/compare?from=1&to=3", by="李雷")
    assert missing.status_code == 404


async def test_an_import_under_another_version_than_the_latest_stores_nothing(system: System) -> None:
    id_ = f"desk-{next(_ids)}"
    await put(system, id_)
    taken = await send(system, id_, HOLIDAYS, **{"If-Match": '"1"'})
    assert (taken.status_code, taken.json()["version"]) == (200, 2)
    late = await send(system, id_, HOLIDAYS, **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")
    assert (await system.get(f"/v1/calendars/{id_}"))["version"] == 2


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "拆成两段"), ("en", "split it at 24:00")])
async def test_what_is_wrong_with_a_calendar_is_told_in_the_readers_language(
    system: System, language: str, said: str
) -> None:
    wrong = json.dumps({"time_zone": "Asia/Shanghai", "hours": {"mon": {"22:00": "06:00"}}})
    refused = await send(system, "never", wrong, "application/json", **{"Accept-Language": language})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/hours/mon/22:00", "over_midnight")
    assert said in error["message"]
