"""From what was asked to what decides: who and what a body names is checked before a command is stored."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.contracts import commands as bodies
from services.contracts.base import Message
from services.contracts.commands import Command, SupplyInformation, decision_of
from services.contracts.directory import StaffMember
from services.contracts.feedback import Supplemented
from services.contracts.journal import Actor
from services.contracts.permissions import Action, may
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock
from services.contracts.words import ActorKind, ClockName, CommandName, Status, Urgency, WaitReason
from services.promises.policies import TicketFacts, choose, snapshot
from services.promises.priority import priority_of
from services.runtime.auth import Caller
from services.runtime.errors import Forbidden, ValidationFailed
from services.runtime.peers import Peer
from services.workflow.catalogue import Catalogue
from services.workflow.due import due_if_running
from services.workflow.people import People, Roll
from services.workflow.queries import Queries
from services.workflow.registering import Registrar
from services.workflow.views import TicketRow


@dataclass(frozen=True)
class Asked:
    """One command as it was asked for; `id` is the command's, the same for a repeat under the same key."""

    id: str
    ticket: TicketRow
    name: CommandName
    body: Message
    caller: Caller
    if_match: int | None


class Preparation:
    """Turns bodies into commands."""

    def __init__(
        self, *, queries: Queries, catalogue: Catalogue, people: People, registrar: Registrar, intake: Peer
    ) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._people = people
        self._registrar = registrar
        self._intake = intake

    async def command(self, asked: Asked) -> Command:
        """What the workflow decides on.

        Raises:
            ValidationFailed: something named does not exist or may not be named.
            Forbidden: a promise that is a supervisor's to make.
        """
        body, policy = asked.body, None
        decision = decision_of(asked.name, body)
        if isinstance(body, bodies.Accept | bodies.Assign):
            decision |= await self._named(asked, body)
        if isinstance(body, bodies.Accept):
            policy = await self._policy_for(asked, decision)
        if isinstance(body, bodies.Accept | bodies.Reclassify):
            _require_reason_to_lower(asked.ticket, body)
        if isinstance(body, bodies.Merge):
            await self._require_target(asked, body.into)
        if isinstance(body, bodies.Wait):
            _require_end(asked.ticket, body)
        if isinstance(body, bodies.Promise):
            await self._require_right_to_promise(asked, body)
        if isinstance(body, bodies.SupplyInformationBody):
            decision = await self._supplement(asked, body)
        return Command(
            id=asked.id,
            name=asked.name,
            actor=Actor(kind=ActorKind(asked.caller.kind), id=asked.caller.id),
            decision=decision,
            policy=policy,
            expected_version=asked.if_match,
        )

    async def _named(self, asked: Asked, body: bodies.Accept | bodies.Assign) -> dict[str, Any]:
        """Check who and what is named; a new department is routed when an acceptance names none."""
        ids = [id_ for id_ in (body.department, body.owner, *(body.co_owners or ())) if id_]
        roll = await self._people.roll(must_have=ids)
        named: dict[str, Any] = {}
        if body.department and not roll.has_department(body.department):
            raise ValidationFailed.at("/department", "unknown", "no active department has this id")
        if isinstance(body, bodies.Accept) and body.department is None and asked.ticket.department is None:
            named["department"] = roll.route(body.category or asked.ticket.state.category)
        if body.owner is not None:
            named["owner"] = _member(asked.ticket, roll, body.owner, "/owner")
        if body.co_owners is not None:
            found = [_member(asked.ticket, roll, id_, f"/co_owners/{n}") for n, id_ in enumerate(body.co_owners)]
            named["co_owners"] = found
        return named

    async def _policy_for(self, asked: Asked, decision: Mapping[str, Any]) -> PolicySnapshot | None:
        state = asked.ticket.state
        urgency = Urgency(decision.get("urgency", state.urgency))
        facts = TicketFacts(
            kind=decision.get("kind", state.kind),
            category=decision.get("category", state.category),
            urgency=urgency,
            priority=priority_of(urgency, state.tier, state.affected_count),
            tier=state.tier,
            channel=state.channel,
            department=decision.get("department", state.department),
        )
        policy = choose((await self._catalogue.in_force()).promises.policies, facts)
        return snapshot(policy) if policy else None

    async def _require_target(self, asked: Asked, into: str) -> None:
        if into == asked.ticket.row["ticket_no"]:
            raise ValidationFailed.at("/into", "same_ticket", "a ticket is not merged into itself")
        target = await self._queries.find(into)
        if target is None or not may(asked.caller, Action.MERGE, target):
            raise ValidationFailed.at("/into", "unknown", "no ticket of yours has this number")
        if target.row["close_reason"] == "merged":
            raise ValidationFailed.at("/into", "merged", f"it was merged into {target.row['merged_into']}: name that")

    async def _require_right_to_promise(self, asked: Asked, body: bodies.Promise) -> None:
        """A date later than the policy's needs a supervisor (semantics.md 18)."""
        now = datetime.now(UTC)
        dates = (
            (ClockName.RESPONSE, "respond_by", body.respond_by),
            (ClockName.RESOLUTION, "resolve_by", body.resolve_by),
        )
        for name, field, date in dates:
            if date and date <= now:
                raise ValidationFailed.at(f"/{field}", "in_the_past", "promise an instant that is still to come")
            due_at = await self._due_at(asked.ticket, name, now) if date else None
            if date and due_at and date > due_at and not may(asked.caller, Action.PROMISE_LATER, asked.ticket):
                raise Forbidden("a date later than the policy's is a supervisor's to promise")

    async def _due_at(self, ticket: TicketRow, name: ClockName, now: datetime) -> datetime | None:
        """When the clock is due; a paused one as if it ran again from now, or a pause would open any date."""
        clock = next((clock for clock in ticket.state.clocks if clock.name is name), None)
        if clock is None or clock.due_at is not None:
            return clock.due_at if clock else None
        return due_if_running(clock, await self._calendars(clock), now)

    async def _calendars(self, clock: Clock) -> Any:
        in_force = await self._catalogue.in_force()
        pinned = {(clock.calendar, clock.calendar_version)} if clock.calendar_version else set()
        return await self._catalogue.calendars_for(pinned, in_force.promises.generation)

    async def _supplement(self, asked: Asked, body: bodies.SupplyInformationBody) -> dict[str, Any]:
        """Contacts and product go to intake, which owns them; what it says of completeness decides."""
        ticket_no = asked.ticket.row["ticket_no"]
        fields = body.model_dump(mode="json", exclude_unset=True, exclude={"message"})
        told = await self._intake.post(
            f"/internal/feedback/{ticket_no}/supplement", {"command_id": asked.id, "supplement": fields}
        )
        answer = Supplemented.model_validate(told)
        await self._registrar.amend(ticket_no, answer)
        impact = body.impact
        supply = SupplyInformation(
            fields=answer.changed,
            complete=answer.complete,
            missing=answer.missing,
            safety_risk=impact.safety_risk if impact else None,
            affected_count=impact.affected_count if impact else None,
        )
        return supply.model_dump(mode="json", exclude_none=True)


def _require_reason_to_lower(ticket: TicketRow, body: bodies.Accept | bodies.Reclassify) -> None:
    """A safety risk is urgent whatever was stated; a clerk may lower it with a reason (product.md 4)."""
    state = ticket.state
    if not state.safety_risk or state.urgency is not Urgency.URGENT or body.urgency in {None, Urgency.URGENT}:
        return
    if isinstance(body, bodies.Accept):
        raise ValidationFailed.at(
            "/urgency", "safety_risk", "a safety risk is urgent: lower it by reclassify, with a reason"
        )
    if getattr(body, "reason", None) is None:
        raise ValidationFailed.at("/reason", "required", "say why a safety risk is not urgent")


def _require_end(ticket: TicketRow, body: bodies.Wait) -> None:
    """A wait ends in the future; once resolved, an appointment is the callback's new due time (semantics.md 9)."""
    if body.until is not None and body.until <= datetime.now(UTC):
        raise ValidationFailed.at("/until", "in_the_past", "give an instant that is still to come")
    if ticket.state.status is Status.RESOLVED and body.reason is WaitReason.APPOINTMENT and body.until is None:
        raise ValidationFailed.at("/until", "required", "an appointment for the callback needs its end")


def is_accused(ticket: TicketRow, caller: Caller) -> bool:
    """Whether the complaint is about the caller."""
    about = ticket.row["complaint_about"]
    return bool(about) and _names(about, {caller.id, caller.name, caller.username})


def staff_named(about: str | None, staff: Sequence[StaffMember]) -> str | None:
    """The id of the one active member of staff whom a complaint names; None where it names nobody, or several."""
    named = [it.id for it in staff if about and it.active and _names(about, {it.id, it.name, it.username})]
    return named[0] if len(named) == 1 else None


def _member(ticket: TicketRow, roll: Roll, id_: str, pointer: str) -> str:
    member = roll.member(id_)
    if member is None:
        raise ValidationFailed.at(pointer, "unknown", "no active member of staff has this id")
    about = ticket.row["complaint_about"]
    if about and _names(about, {member.id, member.name, member.username}):
        raise ValidationFailed.at(pointer, "complaint_about", "the complaint is about this person: name another")
    return member.id


def _names(about: str, names: set[str | None]) -> bool:
    """Whether what a complaint is about names a person: customers write 「维修部李雷」 as well as 「李雷」."""
    said = about.strip().casefold()
    return any(_is_said(name.strip().casefold(), said) for name in names if name)


def _is_said(name: str, said: str) -> bool:
    if len(name) <= 1:  # one character is in too many other words
        return name == said
    if not name.isascii():
        return name in said
    return re.search(rf"(?<![0-9a-z]){re.escape(name)}(?![0-9a-z])", said) is not None
