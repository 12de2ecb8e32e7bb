"""Policies as their authors handle them: linted, stored, ordered, retired, and adopted from a pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.contracts.policy import PackId, Policy, PolicyDraft
from services.promises.faults import Fault, Level
from services.promises.policy_packs import Adoption, adopted, pack
from services.runtime.errors import FieldError, ValidationFailed
from services.runtime.http.conditions import IfMatch
from services.runtime.security.auth import Caller
from services.workflow.policies.linting import PolicyLinting
from services.workflow.policies.policy_schemas import Adopt, PolicyBody, RegisteredPolicy, differences
from services.workflow.policies.policy_store import PolicyRegister
from services.workflow.policies.push_to_intake import Promising

_NO_DIFFERENCE = {"id", "version", "published_at", "created_at", "created_by", "retired_at", "published_version"}


@dataclass(frozen=True)
class Put:
    """A stored policy, and what its author should look at again."""

    policy: RegisteredPolicy
    warnings: Sequence[Fault]


class Policies:
    """The service that the endpoints work with. `language` is the reader's, for what is refused."""

    def __init__(self, register: PolicyRegister, linting: PolicyLinting, promising: Promising) -> None:
        self.register = register
        self.linting = linting
        self._promising = promising

    async def put(
        self, id_: str, body: PolicyBody, caller: Caller, language: str, *, publish: bool, if_match: IfMatch | None
    ) -> Put:
        """Store the next version; published, the next feedback is promised by it.

        Raises:
            ValidationFailed: something in it could not be kept on a ticket.
            StaleVersion: `if_match` is not the latest version.
        """
        warnings = _refuse_errors(await self.linting.faults(id_, body), language)
        stored = await self.register.put(id_, body, publish=publish, if_match=if_match, by=caller.id)
        if publish:
            await self._promising.tell_intake()
        return Put(await self.register.policy(id_, stored.version), warnings)

    async def reorder(self, ids: Sequence[str]) -> None:
        """Try the policies in this order from now on.

        Raises:
            ValidationFailed: `ids` does not name every policy once.
        """
        await self.register.reorder(ids)
        await self._promising.tell_intake()

    async def retire(self, id_: str) -> RegisteredPolicy:
        """Apply a policy to no new ticket any more; open tickets keep theirs.

        Raises:
            NotFound: there is none.
        """
        await self.register.retire(id_)
        await self._promising.tell_intake()
        return await self.register.policy(id_)

    async def adopt(self, pack_id: PackId, asked: Adopt, caller: Caller, language: str) -> list[Put]:
        """Store a pack's policies for the tickets asked for. Adopting the same again stores nothing twice.

        Raises:
            ValidationFailed: an unknown calendar or department.
        """
        drafts = adopted(pack(pack_id), Adoption(asked.kind, asked.department, asked.calendar))
        found = [await self.linting.faults(draft.id, draft) for draft in drafts]
        warnings = [_refuse_errors(_in_the_adoption(faults), language) for faults in found]
        stored = await self.register.adopt(drafts, publish=asked.publish, by=caller.id)
        if asked.publish:
            await self._promising.tell_intake()
        policies = [await self.register.policy(each.id, each.version) for each in stored]
        return [Put(policy, told) for policy, told in zip(policies, warnings, strict=True)]

    async def compare(self, id_: str, older: int, newer: int) -> list[dict[str, Any]]:
        """Everything in which two versions differ.

        Raises:
            NotFound: there is no such version.
        """
        before, after = await self.register.policy(id_, older), await self.register.policy(id_, newer)
        return differences(_said_by(before), _said_by(after))


def _said_by(policy: Policy | PolicyDraft) -> dict[str, Any]:
    return policy.model_dump(mode="json", exclude=_NO_DIFFERENCE)


def _refuse_errors(faults: Sequence[Fault], language: str) -> Sequence[Fault]:
    """The warnings; raise the errors."""
    errors: list[FieldError] = [
        {"pointer": each.pointer, "code": each.code, "message": each.says(language)}
        for each in faults
        if each.level is Level.ERROR
    ]
    if errors:
        raise ValidationFailed(errors)
    return faults


def _in_the_adoption(faults: Sequence[Fault]) -> Sequence[Fault]:
    """The same with pointers into what was asked: departments are named there, in every condition's order."""
    return [Fault(_asked_at(each.pointer), each.code, each.facts) for each in faults]


def _asked_at(pointer: str) -> str:
    parts = pointer.split("/")
    return f"/department/{parts[-1]}" if "department" in parts else pointer
