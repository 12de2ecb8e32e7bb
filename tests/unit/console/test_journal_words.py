"""The facts of the journal are told in words, whatever a program has recorded."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.console.journal import entries
from services.console.names import Directory
from services.console.present import Present
from services.console.words import Words
from services.contracts.words import CallbackChannel
from services.runtime.pages import LANGUAGES, PageLanguage


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CallbackChannel)
def test_a_callback_s_channel_is_a_word(channel: CallbackChannel, language: PageLanguage) -> None:
    words = Words(language)
    present = Present(words, ZoneInfo("Asia/Shanghai"), datetime(2026, 3, 2, 1, tzinfo=UTC))
    item = {
        "seq": 9,
        "type": "ticket.callback_recorded",
        "at": "2026-03-02T01:00:00Z",
        "actor": {"kind": "staff", "id": "li-lei"},
        "from": "resolved.awaiting_callback",
        "to": "resolved.awaiting_callback",
        "cycle": 1,
        "reason": None,
        "data": {"channel": str(channel), "outcome": "not_reached"},
    }
    (entry,) = entries([item], words, present, Directory())
    assert entry.facts[0].value == words.of("callback_channel", channel) != channel
