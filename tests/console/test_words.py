"""Words: every code has one, and no template names one that is not there."""

import re
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from services.console.rendering.template_engine import _FOLDER
from services.console.tickets.commands import COMMANDS
from services.console.wording import WORDING
from services.contracts import vocabulary as contracts
from services.contracts.alert import AlertState, Threshold
from services.contracts.directory import Scope, StaffRole
from services.contracts.journal import EventType
from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeState, NotSentReason
from services.notify.webhooks.states import DeliveryState, DisabledReason
from services.workflow.publications.schemas import TicketChange

TEXTS, CODES = WORDING.both.texts, WORDING.both.codes
TEMPLATES = sorted(_FOLDER.glob("*.html"))
GROUPS: dict[str, type[StrEnum]] = {
    "kind": contracts.Kind,
    "category": contracts.Category,
    "urgency": contracts.Urgency,
    "priority": contracts.Priority,
    "tier": contracts.Tier,
    "service_stage": contracts.ServiceStage,
    "status": contracts.Status,
    "phase": contracts.Phase,
    "channel": contracts.Channel,
    "desired_solution": contracts.DesiredSolution,
    "clock": contracts.ClockName,
    "clock_state": contracts.ClockState,
    "wait_reason": contracts.WaitReason,
    "cause": contracts.Cause,
    "result": contracts.Result,
    "outcome": contracts.CallbackOutcome,
    "callback_channel": contracts.CallbackChannel,
    "callback_class": contracts.CallbackClass,
    "level": contracts.ComplaintLevel,
    "close_reason": contracts.CloseReason,
    "actor": contracts.ActorKind,
    "role": StaffRole,
    "event": EventType,
    "threshold": Threshold,
    "notice_kind": NoticeKind,
    "notice_state": NoticeState,
    "notice_channel": NoticeChannel,
    "not_sent_reason": NotSentReason,
    "audience": Audience,
    "alert_state": AlertState,
    "scope": Scope,
    "delivery_state": DeliveryState,
    "disabled_reason": DisabledReason,
}
CHINESE = re.compile(r"[\u4e00-\u9fff\u3001-\u303f\uff01-\uff5e]")
"""Letters and punctuation."""


@pytest.mark.parametrize("group", GROUPS)
def test_every_code_has_a_word(group: str) -> None:
    assert set(GROUPS[group]) <= CODES[group].keys()


def test_every_reason_why_a_ticket_was_not_recalculated_is_said_in_words() -> None:
    reasons, none = get_args(TicketChange.model_fields["error"].annotation)
    assert none is type(None)
    assert set(get_args(reasons)) == CODES["publication_error"].keys()


def test_alert_states_are_known() -> None:
    assert AlertState.OPEN


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_names_only_texts_that_exist(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    named = re.findall(r'\bt\(\s*["\']([\w.\-]+)["\']\s*[,)]', source)
    assert not [name for name in named if name not in TEXTS]
    groups = re.findall(r'\bword\(\s*"(\w+)"', source)
    assert not [group for group in groups if group not in CODES]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_words_of_their_own(template: Path) -> None:
    assert not CHINESE.search(template.read_text(encoding="utf-8"))


def test_every_command_and_every_field_has_a_label() -> None:
    for name, form in COMMANDS.items():
        assert f"command.{name}" in TEXTS
        for field in form.fields:
            labels = {f"command.{name}.{field.name}", f"field.{field.name}"} & TEXTS.keys()
            assert labels or field.name in CODES["field"], f"{name} {field.name}"
        for button, value in form.buttons:
            assert f"command.{name}.{button}.{value}" in TEXTS
