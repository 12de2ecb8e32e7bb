"""From what was asked to what decides: who and what a body names is checked before a command is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.accused import is_about
from services.contracts.base import Message
from services.contracts.basis import Basis
from services.contracts.commands.arrangement import AssignBody, Promise, ReclassifyBody
from services.contracts.commands.conversation import SupplyInformation, SupplyInformationBody
from services.contracts.commands.ending import Merge
from services.contracts.commands.handling import Accept, PlanBody, RecordCallbackBody, Wait
from services.contracts.commands.receipt import CustomerTold
from services.contracts.commands.table import decision_of
from services.contracts.commands.update import Command
from services.contracts.feedback import Supplemented
from services.contracts.journal import Actor
from services.contracts.permissions import Action, may
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import TicketState
from services.contracts.vocabulary import ActorKind, Category, ClockName, CommandName, Kind, Urgency
from services.promises.policies import PolicyFacts, choose, snapshot
from services.promises.priority import priority_of
from services.runtime.errors import Forbidden, ValidationFailed
from services.runtime.instants import require_to_come
from services.runtime.security.auth import Caller
from services.runtime.service_client import ServiceClient
from services.workflow.commands.callbacks import Callbacks
from services.workflow.commands.checks import require_end, require_keepable, require_reason_to_lower
from services.workflow.due_times import due_by_policy
from services.workflow.journal.registration import Registrations
from services.workflow.policies.catalogue import Catalogue
from services.workflow.views.customer_reach import CustomerReach
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow


@dataclass(frozen=True)
class Asked:
    """One command as it was asked for; `id` is the command's, the same for a repeat under the same key."""

    id: str
    ticket: TicketRow
    name: CommandName
    body: Message
    caller: Caller
    expected_version: int | None
    basis: Basis | None = None

    @property
    def actor(self) -> Actor:
        """The caller, as the journal names them."""
        return actor_of(self.caller)


_CHOOSES = frozenset({CommandName.ACCEPT, CommandName.ASSIGN, CommandName.RECLASSIFY, CommandName.SUPPLY_INFORMATION})
"""Commands that can make another policy apply."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Turns bodies into commands."""

    queries: Queries
    catalogue: Catalogue
    people: DirectoryCopy
    registrations: Registrations
    intake: ServiceClient
    reach: CustomerReach
    callbacks: Callbacks

    async def command(self, asked: Asked) -> Command:
        """The command that the workflow decides on.

        Raises:
            ValidationFailed: something named does not exist or may not be named.
            Forbidden: a promise that is a supervisor's to make.
        """
        body = asked.body
        await self._require_sense(asked)
        decision = decision_of(asked.name, body) | await self._found_out(asked)
        chosen = asked.name in _CHOOSES
        return Command(
            id=asked.id,
            name=asked.name,
            actor=asked.actor,
            decision=decision,
            policy=await self._policy_for(asked, decision) if chosen else None,
            policy_chosen=chosen,
            expected_version=asked.expected_version,
            basis=asked.basis,
        )

    async def _require_sense(self, asked: Asked) -> None:
        """Refuse what the ticket, the caller or the clock forbids."""
        body = asked.body
        if isinstance(body, Accept | ReclassifyBody):
            require_reason_to_lower(asked.ticket, body)
        if isinstance(body, Wait):
            require_end(asked.ticket, body)
        if isinstance(body, PlanBody):
            require_to_come("/expected_at", body.expected_at, datetime.now(UTC))
        if isinstance(body, Promise):
            await self._require_right_to_promise(asked, body)

    async def _found_out(self, asked: Asked) -> dict[str, Any]:
        """Facts that decide besides the body's own words."""
        body, found = asked.body, dict[str, Any]()
        if isinstance(body, Accept | AssignBody):
            found |= await self._named(asked, body)
        if isinstance(body, AssignBody):
            found |= {"owner_off": body.takes_the_owner_off}
        if isinstance(body, Accept | ReclassifyBody):
            found |= await self._routed(asked, body)
        if isinstance(body, Merge):
            found |= {"other_customer": await self._is_another_customers(asked, body)}
        if isinstance(body, SupplyInformationBody):
            found |= await self._supplement(asked, body)
        if isinstance(body, RecordCallbackBody):
            found |= await self.callbacks.decision(asked.ticket, asked.id, body)
        if isinstance(body, CustomerTold) and not await self._is_heard(asked.ticket, body):
            found |= {"reached": False}
        return found

    async def _is_heard(self, ticket: TicketRow, body: CustomerTold) -> bool:
        """Whether what is said to the customer reaches them; a note says nothing to them."""
        if body.told_by is not None or getattr(body, "visible", True) is False:
            return True
        return (await self.reach.to(ticket)).goes

    async def _named(self, asked: Asked, body: Accept | AssignBody) -> dict[str, Any]:
        """Check who and what is named."""
        ids = [id_ for id_ in (body.department, body.owner, *(body.co_owners or ())) if id_]
        roll = await self.people.roll(must_have=ids)
        named: dict[str, Any] = {}
        if body.department and not roll.has_department(body.department):
            raise ValidationFailed.at(
                "/department", "unknown", {"en": "no active department has this id", "zh": "没有此编号的启用部门"}
            )
        if body.owner is not None:
            named["owner"] = _member(asked.ticket, roll, body.owner, "/owner")
        if body.co_owners is not None:
            found = [_member(asked.ticket, roll, id_, f"/co_owners/{n}") for n, id_ in enumerate(body.co_owners)]
            named["co_owners"] = found
        return named

    async def _routed(self, asked: Asked, body: Accept | ReclassifyBody) -> dict[str, Any]:
        """The department of a ticket that nobody was given and that turns out to be another than it seemed; until its
        acceptance it goes where its category is handled, unless a person named a department."""
        if not is_routed(asked.ticket.state, body):
            return {}
        roll = await self.people.roll()
        department = roll.route(body.category or asked.ticket.state.category)
        return {"department": department} if department else {}

    async def _policy_for(self, asked: Asked, decision: Mapping[str, Any]) -> PolicySnapshot | None:
        """The first policy that applies to the ticket as the command makes it (semantics.md 17).

        An open ticket keeps the version that it lives by, until it is accepted or a publication recalculates it.
        """
        facts = facts_after(asked.ticket.state, decision)
        policy = choose((await self.catalogue.in_force()).promises.policies, facts)
        present = asked.ticket.row["policy"]
        if policy and present and policy.id == present["id"] and asked.name is not CommandName.ACCEPT:
            return PolicySnapshot.model_validate(present)
        return snapshot(policy) if policy else None

    async def _is_another_customers(self, asked: Asked, body: Merge) -> bool:
        """Check what a ticket is merged into; answers whether that is another customer's."""
        if body.into == asked.ticket.row["ticket_no"]:
            raise ValidationFailed.at(
                "/into", "same_ticket", {"en": "a ticket is not merged into itself", "zh": "工单不能合并到自身"}
            )
        target = await self.queries.find(body.into)
        if target is None or not may(asked.caller, Action.MERGE, target):
            raise ValidationFailed.at(
                "/into", "unknown", {"en": "no ticket of yours has this number", "zh": "您没有此编号的工单"}
            )
        require_keepable(asked.ticket, target, body)
        return bool(target.row["customer_id"] != asked.ticket.row["customer_id"])

    async def _require_right_to_promise(self, asked: Asked, body: Promise) -> None:
        """A date later than the policy's needs a supervisor (semantics.md 18)."""
        now = datetime.now(UTC)
        dates = (
            (ClockName.RESPONSE, "respond_by", body.respond_by),
            (ClockName.RESOLUTION, "resolve_by", body.resolve_by),
        )
        for name, field, date in dates:
            if date and date <= now:
                raise ValidationFailed.at(
                    f"/{field}",
                    "in_the_past",
                    {"en": "promise an instant that is still to come", "zh": "承诺的时间必须尚未到来"},
                )
            if date and name is ClockName.RESPONSE and asked.ticket.state.responded_at:
                raise ValidationFailed.at(
                    f"/{field}",
                    "responded",
                    {"en": "the customer has had the first answer", "zh": "客户已得到首次答复"},
                )
            due_at = await self._latest_for_all(asked.ticket, name, now) if date else None
            if date and due_at and date > due_at and not may(asked.caller, Action.PROMISE_LATER, asked.ticket):
                raise Forbidden(
                    {
                        "en": "a date later than the policy's is a supervisor's to promise",
                        "zh": "晚于策略的日期须由主管承诺",
                    }
                )

    async def _latest_for_all(self, ticket: TicketRow, name: ClockName, now: datetime) -> datetime | None:
        """The latest date that is not a supervisor's to promise: when the clock is due by its policy, whatever was
        promised since. A paused one counts as if it ran again from now, or a pause would open any date."""
        clock = next((clock for clock in ticket.state.clocks if clock.name is name), None)
        if clock is None:
            return None
        if clock.by_promise:
            return clock.promised_at
        pinned = {(clock.calendar, clock.calendar_version)} if clock.calendar_version else set()
        return due_by_policy(clock, await self.catalogue.calendars_for(pinned), now)

    async def _supplement(self, asked: Asked, body: SupplyInformationBody) -> dict[str, Any]:
        """Contacts and product go to intake, which owns them; what it says of completeness decides."""
        ticket_no = asked.ticket.row["ticket_no"]
        fields = body.model_dump(mode="json", exclude_unset=True, exclude={"message"})
        told = await self.intake.post(
            f"/internal/feedback/{ticket_no}/supplement", {"command_id": asked.id, "supplement": fields}
        )
        answer = Supplemented.model_validate(told)
        await self.registrations.amend(ticket_no, answer)
        impact = body.impact
        supply = SupplyInformation(
            fields=answer.changed,
            complete=answer.complete,
            missing=answer.missing,
            safety_risk=impact.safety_risk if impact else None,
            affected_count=impact.affected_count if impact else None,
        )
        return supply.model_dump(mode="json", exclude_none=True)


def facts_after(state: TicketState, decision: Mapping[str, Any]) -> PolicyFacts:
    """Facts that policies may ask of the ticket once a command with this decision has been carried out."""
    urgency = Urgency(decision.get("urgency") or state.urgency)
    if decision.get("safety_risk") and not state.safety_risk:
        urgency = Urgency.URGENT
    affected = decision.get("affected_count")
    return PolicyFacts(
        kind=Kind(decision.get("kind") or state.kind),
        category=Category(decision.get("category") or state.category),
        urgency=urgency,
        priority=priority_of(urgency, state.tier, state.affected_count if affected is None else affected),
        tier=state.tier,
        channel=state.channel,
        department=decision.get("department") or state.department,
    )


def is_routed(state: TicketState, body: Accept | ReclassifyBody) -> bool:
    """Whether an acceptance or a correction routes the ticket (anew)."""
    if isinstance(body, Accept) and (body.department or state.department is None):
        return body.department is None
    is_free = state.accepted_at is None and state.owner is None and not state.department_named
    return is_free and (body.category not in {None, state.category} or body.kind not in {None, state.kind})


def actor_of(caller: Caller) -> Actor:
    """A caller, as the journal names them."""
    return Actor(kind=ActorKind(caller.kind), id=caller.id)


def _member(ticket: TicketRow, roll: Roll, id_: str, pointer: str) -> str:
    member = roll.member(id_)
    if member is None:
        raise ValidationFailed.at(
            pointer, "unknown", {"en": "no active member of staff has this id", "zh": "没有此编号的在职员工"}
        )
    about = ticket.row["complaint_about"]
    if about and is_about(about, {member.id, member.name, member.username}):
        raise ValidationFailed.at(
            pointer,
            "complaint_about",
            {"en": "the complaint is about this person: name another", "zh": "投诉对象正是此人：请另选他人"},
        )
    return member.id
