"""Changes of a ticket since its page was drawn that let a form of it be taken as it was meant."""

from collections.abc import Iterable

from services.contracts.journal import REMARKS, EventType
from services.contracts.vocabulary import CommandName

_SAYS_NOTHING_NEW = REMARKS | {EventType.CLOCK_WARNED, EventType.CLOCK_BREACHED, EventType.CHASED, EventType.TAGGED}
"""Alerts, surveys, warnings and reminders: nobody decides otherwise because of them. A step that a missed clock holds
up is refused by itself."""
_OF_TAGS = frozenset({EventType.TAGGED})


def changes_nothing(command: CommandName, since: Iterable[str]) -> bool:
    """Whether nothing of these types bears on the command, so that it is still what its sender saw."""
    kept = _SAYS_NOTHING_NEW - _OF_TAGS if command is CommandName.TAG else _SAYS_NOTHING_NEW
    return set(since) <= kept
