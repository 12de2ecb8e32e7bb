"""Choices and first values of the fields in a ticket's forms."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.console.forms.fields import Draft, Field, FieldChoice
from services.console.forms.values import Typed, stored
from services.console.service import Page
from services.console.tickets.commands import COMMANDS
from services.console.tickets.overview import Overview
from services.console.wording import WORDING
from services.contracts.asked_fields import AskedField
from services.contracts.asked_words import told
from services.contracts.vocabulary import CommandName, WaitReason
from services.wording import Words

_ASKABLE = (
    AskedField.SERIAL_NO,
    AskedField.ORDER_NO,
    AskedField.MODEL,
    AskedField.PURCHASED_ON,
    AskedField.CONTACT,
    AskedField.NAME,
    AskedField.OCCURRED_AT,
    AskedField.SITUATION,
    AskedField.ALREADY_TRIED,
)
_SCORES = range(5, 0, -1)


def choices(page: Page, found: Overview) -> dict[str, list[FieldChoice]]:
    """The choices of every `Field.source`."""
    words, ticket, directory = page.words, found.ticket, found.directory
    return {
        "departments": [FieldChoice(each["id"], each["name"]) for each in directory.active_departments],
        "handlers": _handlers(found),
        "askable": _askable(ticket, words),
        "wait_reasons": [FieldChoice(each, words.of("wait_reason", each)) for each in _waits(ticket)],
        "breached": [FieldChoice(name, words.of("clock", name)) for name in _breached(found)],
        "tags": [FieldChoice(tag, tag) for tag in ticket["tags"]],
        "scores": [FieldChoice(str(score), words.text(f"score.{score}")) for score in _SCORES],
    }


def fresh(found: Overview, name: CommandName) -> Typed:
    """A form before anybody types: what the ticket says already, and drafts."""
    values: dict[str, Sequence[str]] = {}
    for each in COMMANDS[name].fields:
        if each.draft:
            values[each.name] = [_drafted(found.ticket, each)]
        elif each.shown:
            values[each.name] = stored(found.ticket[each.shown])
    if name is CommandName.RESOLVE:
        values["result"] = ["resolved"]
    if name is CommandName.RECORD_CALLBACK:
        values["channel"] = ["phone"]
    if name is CommandName.EXPLAIN_BREACH:
        values["clock"] = _breached(found)[:1]
    return Typed(values)


def notes(found: Overview, name: CommandName) -> list[str]:
    """Notes on this ticket that the reader needs before they fill a form."""
    ticket, present = found.ticket, found.present
    if name is not CommandName.RECORD_CALLBACK or not ticket["callback_attempts"]:
        return []
    words, told = present.words, []
    counts_from = present.moment(ticket["callback_counts_from"])
    if counts_from and datetime.fromisoformat(counts_from.iso) > present.now:
        told.append(words.text("callback.counts_from", at=counts_from.text, count=ticket["callback_attempts"]))
    if left := ticket["callback_channels_left"]:
        channels = words.text("list.and").join(words.of("callback_channel", each) for each in left)
        told.append(words.text("callback.channels_left", channels=channels))
    return told


def _handlers(found: Overview) -> list[FieldChoice]:
    """Staff who handle tickets, those of the ticket's department first."""
    own = found.ticket["department"]
    about = found.ticket["complaint_about"]
    people = [each for id_, each in found.directory.handlers.items() if id_ != about]
    people.sort(key=lambda each: (each["department"] != own, each["department"] or "", "handler" not in each["roles"]))
    person, department = found.directory.person, found.directory.department
    return [FieldChoice(each["id"], person(each["id"]), department(each["department"])) for each in people]


def _waits(ticket: Mapping[str, Any]) -> list[str]:
    """Once resolved, only the appointment for the callback is waited for (semantics.md 9)."""
    return [WaitReason.APPOINTMENT] if ticket["status"] == "resolved" else [each.value for each in WaitReason]


def _breached(found: Overview) -> list[str]:
    """The clocks that were missed, those that want a reason first."""
    missed = [clock["name"] for clock in found.ticket["clocks"] if clock["breached_at"]]
    return list(dict.fromkeys([*found.unexplained, *missed]))


def _askable(ticket: Mapping[str, Any], words: Words) -> list[FieldChoice]:
    """Fields that the customer can be asked for, first what is missing; each with its name in the message to them."""
    codes: Iterable[str] = dict.fromkeys([*ticket["missing"], *_ASKABLE])
    return [FieldChoice(code, words.of("field", code), said=told(code, ticket["language"])) for code in codes]


def draft(ticket: Mapping[str, Any], each: Field) -> Draft:
    """The message that a form begins with, in the customer's words."""
    words = WORDING.speak(ticket["language"])
    return Draft(words.text(each.draft, fields=Draft.PLACE), words.text("list.and"))


def _drafted(ticket: Mapping[str, Any], each: Field) -> str:
    names = [told(code, ticket["language"]) for code in ticket["missing"]]
    return draft(ticket, each).about(names)
