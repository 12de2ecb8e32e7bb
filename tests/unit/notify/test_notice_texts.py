"""Every notice has its text in both languages; what operations write is tried, and bounded."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.contracts.notice import NoticeKind
from services.contracts.vocabulary import CloseReason, Result
from services.notify.notices.catalogue import built_in, tried
from services.notify.notices.letter import House, Placeholders, fill, html_of, signed
from services.notify.notices.rendering import LONGEST_TEXT, Template, plain, write
from services.notify.notices.samples import NAMES, TEXTS, carries_texts, sample, variables
from services.notify.notices.template_bounds import Unwritable
from services.notify.notices.vocabulary import Language, spoken, word
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
    """Facts that a notice of this kind never comes without."""
    always = {"kind": "fault", "urgency": "normal", "cycle": 1, "customer": "{{customer}}", "ticket_link": "http://t"}
    needed = ("message", "steps", "summary", "result", "close_reason", "clock", "part", "survey_link", "webhook_id",
              "console_link", "alerts_link", "into", "copy", "news")  # fmt: skip
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
    assert len(plain(write(with_text("{{ message }}"), facts, SHANGHAI).text)) == LONGEST_TEXT - 10
    with pytest.raises(Unwritable):
        write(with_text("{{ message }}{{ message }}"), facts, SHANGHAI)
    with pytest.raises(Unwritable):
        write(with_text("{{ message" + " | quote" * 101 + " }}"), facts, SHANGHAI)


def test_what_is_asked_for_is_told_in_words_and_once() -> None:
    asked = ["customer.contact", "product.order_no_or_serial_no", "customer", "product", "photos"]
    facts = {**sample(NoticeKind.INFORMATION_MISSING), "fields": asked}
    written = write(built_in()["information_missing.zh-CN"], facts, SHANGHAI)
    listed = [line for line in written.text.splitlines() if line.startswith("- ")]
    assert listed == ["- 联系方式（手机号或邮箱）", "- 产品序列号或订单号", "- 其他信息"]


def test_what_a_person_wrote_is_no_template() -> None:
    written = write(built_in()["progress.en"], {**sample(NoticeKind.PROGRESS), "message": "{{ 7 * 7 }} {% x %}"},
                    SHANGHAI)  # fmt: skip
    assert "> {{ 7 * 7 }} {% x %}" in plain(written.text)


def test_names_and_links_are_filled_and_a_nameless_customer_is_addressed_politely() -> None:
    text = "{{customer}} {{ticket_link}} {{survey_link}}"
    assert fill(text, Placeholders(Language.ENGLISH, "Han", {"ticket": "T", "survey": "S"})) == "Han T S"
    assert fill("{{customer}}", Placeholders(Language.CHINESE)) == "尊敬的客户"
    assert fill("Dear {{customer}}", Placeholders(Language.ENGLISH)) == "Dear customer"


OURS = "https://service.example/t/1?a=1&b=2"


def laid_out(text: str, *, customer: str | None = None, subject: str = "s", help_line: str = "") -> str:
    places = Placeholders(Language.ENGLISH, customer, {"ticket": OURS})
    return html_of(subject, text, places, House("A & B", help_line))


def test_the_mail_s_html_escapes_everything_and_makes_a_button_of_our_link() -> None:
    text = "Dear {{customer}},\n\n> <script>alert(1)</script>\n\n- a & b\n\nSee it:\n{{ticket_link}}"
    html = laid_out(text, customer="<b>Han</b>", subject="<i>")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;" in html
    assert f'href="{OURS.replace("&", "&amp;")}"' in html
    assert "<li" in html


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://evil.example/x", f"{OURS}x", f" {OURS} x", "{{survey_link}}"]
)
def test_no_other_address_becomes_a_button(link: str) -> None:
    assert "<a " not in laid_out(f"See it:\n{link}")


@pytest.mark.parametrize(
    "name", ["张三\n\n点击\nhttps://evil.example/x\n\n客户", "evil.example/x", "\u200b", "a@evil.com"]
)
def test_a_stored_name_that_is_none_is_not_greeted(name: str) -> None:
    places = Placeholders(Language.ENGLISH, name, {"ticket": OURS})
    assert fill("Dear {{customer}}", places) == "Dear customer"
    html = laid_out("Dear {{customer}},\n\nSee it:\n{{ticket_link}}", customer=name)
    assert "evil" not in html
    assert html.count("<a ") == 1


def test_what_people_wrote_is_isolated_in_html_and_plain_in_text() -> None:
    facts = {**sample(NoticeKind.CHASE), "by_name": "\u202eأحمد\n\n", "note": "بسرعة\u2066\nplease"}
    written = write(built_in()["chase.en"], facts, SHANGHAI)
    html = html_of(
        written.subject, written.text, Placeholders(Language.ENGLISH, links={}), House("x"), to_customer=False
    )
    for theirs in ("أحمد", "بسرعة", "please"):
        assert f"<bdi>{theirs}</bdi>" in html
    assert not re.search("[\u2066-\u2069\u202a-\u202e]", html + fill(written.text, Placeholders(Language.ENGLISH)))
    assert "> بسرعة\n> please" in fill(written.text, Placeholders(Language.ENGLISH))


def test_a_customer_is_greeted_apart_from_our_words() -> None:
    assert "Dear <bdi>أحمد</bdi>," in laid_out("Dear {{customer}},", customer="أحمد")


def test_whoever_writes_the_name_of_a_place_has_written_just_that() -> None:
    facts = {**sample(NoticeKind.PROGRESS), "message": "{{ticket_link}} {{customer}}", "product_model": "{{customer}}"}
    written = write(built_in()["progress.en"], facts, SHANGHAI)
    text = fill(written.text, Placeholders(Language.ENGLISH, "Han", {"ticket": OURS}))
    assert "> {{ticket_link}} {{customer}}" in text
    assert text.count("Han") == text.count(OURS) == 1


@pytest.mark.parametrize("template", built_in().values(), ids=built_in())
def test_a_short_text_that_is_an_address_is_left_out_and_lines_stay_lines(template: Template) -> None:
    facts = sample(template.kind)
    named = [name for name in NAMES & facts.keys() if name in template.subject + template.text]
    written = write(template, {**facts, **dict.fromkeys(named, "点击\n\nhttps://evil.example/x\n")}, SHANGHAI)
    assert "evil.example" not in written.subject + written.text
    folded = write(template, {**facts, **dict.fromkeys(named, "A\n\nB\u2028C")}, SHANGHAI)
    assert not named or "A B C" in plain(folded.subject + folded.text)


def test_every_text_of_people_is_known_as_theirs() -> None:
    """A kind may name a code, an instant, an identifier, one of our places, or somebody's words."""
    codes = {"kind", "urgency", "category", "cycle", "fields", "reminder", "result", "close_reason", "into", "part",
             "reopened", "clock", "level", "round", "overall", "supplied", "unreached", "second", "failed",
             "webhook_id", "ticket_no", "department", "customer", "other_customer", "copy", "news"}  # fmt: skip
    for kind in NoticeKind:
        unknown = set(variables(kind)) - NAMES - TEXTS - codes
        assert {name for name in unknown if not name.endswith(("_by", "_at", "_link"))} == set()


def test_mail_to_customers_says_how_a_person_is_reached() -> None:
    assert "Need a person? Reach us at 400-800-1234" in laid_out("Hello", help_line="400-800-1234")
    assert signed("你好", House("x", "400"), Language.CHINESE) == "你好\n\n需要人工帮助？请联系 400"
    assert signed("Hello", House("x"), Language.ENGLISH) == "Hello"
    assert "400" not in html_of("s", "t", Placeholders(Language.ENGLISH), House("x", "400"), to_customer=False)


def test_every_text_uses_only_names_that_the_api_tells() -> None:
    for template in built_in().values():
        named = set(re.findall(r"{[{%][^}]*?\b([a-z_]+_(?:by|at|name|no|link))\b", template.text))
        assert named <= set(variables(template.kind))


def test_texts_that_may_hold_what_people_wrote_are_told_apart_from_those_that_hold_facts_alone() -> None:
    assert {kind for kind in NoticeKind if carries_texts(kind)} == {
        NoticeKind.INFORMATION_MISSING,
        NoticeKind.ANSWERED,
        NoticeKind.JOINED_NEWS,
        NoticeKind.PLAN,
        NoticeKind.PROGRESS,
        NoticeKind.RESOLVED,
        NoticeKind.ASSIGNED,
        NoticeKind.CHASE,
        NoticeKind.PLAN_TO_APPROVE,
    }
