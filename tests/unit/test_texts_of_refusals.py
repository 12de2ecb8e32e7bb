"""What is wrong with an input is told in the reader's language (style.md: errors that a person meets)."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.contracts.base import Email, Instant
from services.contracts.commands.handling import AssignBody, ResolveBody
from services.contracts.commands.review import ReclassifyBody, Tag
from services.contracts.words import Urgency
from services.promises.evaluate import EvaluateRequest
from services.runtime.http.problems import field_errors
from tests.programs import CHECKOUT

LATIN_WORD = re.compile(r"[A-Za-z]{3,}")


def told(model: Any, body: object, language: str) -> list[Any]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(model).validate_python(body)
    return [each["message"] for each in field_errors(refused.value.errors(), language)]


@pytest.mark.parametrize(
    ("model", "body", "zh"),
    [
        (Email, "a@", "不是有效的电子邮件地址；请填写如 name@example.com 的地址"),
        (Instant, 5, "请按 RFC 3339 填写带时区的时间：2026-11-20T06:30:00Z"),
        (Urgency, "soon", "应为以下之一：'urgent'、'normal'、'low'"),
        (AssignBody, {}, "请给出部门、负责人或协办人"),
        (Tag, {}, "请给出要添加或移除的标签"),
        (ReclassifyBody, {"reason": "x"}, "请给出类型、类别、子类别或紧急程度"),
        (ResolveBody, {"result": "unresolved", "summary": "x"}, "除非结果为已解决，否则必须填写 `reason`"),
    ],
)
def test_a_chinese_reader_is_told_in_chinese(model: Any, body: object, zh: str) -> None:
    assert told(model, body, "zh-CN") == [zh]
    assert "应" not in told(model, body, "en")[0]


def test_a_check_of_no_known_kind_is_told_with_the_kinds_there_are() -> None:
    said = told(EvaluateRequest, {"calendar_id": "cn", "checks": [{"op": "zz"}]}, "zh-CN")
    assert said == ["应为以下之一：'add'、'subtract'、'between'"]


def test_every_validator_of_a_message_knows_its_text_in_both_languages() -> None:
    """What people send is checked by models; a plain ValueError there would be told in English."""
    plain = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in sorted((CHECKOUT / "services" / "contracts" / "commands").glob("*.py"))
        for node in ast.walk(ast.parse(Path(file).read_text()))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _name(node.exc) == "ValueError"
    ]
    assert plain == []


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_a_type_that_we_have_no_words_for_is_told_as_it_comes() -> None:
    class Odd(BaseModel):
        value: complex

    assert LATIN_WORD.search(told(Odd, {"value": []}, "zh-CN")[0])
