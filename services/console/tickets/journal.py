"""The journal as people read it: who did what, the words that went with it, and the facts that matter."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.public_api.directory_names import KnownDirectory
from services.console.rendering.present import Moment, Present
from services.wording import Words

TEXTS = ("message", "steps", "summary", "note")
_TO_THE_CUSTOMER = frozenset({"ticket.responded", "ticket.information_requested", "ticket.resolved",
                              "ticket.plan_approved"})  # fmt: skip
_FROM_THE_CUSTOMER = frozenset({"ticket.customer_message", "ticket.information_supplied", "survey.answered"})
_ANSWERED, _CHANGED = "survey.answered", "survey.changed"
"""A rating, and the words for one that the customer changed."""
_CALLED_BACK, _REOPENED = "ticket.callback_recorded", "ticket.reopened"
_ALARMING = frozenset({"clock.breached", "alert.raised"})
_CODED: Mapping[str, str] = {
    "kind": "kind",
    "category": "category",
    "urgency": "urgency",
    "priority": "priority",
    "cause": "cause",
    "result": "result",
    "outcome": "outcome",
    "clock": "clock",
    "classified_as": "callback_class",
    "level": "level",
    "threshold": "threshold",
    "overall": "overall",
    "told_by": "told_by",
}
_INSTANTS = frozenset({"until", "due_at", "expected_at", "respond_by", "resolve_by", "called_at", "expires_at",
                       "next_counts_from"})  # fmt: skip
_PEOPLE = frozenset({"owner", "recorded_by"})
_TICKETS = frozenset({"into", "copy", "follow_up", "follows"})
_PLAIN = frozenset({"score", "subcategory", "reason_code", "warning", "reminder", "recommend",
                    "hand_over"})  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """One fact of an event. `link` is the number of another ticket."""

    label: str
    value: str
    link: str = ""


@dataclass(frozen=True)
class JournalEntry:
    """One event. `side` is staff, customer or system; `visible` tells that the customer saw it."""

    seq: int
    title: str
    at: Moment | None
    who: str
    side: str
    visible: bool
    internal: bool
    alarming: bool
    moved_to: str
    texts: Sequence[str]
    facts: Sequence[Fact]
    cycle: int


def entries(
    items: Sequence[Mapping[str, Any]], words: Words, present: Present, directory: KnownDirectory
) -> list[JournalEntry]:
    """The journal, newest first."""
    return [_entry(item, words, present, directory) for item in reversed(items)]


def _entry(item: Mapping[str, Any], words: Words, present: Present, directory: KnownDirectory) -> JournalEntry:
    data, kind = item["data"], item["type"]
    moved = item["from"] != item["to"] and item["from"] is not None
    return JournalEntry(
        seq=item["seq"],
        title=words.of("event", _CHANGED if kind == _ANSWERED and data.get("changed") else kind),
        at=present.moment(item["at"]),
        who=_who(item, words, directory),
        side=_side(item),
        visible=(kind in _TO_THE_CUSTOMER or data.get("visible") is True) and not _went_unheard(data),
        internal=data.get("visible") is False,
        alarming=kind in _ALARMING,
        moved_to=words.of("phase", item["to"]) if moved else "",
        texts=list(_texts(item)),
        facts=list(_facts(data, kind, words, present, directory)),
        cycle=item["cycle"],
    )


def _went_unheard(data: Mapping[str, Any]) -> bool:
    """Whether no channel carried what was said, and nobody told the customer otherwise."""
    return data.get("reached") is False and not data.get("told_by")


def _who(item: Mapping[str, Any], words: Words, directory: KnownDirectory) -> str:
    """Other services enter what a person did there; `by` names them."""
    actor, by = item["actor"], item["data"].get("by")
    if actor["kind"] in {"staff", "api_key"} or by:
        return directory.person(by or actor["id"])
    if item["type"] == _ANSWERED and not item["data"].get("recorded_by"):
        return words.of("actor", "customer")
    return words.of("actor", actor["kind"])


def _side(item: Mapping[str, Any]) -> str:
    if item["type"] in _FROM_THE_CUSTOMER or item["actor"]["kind"] == "customer":
        return "customer"
    return "system" if item["actor"]["kind"] == "system" else "staff"


def _texts(item: Mapping[str, Any]) -> Iterator[str]:
    for name in TEXTS:
        text = item["data"].get(name)
        if isinstance(text, list):
            yield "\n".join(f"{number}. {step}" for number, step in enumerate(text, 1))
        elif text:
            yield str(text)
    if item["reason"]:
        yield str(item["reason"])


def _facts(
    data: Mapping[str, Any], kind: str, words: Words, present: Present, directory: KnownDirectory
) -> Iterator[Fact]:
    def fact(name: str, value: str, link: str = "") -> Fact:
        return Fact(words.first(f"fact.{name}", f"field.{name}"), value, link)

    shown = _shown(kind, words, present, directory)
    for name, value in data.items():
        if value is None or value == [] or name in TEXTS:
            continue
        if isinstance(value, str) and (group := _reasons(name, kind)):
            yield fact("reason", words.of(group, value))
        elif name == "reached":
            if _went_unheard(data):
                yield fact("reached", words.text("fact.reached.not"))
        elif name == "counts" and value is False:
            yield fact("counts", words.text("no"))
        elif name in _TICKETS:
            yield fact(name, str(value), link=str(value))
        elif name in shown:
            yield fact(name, shown[name](value))


def _reasons(name: str, kind: str) -> str | None:
    """The words for a reason that this part of an event's data names."""
    if name == "cause" and kind == _REOPENED:
        return "reopen_cause"
    if name != "reason":
        return None
    return "wait_reason" if kind in {"ticket.waiting", "ticket.resumed"} else "close_reason"


def _shown(kind: str, words: Words, present: Present, directory: KnownDirectory) -> dict[str, Callable[[Any], str]]:
    """Writers of the known facts; what is not here is for machines."""

    def coded(group: str) -> Callable[[Any], str]:
        return lambda value: words.of(group, str(value))

    def joined(write: Callable[[str], str]) -> Callable[[Any], str]:
        return lambda values: words.text("list.and").join(write(str(value)) for value in values)

    return {
        **{name: coded(group) for name, group in _CODED.items()},
        **dict.fromkeys(_INSTANTS, present.text),
        **dict.fromkeys(_PEOPLE, directory.person),
        **dict.fromkeys(_PLAIN, str),
        "department": directory.department,
        "channel": coded("callback_channel" if kind == _CALLED_BACK else "channel"),
        "co_owners": joined(directory.person),
        "fields": joined(lambda value: words.of("field", value)),
        "add": joined(str),
        "remove": joined(str),
        "changes": lambda changes: words.text("list.and").join(_change(each, words, present) for each in changes),
        "excused": lambda keys: words.text("list.and").join(words.of("clock", key.partition("/")[0]) for key in keys),
    }


def _change(change: Mapping[str, Any], words: Words, present: Present) -> str:
    """One clock's move by a publication, in words."""
    before, after = (present.text(change[name]) or words.text("none") for name in ("due_from", "due_to"))
    return f"{words.of('clock', change['clock'])} {before} → {after}"
