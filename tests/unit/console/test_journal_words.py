"""The facts of the journal are told in words, whatever a program has recorded."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.console.public_api.directory_names import KnownDirectory
from services.console.rendering.present import Present
from services.console.tickets.journal import Fact, entries
from services.console.wording import WORDING
from services.contracts.vocabulary import CallbackChannel
from services.wording import LANGUAGES, Language


def facts(language: Language, type_: str, **data: Any) -> list[Fact]:
    """A page's words on an event with this data."""
    present = Present(WORDING.speak(language), ZoneInfo("Asia/Shanghai"), datetime(2026, 3, 2, 1, tzinfo=UTC))
    item = {
        "seq": 9,
        "type": type_,
        "at": "2026-03-02T01:00:00Z",
        "actor": {"kind": "staff", "id": "li-lei"},
        "from": "resolved.awaiting_callback",
        "to": "resolved.awaiting_callback",
        "cycle": 1,
        "reason": None,
        "data": data,
    }
    (entry,) = entries([item], present.words, present, KnownDirectory())
    return list(entry.facts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CallbackChannel)
def test_a_callback_s_channel_is_a_word(channel: CallbackChannel, language: Language) -> None:
    (fact,) = facts(language, "ticket.callback_recorded", channel=str(channel))
    assert fact.value == WORDING.speak(language).of("callback_channel", channel) != channel


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", ["requested", "dissatisfied", "residual_issue", "merged"])
def test_what_reopened_a_ticket_is_a_reason_in_words(cause: str, language: Language) -> None:
    (fact,) = facts(language, "ticket.reopened", cause=cause)
    assert fact.label == WORDING.speak(language).text("field.reason")
    assert fact.value == WORDING.speak(language).of("reopen_cause", cause) != cause


def test_a_confirmation_by_a_link_that_staff_were_given_says_so() -> None:
    told = facts("en", "ticket.closed", reason="confirmed", confirmed_by="customer", hand_over=17)
    assert [fact.value for fact in told] == ["Confirmed by the customer", "17"]
