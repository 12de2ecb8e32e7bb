"""The satisfaction report: D0's table 2, nothing over nothing, and every number leads to what it counts."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.periods import Period, month_of, months_of, period_of, year_until
from tests.console.page_client import PageClient
from tests.services.system import System, surveyed

Visit = Callable[..., PageClient]
ANSWER = {
    "scores": {"response_speed": 2, "problem_solving": 5, "attitude": 4, "convenience": 3},
    "overall": "satisfied",
    "recommend": 9,
    "solved_first_time": True,
    "suggestion": "希望上门更准时",
}


async def answered(system: System, model: str) -> str:
    """The number of a ticket about this model, whose customer has answered."""
    serial = {"model": model, "serial_no": f"SN-{model}"}
    survey_id = await surveyed(system, product=serial)
    answer = await system.call("POST", f"/v1/surveys/{survey_id}/answer", ANSWER, by="李雷")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket_no"])


async def test_the_table_shows_averages_shares_and_quotations_by_dimension(system: System, visit: Visit) -> None:
    await answered(system, "T-100")
    page = await visit("王芳").get("/reports/satisfaction?product_model=T-100")
    assert "服务响应速度 2.00 100.0 % 0.0 % 0.0 %" in page.text
    assert "问题解决能力 5.00 0.0 % 0.0 % 100.0 %" in page.text
    assert "希望上门更准时" in page.text
    assert "满意率（4–5 分） 100.0 %" in page.text
    assert "净推荐值 NPS +100" in page.text


async def test_nothing_over_nothing_is_no_data_and_never_a_figure(visit: Visit) -> None:
    page = await visit("王芳").get("/reports/satisfaction?from=2001-01-01&to=2001-02-01")
    assert "2001-01-01 至 2001-01-31（含首尾两天）" in page.text
    assert "满意率（4–5 分） 无数据" in page.text
    assert "净推荐值 NPS 无数据" in page.text
    assert "0.0 %" not in page.text
    assert "100.0 %" not in page.text


async def test_a_number_leads_to_its_surveys_and_they_to_their_tickets(system: System, visit: Visit) -> None:
    ticket_no = await answered(system, "T-200")
    client = visit("王芳")
    report = await client.get("/reports/satisfaction?by=product_model&product_model=T-200")
    assert "T-200 3.50" in report.text
    address = next(href for href, shown in report.links if "product_model=T-200" in href and shown.strip() == "1")
    surveys = await client.get(address)
    assert f"/tickets/{ticket_no}" in [href for href, _ in surveys.links]
    assert "满意" in surveys.text


async def test_every_figure_leads_to_what_it_counts(system: System, visit: Visit) -> None:
    ticket_no = await answered(system, "T-250")
    client = visit("王芳")
    report = await client.get("/reports/satisfaction?product_model=T-250")
    for counted in ("overall_count", "nps_count", "stated_count", "delivered", "closed"):
        address = next(href for href, _ in report.links if f"counted={counted}" in href)
        assert f"/tickets/{ticket_no}" in [href for href, _ in (await client.get(address)).links], counted
    scores = {"response_speed": "1", "problem_solving": "5", "attitude": "4"}
    for dimension, score in scores.items():
        address = next(
            href for href, _ in report.links if f"dimension={dimension}" in href and f"score={score}" in href
        )
        assert f"/tickets/{ticket_no}" in [href for href, _ in (await client.get(address)).links], dimension
    empty = next(href for href, _ in report.links if "dimension=attitude" in href and "score=5" in href)
    assert ticket_no not in (await client.get(empty)).text


async def test_what_a_customer_suggests_is_quoted_once_beside_the_dimensions(system: System, visit: Visit) -> None:
    await answered(system, "T-260")
    client = visit("王芳")
    for by, count in (("dimension", 1), ("product_model", 1)):
        page = await client.get(f"/reports/satisfaction?product_model=T-260&by={by}")
        assert page.text.count("希望上门更准时") == count, by


async def test_low_ratings_are_counted_and_listed(system: System, visit: Visit) -> None:
    ticket_no = await answered(system, "T-300")
    client = visit("王芳")
    report = await client.get("/reports/satisfaction?product_model=T-300")
    low = next(href for href, _ in report.links if "low=true" in href)
    assert ticket_no in (await client.get(low)).text


async def test_charts_are_a_gain_and_the_table_says_the_same(system: System, visit: Visit) -> None:
    await answered(system, "T-400")
    page = await visit("王芳").get("/reports/satisfaction?product_model=T-400")
    assert '"shares"' in page.source
    assert page.source.count('class="bar"') == 4
    assert 'class="charts" aria-hidden="true" hidden' in page.source


async def test_what_customers_wrote_cannot_end_the_figures_of_the_charts(system: System, visit: Visit) -> None:
    await answered(system, "</script><b>x")
    page = await visit("王芳").get("/reports/satisfaction?by=product_model")
    assert "</script><b>" not in page.source


@pytest.mark.parametrize(
    "query", ["from=tomorrow", "from=2026-02-01&to=2026-01-01", "from=2026-02-01&to=2026-02-01", "to=9999-12-31"]
)
async def test_a_period_that_cannot_be_is_a_page_that_says_so(visit: Visit, query: str) -> None:
    answer = await visit("王芳").http.get(f"/reports/satisfaction?{query}")
    assert answer.status_code == 422


async def test_another_departments_answers_stay_theirs(system: System, visit: Visit) -> None:
    await answered(system, "T-500")
    assert "T-500" not in (await visit("许晴").get("/reports/satisfaction?by=product_model")).text
    assert (await visit("李雷").http.get("/reports/satisfaction")).status_code == 403


TODAY = date(2026, 2, 14)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ({}, date(2026, 1, 16), TODAY),
        ({"period": "this_month"}, date(2026, 2, 1), TODAY),
        ({"period": "last_month"}, date(2026, 1, 1), date(2026, 1, 31)),
        ({"period": "this_quarter"}, date(2026, 1, 1), TODAY),
        ({"period": "last_quarter"}, date(2025, 10, 1), date(2025, 12, 31)),
        ({"period": "this_year"}, date(2026, 1, 1), TODAY),
        ({"from": "2026-01-05", "to": "2026-01-06"}, date(2026, 1, 5), date(2026, 1, 5)),
        ({"from": "2026-01-05", "to": "2026-03-01"}, date(2026, 1, 5), date(2026, 2, 28)),
        ({"from": "2026-01-05"}, date(2026, 1, 5), TODAY),
        ({"period": "last_month", "from": "2026-02-01"}, date(2026, 1, 1), date(2026, 1, 31)),
    ],
)
def test_a_period_ends_with_its_last_day(asked: dict[str, str], first: date, last: date) -> None:
    period = period_of(asked, TODAY)
    assert (period.first, period.last) == (first, last)


def test_months_and_trends_keep_to_whole_months() -> None:
    assert month_of("2026-12").within(Period("", date(2026, 12, 10), date(2027, 6, 1))) == Period(
        "", date(2026, 12, 10), date(2027, 1, 1)
    )
    assert months_of(year_until(date(2026, 3, 1)))[:2] == ["2025-03", "2025-04"]
    assert len(months_of(year_until(date(2026, 3, 1)))) == 12
    assert year_until(date(2026, 3, 1)) == Period("", date(2025, 3, 1), date(2026, 3, 1))


async def test_to_means_the_same_on_the_page_its_links_and_in_the_api(system: System, visit: Visit) -> None:
    ticket_no = await answered(system, "T-600")
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    # Midnight may pass on the way.
    for to, count in ((today - timedelta(days=1), 0), (today + timedelta(days=2), 1)):
        span = f"from={today - timedelta(days=2)}&to={to}"
        rows = await system.get(f"/v1/reports/satisfaction?by=product_model&product_model=T-600&{span}", by="王芳")
        page = await visit("王芳").get(f"/reports/satisfaction?by=product_model&product_model=T-600&{span}")
        assert sum(row["count"] for row in rows["items"]) == count
        links = [href for href, _ in page.links if "/surveys?" in href]
        assert links
        assert all(span in href for href in links)
        listed = await visit("王芳").get(next(href for href in links if "T-600" in href))
        assert (ticket_no in listed.text) is bool(count)
        assert f"{today - timedelta(days=2)} 至 {to - timedelta(days=1)}（含首尾两天）" in listed.text
