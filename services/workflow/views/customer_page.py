"""A ticket as its customer sees it: what was written to them, what was promised, what they may do next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from services.contracts.basis import Basis
from services.contracts.customer import (
    CUSTOMER_COMMANDS,
    CustomerPromise,
    CustomerStep,
    CustomerTicket,
    KeptTicket,
    UnansweredQuestion,
)
from services.contracts.journal import EventType
from services.contracts.ticket import DeadlineName, TicketState
from services.contracts.vocabulary import ActorKind, ClockName, CommandName, WaitReason
from services.runtime.security.contact_mask import without_contacts
from services.workflow.lifecycle.transitions import is_legal
from services.workflow.views.queries import Queries, Row
from services.workflow.views.ticket_row import TicketRow

MOST_STEPS = 200
PROMISED_TO_CUSTOMERS = (
    ClockName.ACCEPTANCE,
    ClockName.RESPONSE,
    ClockName.RESOLUTION,
    ClockName.CALLBACK,
    ClockName.SECOND_CALLBACK,
    ClockName.CUSTOMER_WAIT,
)

_CODES: Mapping[EventType, tuple[str, ...]] = {
    EventType.RECEIVED: (),
    EventType.ACCEPTED: (),
    EventType.INFORMATION_REQUESTED: ("fields",),
    EventType.INFORMATION_SUPPLIED: ("fields",),
    EventType.CUSTOMER_MESSAGE: (),
    EventType.RESPONDED: (),
    EventType.PLANNED: ("expected_at",),
    EventType.PLAN_APPROVED: (),
    EventType.PROGRESSED: (),
    EventType.WAITING: ("reason", "until"),
    EventType.RESOLVED: ("result",),
    EventType.CALLBACK_RECORDED: ("outcome",),
    EventType.REOPENED: (),
    EventType.CLOSED: ("reason",),
    EventType.WITHDRAWN: (),
    EventType.MERGED: ("into",),
}
"""The events that concern the customer, with what of their data the customer is told."""

SHOWN = tuple(_CODES)

_TOLD_TO_ALL: Mapping[EventType, str | None] = {
    EventType.PROGRESSED: "message",
    EventType.RESOLVED: "summary",
    EventType.REOPENED: None,
    EventType.CLOSED: None,
    EventType.WITHDRAWN: None,
}
"""What the customers of copies are shown of a kept ticket that is another's: news of the matter, not its words."""

_TEXTS: Mapping[EventType, str] = {
    EventType.INFORMATION_REQUESTED: "message",
    EventType.INFORMATION_SUPPLIED: "message",
    EventType.CUSTOMER_MESSAGE: "message",
    EventType.RESPONDED: "message",
    EventType.PLANNED: "steps",
    EventType.PROGRESSED: "message",
    EventType.RESOLVED: "summary",
}
"""The field of a command's body that was written to the customer or by them; everything else of it is internal."""

_OWN_WORDS: Mapping[EventType, str] = {EventType.REOPENED: "reason", EventType.WITHDRAWN: "reason"}
"""The same, where it is told only if the customer wrote it: staff give reasons for each other."""

_SAID_BY_CUSTOMERS = frozenset({EventType.CUSTOMER_MESSAGE, EventType.INFORMATION_SUPPLIED, EventType.RECEIVED})


async def customer_ticket(queries: Queries, ticket: TicketRow) -> CustomerTicket:
    """The whole page of one ticket; one query more than the ticket itself."""
    rows = await queries.latest_events(ticket.row["ticket_no"], SHOWN, MOST_STEPS)
    row, state = ticket.row, ticket.state
    asked = _asked(state, rows)
    return CustomerTicket(
        **{name: row[name] for name in CustomerTicket.model_fields if name in row},
        result=row["resolution"],
        kept=await _kept(queries, ticket),
        missing=state.missing,
        asked=asked,
        waiting_for=tuple(wait.reason for wait in state.waits),
        promises=tuple(_promises(state)),
        steps=tuple(_steps(rows)),
        allowed=tuple(command for command in CUSTOMER_COMMANDS if _is_offered(state, command, asked)),
        basis=Basis.of(state),
        reopen_until=next((it.at for it in state.deadlines if it.name is DeadlineName.REOPEN_WINDOW), None),
    )


async def _kept(queries: Queries, copy: TicketRow) -> KeptTicket | None:
    """The kept ticket as the customer of a copy is told of it, where that is another customer's."""
    kept = await queries.kept(copy)
    if kept is copy or kept.row["customer_id"] == copy.row["customer_id"]:
        return None
    rows = await queries.latest_events(kept.row["ticket_no"], tuple(_TOLD_TO_ALL), MOST_STEPS)
    since = copy.row["closed_at"]
    told = [row for row in rows if row["at"] >= since and _concerns_customers(EventType(row["type"]), row)]
    return KeptTicket(
        ticket_no=kept.row["ticket_no"],
        phase=kept.phase,
        closed_at=kept.row["closed_at"],
        steps=tuple(_news(row) for row in told),
    )


def _news(row: Row) -> CustomerStep:
    """A step of another customer's ticket: what was written of the matter, without anybody's contacts."""
    type_ = EventType(row["type"])
    text = _text(_body(row).get(_TOLD_TO_ALL[type_] or ""))
    codes: dict[str, JsonValue] = {"result": row["data"]["result"]} if type_ is EventType.RESOLVED else {}
    return CustomerStep(
        seq=row["seq"],
        type=EventType.CLOSED if type_ is EventType.WITHDRAWN else type_,
        at=row["at"],
        by_customer=False,
        text=without_contacts(text) if text else None,
        codes={"reason": "again"} if type_ is EventType.REOPENED else codes,
    )


def _is_offered(state: TicketState, command: CommandName, asked: UnansweredQuestion | None) -> bool:
    """Legal, and of use: there is nothing to supply where nothing is missing."""
    wanted = command is not CommandName.SUPPLY_INFORMATION or bool(state.missing) or asked is not None
    return wanted and is_legal(state, command)


def _asked(state: TicketState, rows: Sequence[Row]) -> UnansweredQuestion | None:
    """The last question, while the ticket waits for its answer."""
    if not state.is_waiting_for(WaitReason.CUSTOMER):
        return None
    asked = [row for row in rows if row["type"] == EventType.INFORMATION_REQUESTED and _by_staff(row)]
    since = next(wait.since for wait in state.waits if wait.reason is WaitReason.CUSTOMER)
    if not asked or asked[-1]["at"] < since:
        return None
    last = asked[-1]
    fields = tuple(last["data"].get("fields", ()))
    return UnansweredQuestion(fields=fields, at=last["at"], message=_body(last).get("message"))


def _promises(state: TicketState) -> Iterable[CustomerPromise]:
    live = {clock.name: clock for clock in state.clocks if clock.state.live}
    for name in PROMISED_TO_CUSTOMERS:
        if clock := live.get(name):
            yield CustomerPromise(
                clock=name, state=clock.state, due_at=clock.due_at, paused_reasons=clock.paused_reasons
            )


def _steps(rows: Sequence[Row]) -> Iterable[CustomerStep]:
    """A complex plan is the customer's once it is approved, with the words that it was proposed in."""
    proposed: Row | None = None
    for row in rows:
        type_ = EventType(row["type"])
        if type_ is EventType.PLANNED and row["data"].get("complex"):
            proposed = row
        elif type_ is EventType.PLAN_APPROVED and proposed is not None:
            yield _step(row, proposed)
        elif _concerns_customers(type_, row):
            yield _step(row, row)


def _concerns_customers(type_: EventType, row: Row) -> bool:
    if type_ is EventType.PROGRESSED:
        return bool(row["data"].get("visible"))
    if type_ is EventType.INFORMATION_REQUESTED:  # a reminder of the system says nothing new
        return _by_staff(row)
    return type_ is not EventType.PLAN_APPROVED


def _step(row: Row, said: Row) -> CustomerStep:
    """`said` is the event whose command's words the customer reads with this one."""
    type_, spoken = EventType(row["type"]), EventType(said["type"])
    by_customer = type_ in _SAID_BY_CUSTOMERS or row["actor_kind"] == ActorKind.CUSTOMER
    field = _TEXTS.get(spoken) or (_OWN_WORDS.get(spoken) if by_customer else None)
    return CustomerStep(
        seq=row["seq"],
        type=EventType.PLANNED if spoken is EventType.PLANNED else type_,
        at=row["at"],
        by_customer=by_customer,
        text=_text(_body(said).get(field)) if field else None,
        codes={name: said["data"][name] for name in _CODES[spoken] if name in said["data"]},
    )


def _text(written: Any) -> str | None:
    return "\n".join(written) if isinstance(written, list) else written


def _by_staff(row: Row) -> bool:
    return bool(row["actor_kind"] != ActorKind.SYSTEM)


def _body(row: Row) -> Mapping[str, Any]:
    return row["body"] or {}
