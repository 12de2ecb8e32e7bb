"""Asks around what a policy may name, and lints it: before it is stored, and when its author asks."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.access.directory_copy import DirectoryCopy
from services.contracts.policy import Policy, PolicyDraft
from services.promises.faults import Fault
from services.promises.linting import Surroundings, lint
from services.promises.order import unreachable
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.turns import Turns, in_thread
from services.workflow.policies.catalogue import Catalogue
from services.workflow.policies.policy_store import PolicyRegister

TURNS = Turns(at_once=4, each=2)
_PATIENCE_SECONDS = 2.0
_MOST_COMPARED = 200
"""Policies around a policy that it is compared with; more would keep its author waiting."""


@dataclass(frozen=True)
class Owners:
    """The services that own what a policy names."""

    people: DirectoryCopy
    notify: ServiceClient
    survey: ServiceClient


class PolicyLinting:
    """Whoever does not answer in two seconds is not asked again, and refuses nothing: the policy is then stored with
    the warning `not_checked`."""

    def __init__(self, catalogue: Catalogue, register: PolicyRegister, owners: Owners) -> None:
        self._catalogue = catalogue
        self._register = register
        self._owners = owners

    async def faults(self, id_: str | None, policy: PolicyDraft) -> tuple[Fault, ...]:
        """Faults of `policy`, if it were stored and published under `id_`; without one, as a new policy."""
        in_force = await self._catalogue.in_force()
        departments, ladders, questionnaires = await asyncio.gather(
            self._departments(policy),
            _ids(self._owners.notify, "/internal/ladders"),
            _ids(self._owners.survey, "/internal/questionnaires"),
        )
        earlier, later = _around(id_, await self._register.order(), in_force.promises.policies)
        surroundings = Surroundings(
            calendars=in_force.calendars,
            at=datetime.now(UTC),
            departments=departments,
            ladders=ladders,
            questionnaires=questionnaires,
            earlier=earlier[-_MOST_COMPARED:],
            later=later[:_MOST_COMPARED],
        )
        # Sets of tickets are compared: nobody else waits for that.
        return await in_thread(lint, policy, surroundings)

    async def order_faults(self) -> list[Fault]:
        """The policies in force that no ticket reaches; pointers are into the order."""
        policies = (await self._catalogue.in_force()).promises.policies[:_MOST_COMPARED]
        hidden = await in_thread(unreachable, policies)
        order = await self._register.order()
        return [
            Fault(f"/ids/{order.index(id_)}", "unreachable", {"ids": ", ".join(before)})
            for id_, before in hidden.items()
            if id_ in order
        ]

    async def _departments(self, policy: PolicyDraft) -> Collection[str] | None:
        named = [*policy.calendars, *(each for condition in policy.applies for each in condition.department or ())]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                roll = await self._owners.people.roll(must_have=named)
        except (Refusal, TimeoutError):
            return None
        return {department.id for department in roll.departments if department.active}


def _around(
    id_: str | None, order: Sequence[str], in_force: Sequence[Policy]
) -> tuple[Sequence[Policy], Sequence[Policy]]:
    """The policies in force before and after a policy's place; a new one has the first."""
    place = order.index(id_) if id_ in order else -1
    places = {each: number for number, each in enumerate(order)}
    others = [each for each in in_force if each.id != id_]
    earlier = [each for each in others if places.get(each.id, place) < place]
    return earlier, [each for each in others if each not in earlier]


async def _ids(owner: ServiceClient, path: str) -> Collection[str] | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            told = await owner.get(path)
    except (Refusal, TimeoutError):
        return None
    # Who owns some is not ready before they are seeded.
    return {each["id"] for each in told["items"]} or None
