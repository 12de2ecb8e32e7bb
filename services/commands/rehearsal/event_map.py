"""A help desk's log as commands: one case becomes a feedback and the commands on its ticket.

The first event registers and accepts. An event that says more than that (somebody took charge, it was resolved) is
carried out too, wherever it stands. What the log says after a resolution disproves it, so a callback with a residual
issue reopens the ticket; what it says after the end reopens the ticket by request, and if the log does not close such
a ticket again, it is closed at the end of its case: a case with a `Closed` ends closed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.commands.rehearsal.log import Case, LogEvent
from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackOutcome,
    Category,
    Cause,
    Channel,
    CommandName,
    Kind,
    Phase,
    Result,
    Urgency,
    WaitReason,
)

TAKE_IN_CHARGE = "take in charge ticket"
WAIT = "wait"
PLANS = frozenset({"require upgrade"})
RESOLVES = frozenset({"resolve ticket", "resolved"})
CLOSES = frozenset({"closed"})
WITHDRAWS = frozenset({"duplicate", "invalid"})
"""Activities in lower case; every other one is a note on the handling."""

URGENCIES = {"Value 3": Urgency.URGENT, "Value 4": Urgency.URGENT, "Value 2": Urgency.LOW}
"""The log's seriousness is anonymised: its two rare values are taken for the serious ones; the rest is normal."""
FAULT = "Value 1"
"""The usual type of service is taken for faults, the others for consultations. No case becomes a complaint: the log
has nothing of a second callback."""


@dataclass(frozen=True)
class RehearsalStep:
    """One command on the ticket, and the phase in which it leaves it."""

    name: CommandName
    body: Mapping[str, Any]
    then: Phase


@dataclass(frozen=True)
class Script:
    """Everything to be sent for one case, and the phase in which its ticket then must be."""

    case_id: str
    feedback: Mapping[str, Any]
    steps: Sequence[RehearsalStep]
    ends: Phase


def script(case: Case, owners: Mapping[str, str]) -> Script:
    """Map a case. `owners` gives the id of the member of staff for each resource."""
    play = _Play(owners)
    first, *others = case.events
    play.accept(first)
    if _act_of(first) is not _Play.note:
        play.happen(first)
    for event in others:
        play.happen(event)
    play.end(case)
    return Script(case.id, _feedback(case), play.steps, play.phase)


def department_id(section: str) -> str:
    """The id of the department that stands for a section."""
    return code("section", section)


def username(resource: str) -> str:
    """The user name of the member of staff who stands for a resource."""
    return code("resource", resource)


def code(prefix: str, value: str) -> str:
    """An identifier made of a value of the log."""
    return f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', value.lower()).strip('-')}"[:64]


class _Play:
    """Follows one ticket through its case, so that every command is legal when it is given."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.steps: list[RehearsalStep] = []
        self.phase = Phase.REVIEW
        self._owners = owners
        self._responded = False

    def accept(self, event: LogEvent) -> None:
        self._give(CommandName.ACCEPT, Phase.ASSIGNED, **self._who(event))

    def happen(self, event: LogEvent) -> None:
        """Carry out an event, after what must come before it."""
        act = _act_of(event)
        if self.phase is Phase.CLOSED and act in {_Play.close, _Play.withdraw}:
            return
        if self.phase is Phase.WAITING and act is not _Play.wait:
            self._give(CommandName.RESUME, Phase.ASSIGNED)
        if self.phase is Phase.AWAITING_CALLBACK and act is not _Play.close:
            self._call_back(CallbackOutcome.RESIDUAL_ISSUE, Phase.ASSIGNED)
        if self.phase is Phase.CLOSED:
            self._give(CommandName.REOPEN, Phase.ASSIGNED, reason=f"The log goes on: {event.activity}.")
        act(self, event)

    def end(self, case: Case) -> None:
        """Close a ticket again whose case was closed and then went on."""
        closed = any(_act_of(event) is _Play.close for event in case.events)
        if closed and self.phase is not Phase.CLOSED:
            self.happen(next(event for event in reversed(case.events) if _act_of(event) is _Play.close))

    def note(self, event: LogEvent) -> None:
        message = f"{event.activity} (seriousness {event.seriousness or 'unknown'})"
        self._give(CommandName.PROGRESS, self.phase, message=message, visible=False)

    def take_in_charge(self, event: LogEvent) -> None:
        if who := self._who(event):
            self._give(CommandName.ASSIGN, self.phase, **who, reason=event.activity)
        if not self._responded:
            self._responded = True
            self._give(CommandName.RESPOND, self.phase, message="We are looking into it.")

    def wait(self, event: LogEvent) -> None:
        if self.phase is not Phase.WAITING:
            self._give(CommandName.WAIT, Phase.WAITING, reason=WaitReason.CUSTOMER, note=event.activity)

    def plan(self, event: LogEvent) -> None:
        self._give(CommandName.PLAN, Phase.PLANNED, steps=event.activity)

    def resolve(self, event: LogEvent) -> None:
        summary = f"{event.activity}, by {event.resource or 'nobody named'}"
        self._give(CommandName.RESOLVE, Phase.AWAITING_CALLBACK, result=Result.RESOLVED, summary=summary,
                   cause=Cause.SOFTWARE)  # fmt: skip

    def close(self, event: LogEvent) -> None:
        if self.phase is not Phase.AWAITING_CALLBACK:
            self.resolve(event)
        self._call_back(CallbackOutcome.SATISFIED, Phase.CLOSED)

    def withdraw(self, event: LogEvent) -> None:
        self._give(CommandName.WITHDRAW, Phase.CLOSED, reason=event.activity)

    def _call_back(self, outcome: CallbackOutcome, then: Phase) -> None:
        self._give(CommandName.RECORD_CALLBACK, then, outcome=outcome, channel=CallbackChannel.EMAIL)

    def _who(self, event: LogEvent) -> dict[str, str]:
        who = {"department": department_id(event.section)} if event.section else {}
        return who | ({"owner": self._owners[event.resource]} if event.resource else {})

    def _give(self, name: CommandName, then: Phase, **body: Any) -> None:
        self.steps.append(RehearsalStep(name, body, then))
        self.phase = then


def _act_of(event: LogEvent) -> Callable[[_Play, LogEvent], None]:
    return _ACTS.get(event.activity.lower(), _Play.note)


_ACTS: Mapping[str, Callable[[_Play, LogEvent], None]] = {
    TAKE_IN_CHARGE: _Play.take_in_charge,
    WAIT: _Play.wait,
    **dict.fromkeys(PLANS, _Play.plan),
    **dict.fromkeys(RESOLVES, _Play.resolve),
    **dict.fromkeys(CLOSES, _Play.close),
    **dict.fromkeys(WITHDRAWS, _Play.withdraw),
}


def _feedback(case: Case) -> Mapping[str, Any]:
    """The registration. Its contact is invented, one a customer, at a domain that reaches nobody."""
    first = case.events[0]
    fault = first.service_type in {FAULT, ""}
    customer = code("customer", first.customer or case.id)
    return {
        "channel": Channel.EMAIL,
        "language": "en",
        "customer": {
            "name": f"Customer {first.customer or case.id}",
            "customer_no": customer,
            "email": f"{customer}@example.com",
        },
        "product": {"model": f"Product {first.product or 'unknown'}", "serial_no": code("sn", case.id)},
        "kind": Kind.FAULT if fault else Kind.CONSULTATION,
        "category": Category.PRODUCT_FAULT if fault else Category.USAGE_QUESTION,
        "urgency": URGENCIES.get(first.seriousness, Urgency.NORMAL),
        "description": f"{case.id}: {first.activity}",
    }
