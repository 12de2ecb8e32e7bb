"""Events of a ticket after which a form of staff is taken all the same."""

import pytest

from services.console.tickets.conflicts import changes_nothing
from services.contracts.journal import EventType
from services.contracts.vocabulary import CommandName


@pytest.mark.parametrize(
    ("command", "since", "nothing"),
    [
        (CommandName.RESPOND, [], True),
        (CommandName.RESPOND, ["ticket.tagged", "ticket.chased"], True),
        (CommandName.RESPOND, ["clock.warned", "clock.breached", "alert.raised", "survey.sent"], True),
        (CommandName.TAG, ["alert.raised"], True),
        (CommandName.TAG, ["ticket.tagged"], False),
        (CommandName.RESPOND, ["ticket.responded"], False),
        (CommandName.RESPOND, ["clock.warned", "ticket.customer_message"], False),
        (CommandName.ACCEPT, ["ticket.information_supplied"], False),
    ],
)
def test_only_what_bears_on_a_command_holds_it_up(command: CommandName, since: list[str], nothing: bool) -> None:
    assert changes_nothing(command, since) is nothing


def test_whatever_people_and_customers_do_is_shown_before_a_form_is_taken() -> None:
    passed = {type_ for type_ in EventType if changes_nothing(CommandName.RESPOND, [type_])}
    assert {each for each in passed if each.startswith("ticket.")} == {"ticket.tagged", "ticket.chased"}
