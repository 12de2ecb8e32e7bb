"""A ticket in the customer's words: what its page says, decided here and not in the template."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from services.contracts.base import to_utc
from services.contracts.customer import CustomerPromise, CustomerStep, CustomerTicket
from services.contracts.journal import EventType
from services.contracts.vocabulary import ClockState, CloseReason, CommandName, Phase, Status, WaitReason
from services.intake.customers.phones import REASONS
from services.intake.pages.forms import Errors, fields_asked
from services.wording import Words

_STEPS = ("received", "accepted", "handled", "done", "confirmed")
_REACHED = {Status.PENDING: 0, Status.PROCESSING: 2, Status.RESOLVED: 3, Status.CLOSED: len(_STEPS)}
_SAYS_ENOUGH = frozenset({"required", "string_too_long", "in_the_future", "in_the_past", *REASONS})
_HAPPENS = frozenset({EventType.CLOSED, EventType.CALLBACK_RECORDED, EventType.MERGED})
_PRODUCT = ("model", "serial_no", "order_no")
_PREFILLED = {"model": "model", "serial_no": "serial", "order_no": "order"}

COMMANDS: Mapping[str, CommandName] = {
    "supply": CommandName.SUPPLY_INFORMATION,
    "message": CommandName.CUSTOMER_MESSAGE,
    "confirm": CommandName.CONFIRM,
    "reopen": CommandName.REOPEN,
    "withdraw": CommandName.WITHDRAW,
}
"""What the last part of an address does (api.md)."""


@dataclass(frozen=True)
class StepMark:
    """One place on the progress line: `past`, `now` or `to_come`."""

    words: str
    state: str


@dataclass(frozen=True)
class PromiseLine:
    """One promise: until when, or why it stands still."""

    words: str
    at: datetime | None
    late: bool
    paused: str | None


@dataclass(frozen=True)
class StoryLine:
    """One step of the story. `who` says or does it: `you` or `us`; None where it simply happened."""

    who: str | None
    words: str
    at: datetime
    text: str | None
    until: datetime | None


def headline(ticket: CustomerTicket, t: Words) -> str:
    """The ticket's standing, in one sentence."""
    if ticket.phase is Phase.CLOSED:
        return t(f"ticket.now.closed.{ticket.close_reason}")
    if ticket.phase is Phase.WAITING:
        return t(f"ticket.now.processing.waiting.{_told_wait(ticket)}")
    return t(f"ticket.now.{ticket.phase}")


def marks(ticket: CustomerTicket, t: Words) -> list[StepMark]:
    """The progress line. A ticket that ended otherwise ends there, at `closed`."""
    if ticket.phase is Phase.CLOSED and ticket.close_reason is not CloseReason.CONFIRMED:
        names = ["received", *(["accepted"] if ticket.accepted_at else []), "closed"]
        return [StepMark(t(f"ticket.step.{name}"), "past") for name in names]
    reached = _REACHED[ticket.phase.status]
    return [StepMark(t(f"ticket.step.{name}"), _state(place, reached)) for place, name in enumerate(_STEPS)]


def promises(ticket: CustomerTicket, t: Words, now: datetime) -> list[PromiseLine]:
    """Promises that are still to come, what is due first on top."""
    lines = [_promise_line(promise, t, now) for promise in ticket.promises]
    return sorted(lines, key=lambda line: (line.at is None, line.at or now))


def story(ticket: CustomerTicket, t: Words, description: str) -> list[StoryLine]:
    """Everything that concerns the customer, oldest first; the report itself is its first message."""
    return [_story_line(step, t, description) for step in _told(ticket)]


def news(ticket: CustomerTicket, t: Words) -> tuple[str, list[StoryLine]] | None:
    """The standing of another customer's ticket that this one was merged into, and what was heard of it."""
    kept = ticket.kept
    if kept is None:
        return None
    name = "closed" if kept.phase is Phase.CLOSED else kept.phase.status
    return t(f"ticket.kept.now.{name}", into=kept.ticket_no), [_story_line(step, t, "") for step in kept.steps]


def outcome(ticket: CustomerTicket, t: Words) -> StoryLine | None:
    """The latest resolution, to be confirmed or not."""
    found = [step for step in ticket.steps if step.type is EventType.RESOLVED]
    return _story_line(found[-1], t, "") if found else None


def product(ticket: CustomerTicket, t: Words) -> list[tuple[str, str]]:
    """The product that the ticket is about, by name."""
    known = ((name, getattr(ticket.product, name)) for name in _PRODUCT)
    return [(t(f"ticket.product.{name}"), value) for name, value in known if value]


def new_report(ticket: CustomerTicket, token: str) -> str:
    """The address of a new form about the same product, which goes on from this ticket (product.md 3, reopening)."""
    known = {asked: getattr(ticket.product, name) for name, asked in _PREFILLED.items()}
    filled = {name: value for name, value in known.items() if value}
    return "/f?" + urlencode({**filled, "again": "true", "follows": token})


def said_wrong(t: Words, errors: Errors) -> dict[str, str]:
    """Errors in words, by field."""
    return {name: _said(t, name, code) for name, code in errors.items()}


def _said(t: Words, name: str, code: str) -> str:
    """The words for the field where it has its own, else those for what is wrong with it."""
    own = "date" if name.endswith("_on") else name
    for_the_field = "" if code in _SAYS_ENOUGH else t.of("wrong", own, "")
    return for_the_field or t.of("wrong", code, t.of("wrong", "other"))


def _told_wait(ticket: CustomerTicket) -> WaitReason:
    """Of several reasons the one that the customer can do something about."""
    return WaitReason.CUSTOMER if WaitReason.CUSTOMER in ticket.waiting_for else ticket.waiting_for[0]


def _state(place: int, reached: int) -> str:
    if place < reached:
        return "past"
    return "now" if place == reached else "to_come"


def _promise_line(promise: CustomerPromise, t: Words, now: datetime) -> PromiseLine:
    paused = promise.state is ClockState.PAUSED and promise.paused_reasons
    return PromiseLine(
        words=t(f"ticket.promise.{promise.clock}"),
        at=promise.due_at,
        late=promise.state is ClockState.BREACHED or (promise.due_at is not None and promise.due_at < now),
        paused=t(f"ticket.promise.paused.{promise.paused_reasons[0]}") if paused else None,
    )


def _told(ticket: CustomerTicket) -> Iterator[CustomerStep]:
    """The steps worth telling: a callback that confirmed is told once, not again as the closing."""
    confirmed_at = {step.at for step in ticket.steps if step.codes.get("outcome") == "satisfied"}
    for step in ticket.steps:
        if step.type is not EventType.CLOSED or step.at not in confirmed_at:
            yield step


def _story_line(step: CustomerStep, t: Words, description: str) -> StoryLine:
    text = description if step.type is EventType.RECEIVED else step.text
    until = step.codes.get("expected_at") or step.codes.get("until")
    happened = step.type in _HAPPENS or (text is None and not step.by_customer)
    return StoryLine(
        who=None if happened else t("ticket.story.you" if step.by_customer else "ticket.story.us"),
        words=_words(step, t),
        at=step.at,
        text=text,
        until=to_utc(datetime.fromisoformat(str(until))) if until else None,
    )


def _words(step: CustomerStep, t: Words) -> str:
    key = f"ticket.event.{step.type.removeprefix('ticket.')}"
    if step.type is EventType.INFORMATION_SUPPLIED and (given := _given(step, t)):
        return t(f"{key}.fields", fields=given)
    reason = step.codes.get("reason")
    if step.type is EventType.CLOSED and reason not in {None, CloseReason.CONFIRMED}:
        return t(f"ticket.now.closed.{reason}")
    detailed = f"{key}.{_detail(step)}"
    return t(detailed if t.has(detailed) else key, into=step.codes.get("into"))


def _given(step: CustomerStep, t: Words) -> str:
    """Names of the fields that a supplement held."""
    codes = step.codes.get("fields")
    names = fields_asked(map(str, codes)) if isinstance(codes, list) else ()
    return t("ticket.list").join(t(f"field.{name}") for name in names)


def _detail(step: CustomerStep) -> str:
    """The code that the words of an event depend on."""
    return next((str(step.codes[name]) for name in ("reason", "result", "outcome") if name in step.codes), "")
