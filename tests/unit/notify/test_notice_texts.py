"""Every notice has its text in both languages; what operations write is tried, and bounded."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.contracts.notice import NoticeKind
from services.contracts.words import CloseReason, Result
from services.notify.notices.catalogue import built_in, tried
from services.notify.notices.letter import Places, fill, html_of
from services.notify.notices.rendering import LONGEST_TEXT, Template, Unwritable, write
from services.notify.notices.samples import sample, variables
from services.notify.notices.words import Language, spoken, word
from services.runtime.errors import ValidationFailed

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def with_text(text: str, kind: NoticeKind = NoticeKind.PROGRESS, subject: str = "s") -> Template:
    return Template(kind, Language.ENGLISH, 0, subject, text)


def test_every_kind_is_written_in_both_languages() -> None:
    assert built_in().keys() == {f"{kind}.{language}" for kind in NoticeKind for language in ("zh-CN", "en")}


@pytest.mark.parametrize("template", built_in().values(), ids=built_in())
def test_a_text_says_everything_with_all_facts_and_leaves_no_hole_without_them(template: Template) -> None:
    full = write(template, sample(template.kind), SHANGHAI)
    sparse = write(template, {"ticket_no": "20261120001", **required_by(template.kind)}, SHANGHAI)
    for written in (full, sparse):
        assert written.subject
        assert "None" not in written.subject + written.text
        assert "\n\n\n" not in written.text
        assert "{%" not in written.text
    if template.kind is not NoticeKind.WEBHOOK_EXHAUSTED:
        assert "20261120001" in full.subject


def required_by(kind: NoticeKind) -> dict[str, Any]:
    """What a notice of this kind never comes without."""
    always = {"kind": "fault", "urgency": "normal", "cycle": 1, "customer": "{{customer}}", "ticket_link": "http://t"}
    needed = ("message", "steps", "summary", "result", "close_reason", "clock", "part", "survey_link", "webhook_id",
              "console_link", "alerts_link")  # fmt: skip
    return {**always, **{name: value for name, value in sample(kind).items() if name in needed}}


@pytest.mark.parametrize("template", [each for each in built_in().values() if each.language is Language.ENGLISH],
                         ids=lambda each: each.id)  # fmt: skip
def test_an_english_text_has_no_chinese_but_what_people_wrote(template: Template) -> None:
    spelled = {name: "x" if isinstance(value, str) and CHINESE.search(value) else value
               for name, value in sample(template.kind).items()}  # fmt: skip
    written = write(template, spelled, SHANGHAI)
    assert not CHINESE.search(written.subject + written.text)


@pytest.mark.parametrize("reason", CloseReason)
@pytest.mark.parametrize("language", Language)
def test_closing_says_why_in_words(reason: CloseReason, language: Language) -> None:
    facts = {**sample(NoticeKind.CLOSED), "close_reason": reason.value}
    written = write(built_in()[f"closed.{language}"], facts, SHANGHAI)
    said = word(reason, "close_reason", language)
    assert said != reason
    assert said in written.text
    assert "_" not in written.text.replace("{{ticket_link}}", "")


def test_results_that_are_none_are_told_as_such() -> None:
    told = {result: write(built_in()["resolved.zh-CN"], {**sample(NoticeKind.RESOLVED), "result": result.value},
                          SHANGHAI).text for result in Result}  # fmt: skip
    assert "已处理完成" in told[Result.RESOLVED]
    assert "部分解决" in told[Result.PARTLY_RESOLVED]
    assert "未能解决" in told[Result.UNRESOLVED]


def test_an_instant_is_said_on_the_clock_of_the_business() -> None:
    written = write(with_text("{{ happened_at | instant }}"), {"happened_at": "2026-11-20T16:30:00Z"}, SHANGHAI)
    assert written.text == "Saturday 21 November 2026, 00:30 (UTC+8)"
    kathmandu = write(with_text("{{ happened_at | instant }}"), {"happened_at": "2026-11-20T16:30:00Z"},
                      ZoneInfo("Asia/Kathmandu"))  # fmt: skip
    assert kathmandu.text.endswith("22:15 (UTC+5:45)")


def test_an_instant_in_chinese_names_the_day_of_the_week() -> None:
    at = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    assert spoken(at, Language.CHINESE, SHANGHAI) == "2026年11月20日（周五）14:30"


@pytest.mark.parametrize(("text", "line", "why"), [
    ("a\nb {{ customer_phone }}", 2, "customer_phone"),
    ("a {{ ", 1, ""),
    ("a\n\n{% if x %}", 3, ""),
    ("{% for a in fields %}x{% endfor %}", 1, "For"),
    ("{{ range(9) }}", 1, "Call"),
    ("{{ message.__class__ }}", 1, "Getattr"),
    ("{{ message['x'] }}", 1, "Getitem"),
    ("{{ 'a' * 10 }}", 1, "Mul"),
    ("{% set x = 1 %}y", 1, "Assign"),
    ("{% include 'x' %}", 1, "Include"),
    ("{% macro m() %}{% endmacro %}x", 1, "Macro"),
    ("{{ message | upper }}", 1, "upper"),
    ("{{ message | instant }}", 1, ""),
    ("{{ message | words('nothing') }}", 1, "nothing"),
    ("{% if message %}{% endif %}", 1, "empty"),
])  # fmt: skip
def test_a_broken_text_is_refused_with_line_and_reason(text: str, line: int, why: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        tried(with_text(text), SHANGHAI)
    (error,) = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/text", "broken_template")
    assert isinstance(error["message"], dict)
    assert error["message"]["en"].startswith(f"line {line}: ")
    assert error["message"]["zh"].startswith(f"第 {line} 行：")
    assert all(why in said for said in error["message"].values()) or why == "empty"


def test_a_broken_subject_is_told_apart() -> None:
    with pytest.raises(ValidationFailed) as refused:
        tried(with_text("fine", subject="{{ nobody }}"), SHANGHAI)
    assert refused.value.errors[0]["pointer"] == "/subject"


def test_a_text_that_grows_beyond_its_bound_is_refused() -> None:
    facts = {"message": "字" * (LONGEST_TEXT - 10)}
    assert len(write(with_text("{{ message }}"), facts, SHANGHAI).text) == LONGEST_TEXT - 10
    with pytest.raises(Unwritable):
        write(with_text("{{ message }}{{ message }}"), facts, SHANGHAI)
    with pytest.raises(Unwritable):
        write(with_text("{{ message" + " | quote" * 101 + " }}"), facts, SHANGHAI)


def test_what_a_person_wrote_is_no_template() -> None:
    written = write(built_in()["progress.en"], {**sample(NoticeKind.PROGRESS), "message": "{{ 7 * 7 }} {% x %}"},
                    SHANGHAI)  # fmt: skip
    assert "> {{ 7 * 7 }} {% x %}" in written.text


def test_names_and_links_are_filled_and_a_nameless_customer_is_addressed_politely() -> None:
    text = "{{customer}} {{ticket_link}} {{survey_link}}"
    assert fill(text, Places(Language.ENGLISH, "Han", {"ticket": "T", "survey": "S"})) == "Han T S"
    assert fill("{{customer}}", Places(Language.CHINESE)) == "尊敬的客户"
    assert fill("Dear {{customer}}", Places(Language.ENGLISH)) == "Dear customer"


def test_the_mail_s_html_escapes_everything_and_makes_a_button_of_a_link() -> None:
    text = "Dear <b>Han</b>,\n\n> <script>alert(1)</script>\n\n- a & b\n\nSee it:\nhttps://x.example/t/1?a=1&b=2"
    html = html_of("<i>", text, language=Language.ENGLISH, sender="A & B")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert 'href="https://x.example/t/1?a=1&amp;b=2"' in html
    assert "<li" in html


def test_a_link_that_is_none_becomes_no_button() -> None:
    html = html_of("s", "See it:\njavascript:alert(1)", language=Language.ENGLISH, sender="x")
    assert "<a " not in html


def test_every_text_uses_only_names_that_the_api_tells() -> None:
    for template in built_in().values():
        named = set(re.findall(r"{[{%][^}]*?\b([a-z_]+_(?:by|at|name|no|link))\b", template.text))
        assert named <= set(variables(template.kind))
