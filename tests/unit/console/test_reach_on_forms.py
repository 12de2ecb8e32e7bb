"""A form's words on how the customer hears it, its buttons, and the words after it (F2)."""

from typing import Any

import pytest

from services.console.tickets import customer_reach
from services.console.tickets.commands import COMMANDS
from services.console.wording import WORDING
from services.contracts.vocabulary import CommandName
from services.wording import LANGUAGES

N = CommandName
MAIL = {"channel": "email", "address": "h***@example.com", "reason": None}
INBOX = {"channel": "inbox", "address": None, "reason": None}
NOBODY = {"channel": None, "address": None, "reason": "no_address"}
UNKNOWN = {"channel": None, "address": None, "reason": "not_known"}
WORDS = WORDING.speak("zh-CN")


def ticket(
    reach: dict[str, Any] | None, *, phone: str | None = "138****1234", plan: str | None = None
) -> dict[str, Any]:
    return {"reach": reach, "customer": {"phone": phone}, "plan": plan}


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (ticket(MAIL), "客户将通过电子邮件收到（h***@example.com）。"),
        (ticket(INBOX), "没有配置邮件服务器：给客户的消息只显示在收件箱中。"),
        (ticket(NOBODY), "该客户只有电话，没有可发送的渠道：请电话告知。"),
        (ticket(NOBODY, phone=None), "该客户没有可发送的渠道：请以其他方式告知。"),
        (ticket(UNKNOWN), "暂时无法确认客户能否收到消息。"),
        (ticket(None), "暂时无法确认客户能否收到消息。"),
    ],
)
def test_a_form_says_how_the_customer_hears_it(shown: dict[str, Any], says: str) -> None:
    assert customer_reach.how(shown, WORDS) == says


def buttons(name: CommandName, reach: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = customer_reach.buttons(name, COMMANDS[name], ticket(reach), WORDS)
    return [(each.name, each.value, each.text) for each in found]


def test_who_is_not_reached_is_told_by_a_person_and_the_button_says_how() -> None:
    told = [
        ("told_by", "phone", "我已电话告知"),
        ("told_by", "visit", "我已当面告知"),
        ("told_by", "other", "我已以其他方式告知"),
    ]
    assert buttons(N.RESPOND, NOBODY) == [*told, ("told_by", "", "仅记录，尚未告知")]
    assert buttons(N.PROGRESS, NOBODY) == [*told, ("visible", "false", "仅内部记录")]
    assert buttons(N.RESPOND, MAIL) == []
    assert [value for _, value, _ in buttons(N.PROGRESS, MAIL)] == ["true", "false"]
    assert buttons(N.WAIT, NOBODY) == []


@pytest.mark.parametrize(
    ("name", "body", "after", "outcome"),
    [
        (N.RESPOND, {}, ticket(MAIL), "email"),
        (N.RESPOND, {}, ticket(INBOX), "inbox"),
        (N.RESPOND, {}, ticket(NOBODY), "nobody"),
        (N.RESPOND, {}, ticket(UNKNOWN), "not_known"),
        (N.RESPOND, {"told_by": "phone"}, ticket(NOBODY), "told"),
        (N.PROGRESS, {"visible": True}, ticket(NOBODY), "nobody"),
        (N.PROGRESS, {"visible": False}, ticket(NOBODY), ""),
        (N.PLAN, {}, ticket(MAIL, plan="approved"), "email"),
        (N.PLAN, {}, ticket(MAIL, plan="proposed"), ""),
        (N.RESOLVE, {}, ticket(NOBODY), ""),
    ],
)
def test_what_is_said_after_it_is_what_became_of_it(
    name: CommandName, body: dict[str, Any], after: dict[str, Any], outcome: str
) -> None:
    assert customer_reach.outcome(name, body, after) == outcome


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", sorted(customer_reach.OUTCOMES))
def test_every_outcome_has_words(language: Any, outcome: str) -> None:
    said = WORDING.speak(language).text(f"told.{outcome}", command="x", address="y")
    assert not said.startswith("told.")
