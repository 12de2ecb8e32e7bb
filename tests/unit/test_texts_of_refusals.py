"""Faults of an input are told in the reader's language (api.md, "Rules for every endpoint")."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.contracts.base import Email, Instant
from services.contracts.commands.arrangement import AssignBody, ReclassifyBody, Tag
from services.contracts.commands.handling import ResolveBody
from services.contracts.vocabulary import Urgency
from services.directory.refusals import AlreadyExists, BeyondKey, LastAdmin
from services.notify.ladders.ladders import Ladder
from services.promises.evaluate import EvaluateRequest
from services.runtime.errors import Forbidden, Refusal, ValidationFailed
from services.runtime.http.paging import decode_cursor
from services.runtime.http.problems import field_errors, problem_response
from services.survey.answers.refusals import SurveyClosed
from tests.programs import CHECKOUT

SERVICES = ("directory", "intake", "notify", "runtime", "survey", "workflow")
REFUSALS = {"Conflict", "Forbidden", "NotFound", "StaleVersion", "Unavailable"}
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
        (AssignBody, {}, "请给出部门、负责人或协办人；owner 为 null 表示取消负责人"),
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
    """Models check what people send; a plain ValueError there would be told in English."""
    plain = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in sorted((CHECKOUT / "services" / "contracts" / "commands").glob("*.py"))
        for node in ast.walk(ast.parse(Path(file).read_text()))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _name(node.exc) == "ValueError"
    ]
    assert plain == []


def test_every_refusal_of_a_service_knows_its_text_in_both_languages() -> None:
    """A text that a service writes beside a code is a dict by language; without one, the catalogue's is told."""
    services = CHECKOUT / "services"
    files = [file for each in SERVICES for file in sorted((services / each).rglob("*.py"))]
    in_english = [
        f"{file.relative_to(CHECKOUT)}:{said.lineno}"
        for file in files
        for call in ast.walk(ast.parse(Path(file).read_text()))
        if isinstance(call, ast.Call) and (said := _said(call)) is not None
        if isinstance(said, ast.JoinedStr | ast.Constant)
    ]
    assert in_english == []


@pytest.mark.parametrize("accept", ["zh-CN", "en"])
def test_a_cursor_of_another_list_is_told_in_the_reader_s_language(accept: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor("no cursor")
    (error,) = json.loads(bytes(problem_response(refused.value, accept).body))["errors"]
    assert bool(re.search("请", error["message"])) == (accept == "zh-CN")


@pytest.mark.parametrize(
    ("refusal", "title", "detail"),
    [
        (AlreadyExists("wangfang"), "已存在", "wangfang 已被使用。"),
        (LastAdmin(), "最后一位管理员", "这是最后一位在岗的管理员，请先指定另一位。"),
        (BeyondKey(), "没有权限", "密钥只能授予自身拥有的权限：自身的权限范围、其涵盖的角色以及所属部门。"),
        (SurveyClosed(code="survey_expired"), "评价已截止", "评价时间已过。如有想告诉我们的，请直接联系我们。"),
        (Forbidden(), "没有权限", "您的角色或密钥不允许此操作。"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_its_service_and_else_in_those_of_the_catalogue(
    refusal: Refusal, title: str, detail: str
) -> None:
    problem = json.loads(bytes(problem_response(refusal, "zh-CN").body))
    assert (problem["title"], problem["detail"]) == (title, detail)
    in_english = json.loads(bytes(problem_response(refusal, "en").body))
    assert in_english["code"] == problem["code"]
    assert LATIN_WORD.search(in_english["title"])
    assert LATIN_WORD.search(in_english["detail"])


@pytest.mark.parametrize(
    ("ladder", "zh"),
    [
        ({"steps": ["owner"], "pause": {"*": "PT1WH"}}, "升级阶梯按自然时间计：请写 PT15M"),
        ({"steps": ["colleague"], "pause": {"*": "PT15M"}}, "阶梯中不能写此角色：同事由人工指定，管理员会自动顶替"),
        ({"steps": [[[]]], "pause": {"*": "PT15M"}}, "请写明至少一个人"),
        ({"steps": ["owner"], "pause": {"urgent": "PT15M"}}, '请用 "*" 写明其他紧急程度的间隔'),
    ],
)
def test_what_is_wrong_with_a_ladder_is_told_in_chinese(ladder: dict[str, Any], zh: str) -> None:
    assert zh in told(Ladder, ladder, "zh-CN")


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _said(call: ast.Call) -> ast.expr | None:
    """The text that a refusal is given: the third of `ValidationFailed.at`, the first of every other."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "at" and len(call.args) == len(("where", "code", "")):
        return call.args[2]
    return call.args[0] if _name(call) in REFUSALS and call.args else None


def test_a_type_that_we_have_no_words_for_is_told_as_it_comes() -> None:
    class Odd(BaseModel):
        value: complex

    assert LATIN_WORD.search(told(Odd, {"value": []}, "zh-CN")[0])
