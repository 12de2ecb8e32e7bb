"""Everything that a ticket can be, and that can happen to it, has words for its customer in both languages."""

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from services.contracts.customer import CustomerPromise, CustomerStep, CustomerTicket
from services.contracts.journal import EventType
from services.contracts.vocabulary import CallbackOutcome, ClockState, CloseReason, Phase, Result, WaitReason
from services.intake.pages import present
from services.intake.wording import WORDING
from services.wording import LANGUAGES, Language
from services.workflow.views.customer_page import PROMISED_TO_CUSTOMERS, SHOWN

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CODES: Mapping[EventType, tuple[str, Iterable[str]]] = {
    EventType.WAITING: ("reason", WaitReason),
    EventType.CLOSED: ("reason", CloseReason),
    EventType.RESOLVED: ("result", Result),
    EventType.CALLBACK_RECORDED: ("outcome", CallbackOutcome),
}
"""The codes that the words of an event depend on."""
TOLD = [type_ for type_ in SHOWN if type_ is not EventType.PLAN_APPROVED]
"""An approval is told as the plan that it approves."""


def ticket(**facts: Any) -> CustomerTicket:
    """A ticket for its customer."""
    plain: dict[str, Any] = {
        "ticket_no": "20261122001", "version": 1, "phase": Phase.REVIEW, "cycle": 1, "kind": "fault",
        "language": "zh-CN", "customer_id": "cus_1", "product": {}, "opened_at": NOW, "accepted_at": None,
        "resolved_at": None, "closed_at": None, "result": None, "close_reason": None, "merged_into": None,
        "missing": (), "asked": None, "waiting_for": (), "promises": (), "steps": (), "allowed": (),
        "reopen_until": None, "basis": {"cycle": 1, "phase": Phase.REVIEW},
    }  # fmt: skip
    return CustomerTicket.model_validate({**plain, **facts})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phase_every_close_and_every_wait_has_a_headline_and_a_progress_line(language: Language) -> None:
    t = WORDING.speak(language)
    tickets = [ticket(phase=phase) for phase in Phase if phase not in {Phase.CLOSED, Phase.WAITING}]
    tickets += [ticket(phase=Phase.WAITING, waiting_for=(reason,)) for reason in WaitReason]
    tickets += [ticket(phase=Phase.CLOSED, close_reason=reason, accepted_at=at)
                for reason, at in itertools.product(CloseReason, (None, NOW))]  # fmt: skip
    for each in tickets:
        assert present.headline(each, t)
        assert present.marks(each, t)[0].state in {"past", "now"}


def test_of_several_waits_the_one_that_the_customer_can_end_is_told() -> None:
    waiting = ticket(phase=Phase.WAITING, waiting_for=(WaitReason.PARTS, WaitReason.CUSTOMER))
    assert present.headline(waiting, WORDING.speak("en")) == "We are waiting for your answer"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_promise_has_words_running_paused_and_late(language: Language) -> None:
    t = WORDING.speak(language)
    for clock, reason in itertools.product(PROMISED_TO_CUSTOMERS, WaitReason):
        paused = CustomerPromise(clock=clock, state=ClockState.PAUSED, due_at=None, paused_reasons=(reason,))
        [line] = present.promises(ticket(promises=(paused,)), t, NOW)
        assert line.paused
        assert (line.at, line.late) == (None, False)


@pytest.mark.parametrize(("seconds", "late"), [(-1, True), (0, False), (1, False)])
def test_a_promise_is_late_after_its_due_instant(seconds: int, late: bool) -> None:
    due_at = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)
    running = CustomerPromise(clock="response", state=ClockState.RUNNING, due_at=due_at, paused_reasons=())
    [line] = present.promises(ticket(promises=(running,)), WORDING.speak("en"), NOW)
    assert line.late is late


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_", TOLD)
def test_every_event_that_is_shown_has_words(language: Language, type_: EventType) -> None:
    t = WORDING.speak(language)
    name, values = CODES.get(type_, ("into", ["20261122002"]))
    for value, own in itertools.product(values, (True, False)):
        step = CustomerStep(seq=1, type=type_, at=NOW, by_customer=own, codes={name: value})
        [line] = present.story(ticket(steps=(step,)), t, "冰箱不制冷")
        assert line.words
        assert "{" not in line.words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_and_every_error_has_words(language: Language) -> None:
    t = WORDING.speak(language)
    names = [key.removeprefix("field.") for key in WORDING.both.texts if key.startswith("field.")]
    codes = ["required", "string_too_long", "unreadable", "in_the_future", "in_the_past", "enum", "never heard of"]
    for name, code in itertools.product(names, codes):
        assert present.said_wrong(t, {name: code})[name]
