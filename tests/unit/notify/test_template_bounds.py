"""However a template nests, it is written or refused with its line: neither Jinja's nor Python's recursion ends it."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.contracts.notice import NoticeKind
from services.notify.notices.catalogue import tried
from services.notify.notices.rendering import Template, write
from services.notify.notices.samples import sample
from services.notify.notices.template_bounds import Unwritable
from services.notify.notices.vocabulary import Language
from services.runtime.errors import ValidationFailed

UTC = ZoneInfo("UTC")
IF, END = "{% if cycle %}", "{% endif %}"


def written(text: str, subject: str = "s") -> str:
    template = Template(NoticeKind.PROGRESS, Language.ENGLISH, 0, subject, text)
    return write(template, sample(template.kind), UTC).text


def nested(levels: int) -> str:
    return IF * levels + "x" + END * levels


def branches(number: int) -> str:
    return "{% if not cycle %}y" + "{% elif not cycle %}y" * number + "{% else %}x" + END


def brackets(levels: int) -> str:
    return "{{ " + "(" * levels + "'x'" + ")" * levels + " }}"


def words(number: int) -> str:
    return "{% if " + "not " * (number - 2) + "cycle %}x{% else %}x" + END


@pytest.mark.parametrize(("made", "most"), [(nested, 20), (branches, 50), (brackets, 10), (words, 100)])
def test_a_template_is_written_up_to_each_bound_and_refused_beyond(made: Callable[[int], str], most: int) -> None:
    assert written(made(most)) == "x"
    for beyond in (most + 1, most * 10, 2_000):
        with pytest.raises(Unwritable) as refused:
            written("first\nsecond\n" + made(beyond))
        assert refused.value.line == 3


def test_what_stands_one_after_another_is_not_nested() -> None:
    assert written(nested(1) * 700 + brackets(1) * 700) == "x" * 1_400
    assert written(IF + nested(19) * 20 + branches(50) + branches(50) + END) == "x" * 22


def test_everything_at_its_bound_at_once_is_written_in_a_deep_call() -> None:
    expression = "(" * 10 + "not " * 70 + "cycle" + ")" * 10
    text = IF * 20 + "{{ " + expression + " }}" + END * 20

    def deep(calls: int) -> str:
        return deep(calls - 1) if calls else written(text)

    assert deep(200) == "True"


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 9_000,
        "{{ " + "[" * 9_000 + " }}",
        "{{ " + "-" * 9_000 + "1 }}",
        "{{ 1" + " and 1" * 3_000 + " }}",
        "{{ 1" + " if 1 else 1" * 1_500 + " }}",
        "{{ message" + "|quote" * 3_000 + " }}",
        "{{ message" + ".x" * 9_000 + " }}",
        "{% if cycle %}x{% else %}" * 700 + END * 700,
        "{% if cycle %}" * 1_000,
        "{% endif %}" * 1_000,
        "{# " * 6_000,
        "{% raw %}" * 2_000,
        "{{ " + "9" * 19_000 + " }}",
        "{{ 'a' * 10**9 }}",
        "{{ 9**9**9 }}",
        "{{ 'x' ~ 'x' }}",
        "{{ range(10**9) }}",
        "{% for x in message %}{{ x }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = message %}",
        "{% include 'received.en' %}",
    ],
    ids=lambda text: text[:24],
)
def test_what_grows_or_runs_on_is_refused_at_its_line_and_part(text: str) -> None:
    for part, values in (("text", {"text": text}), ("subject", {"text": "x", "subject": text})):
        given: dict[str, Any] = {"subject": "s", **values}
        with pytest.raises(ValidationFailed) as refused:
            tried(Template(NoticeKind.PROGRESS, Language.ENGLISH, 0, **given), UTC)
        (error,) = refused.value.errors
        assert (error["pointer"], error["code"]) == (f"/{part}", "broken_template")
        assert isinstance(error["message"], dict)
        assert error["message"]["en"].startswith("line 1: ")
        assert error["message"]["zh"].startswith("第 1 行：")
