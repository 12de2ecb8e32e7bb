"""A command on its way: who may give it, and the wait for its effect (architecture.md, "The ticket workflow" 2)."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.access.rights import require_right
from services.contracts.base import Message
from services.contracts.basis import Basis, is_outdated
from services.contracts.commands.update import Command
from services.contracts.names import ILLEGAL_TRANSITION, OUTDATED, STALE_VERSION
from services.contracts.vocabulary import CommandName
from services.runtime.errors import Conflict, Forbidden, StaleVersion, Unavailable
from services.runtime.http.conditions import ANY, IfMatch, require_version
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.postgres.raw_statement import RawStatement, json_text
from services.runtime.security.auth import Caller
from services.workflow.client import Refused, TicketEngine
from services.workflow.commands.delivery import Door, Ended
from services.workflow.commands.first_answers import FirstAnswers
from services.workflow.commands.preparation import Asked, Preparation, actor_of
from services.workflow.lifecycle.transitions import is_legal, owed_reason
from services.workflow.views.accused import is_barred
from services.workflow.views.presenter import Showing
from services.workflow.views.queries import Queries, StoredCommand
from services.workflow.views.ticket_row import TicketRow
from services.workflow.views.views import allowed_commands, command_action

_STORE = RawStatement("""
INSERT INTO workflow.commands (id, ticket_no, name, caller, key, body_hash, body, command)
VALUES (:id, :ticket_no, :name, :caller, :key, :body_hash, :body, :command)
ON CONFLICT DO NOTHING RETURNING id""")


@dataclass(frozen=True)
class Admission:
    """A caller who may give a command to a ticket; `known` is what was stored under the request's key before."""

    ticket: TicketRow
    name: CommandName
    caller: Caller
    asked: KeyedRequest
    known: StoredCommand | None = None

    @property
    def ticket_no(self) -> str:
        """The ticket's number."""
        return str(self.ticket.row["ticket_no"])

    @property
    def command_id(self) -> str:
        """An id of its own, or the one of every repeat under the key: whoever hears of it twice knows it again."""
        if self.asked.key is None:
            return uuid.uuid4().hex
        named = "\0".join((self.asked.caller, self.ticket_no, self.name, self.asked.key))
        return hashlib.sha256(named.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Taken:
    """A command whose effect is durable. `answer` is the first answer when this is a repeat of an answered one."""

    command_id: str
    answer: Mapping[str, Any] | None = None
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Takes commands: stores them, gives them to the workflow, remembers what was answered."""

    database: Database
    queries: Queries
    showing: Showing
    preparation: Preparation
    engine: TicketEngine
    door: Door
    answers: FirstAnswers

    async def admit(self, ticket_no: str, name: CommandName, caller: Caller, asked: KeyedRequest) -> Admission:
        """Let the caller give this command, whatever it says and whatever the state.

        A repeat is let in as the first was: its own effect may have moved the ticket out of the caller's reach.

        Raises:
            NotFound: there is no such ticket.
            Forbidden: by the permission table, or because the complaint is about the caller.
        """
        ticket, known = await self.queries.find_with_command(ticket_no, name, asked)
        if ticket is None:
            fetched = await self.showing.fetch(ticket_no)
            # Whoever waited for it beside this one may have given the same command by now.
            ticket, known = await self.queries.find_with_command(ticket_no, name, asked)
            ticket = ticket or fetched
        admission = Admission(ticket, name, caller, asked, known)
        if known is not None:
            return admission
        require_right(caller, command_action(ticket, name), ticket)
        if is_barred(ticket, caller, name):
            raise Forbidden(
                {
                    "en": "the complaint is about you: somebody else calls back and closes it",
                    "zh": "投诉对象是您：须由他人回访并关闭",
                }
            )
        return admission

    async def take(
        self,
        admission: Admission,
        body: Message,
        if_match: IfMatch | None = None,
        *,
        basis: Basis | None = None,
    ) -> Taken:
        """Carry a command to its durable effect. `basis` is what a form was drawn from.

        Raises:
            Conflict, StaleVersion, ValidationFailed: nothing was changed.
            Unavailable: `engine_unavailable`; the effect is unknown, repeat with the same key.
        """
        if admission.known is not None:
            return await self._repeat(admission, admission.known)
        _require_legal(admission, if_match)
        if basis and is_outdated(admission.name, basis, Basis.of(admission.ticket.state)):
            raise _outdated()
        expected = None if if_match in {None, ANY} else admission.ticket.state.version
        asked = Asked(admission.command_id, admission.ticket, admission.name, body, admission.caller, expected, basis)
        command = await self.preparation.command(asked)
        if not await self._store(admission, command, body):
            return await self._repeat(admission, await self._stored(admission))
        await self._give(admission, command)
        return Taken(command.id)

    async def remember(self, taken: Taken, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep the first answer for repeats, and return it; it holds no contact."""
        keep = self.answers.keep_of_repeat if taken.repeated else self.answers.keep
        return await keep(taken.command_id, answer)

    async def _stored(self, admission: Admission) -> StoredCommand:
        """The command that was stored first, in the place of this one."""
        _, known = await self.queries.find_with_command(admission.ticket_no, admission.name, admission.asked)
        if known is None:
            raise Unavailable(retry_after=1)
        return known

    async def _repeat(self, admission: Admission, known: StoredCommand) -> Taken:
        admission.asked.require_same(known.body_hash)
        answer = known.answer or self.answers.waiting(known.id)
        if answer is None and await self.queries.entered(admission.ticket_no, known.id) is None:
            await self._give(admission, Command.model_validate(known.command))
        return Taken(known.id, answer, repeated=True)

    async def _store(self, admission: Admission, command: Command, body: Message) -> bool:
        texts = body.model_dump(mode="json", exclude_none=True)
        if admission.name is CommandName.SUPPLY_INFORMATION:
            # Everything else that a customer supplies is intake's to keep.
            texts = {"message": texts["message"]} if "message" in texts else {}
        return await store_command(self.database, admission.ticket_no, command, admission.asked, texts)

    async def _give(self, admission: Admission, command: Command) -> None:
        send = partial(self.engine.command, admission.ticket_no, command)
        try:
            try:
                await self.door.give(admission.ticket, command.id, send)
            except Refused as refusal:
                if not await self._is_behind(command, admission.ticket_no, refusal):
                    raise
                await self.door.renew(admission.ticket_no)
                await self.door.give(admission.ticket, command.id, send)
        except (Refused, Ended) as error:
            # It may have been the last step itself, or be refused by a run that began behind it.
            if await self.queries.entered(admission.ticket_no, command.id) is None:
                raise await self._refusal(admission, error) from error

    async def _is_behind(self, command: Command, ticket_no: str, refusal: Refused) -> bool:
        """Whether the workflow refuses what is legal by now: somebody has set it back, or its engine was restored."""
        state = (await self.queries.require(ticket_no)).state
        if refusal.version is None or refusal.version >= state.version:
            return False
        outdated = command.basis is not None and is_outdated(command.name, command.basis, Basis.of(state))
        owes = owed_reason(state, command.name, command.actor)
        stale = command.expected_version not in {None, state.version}
        return is_legal(state, command.name) and not (outdated or owes or stale)

    async def _refusal(self, admission: Admission, refusal: Refused | Ended) -> Exception:
        if isinstance(refusal, Ended):
            return _illegal(admission, refusal.ticket)
        if refusal.code == STALE_VERSION:
            return StaleVersion()
        if refusal.code == OUTDATED:
            return _outdated()
        return _illegal(admission, await self.queries.require(admission.ticket_no))


async def store_command(
    database: Database, ticket_no: str, command: Command, asked: KeyedRequest, body: Mapping[str, Any]
) -> bool:
    """Store a command before its workflow gets it; answers False for one that is stored already."""
    values = {
        "id": command.id,
        "ticket_no": ticket_no,
        "name": command.name,
        "caller": asked.caller,
        "key": asked.key,
        "body_hash": asked.body_hash or "",
        "body": json_text(body),
        "command": command.model_dump_json(),
    }
    return await _STORE.first(database, values) is not None


def _require_legal(admission: Admission, if_match: IfMatch | None) -> None:
    state = admission.ticket.state
    if not is_legal(state, admission.name) or owed_reason(state, admission.name, actor_of(admission.caller)):
        raise _illegal(admission, admission.ticket)
    require_version(if_match, state.version)


def _outdated() -> Conflict:
    return Conflict(
        {
            "en": "The ticket has moved on since the form was shown: look at it again.",
            "zh": "表单显示之后工单已有变化：请先查看最新情况。",
        },
        code=OUTDATED,
    )


def _illegal(admission: Admission, ticket: TicketRow) -> Conflict:
    allowed = allowed_commands(ticket, admission.caller)
    phase = ticket.row["phase"]
    state = ticket.state
    missed = owed_reason(state, admission.name, actor_of(admission.caller))
    if missed and is_legal(state, admission.name):
        return _reason_first(missed.partition("/")[0], {"allowed": allowed, "phase": phase})
    return Conflict(
        {
            "en": f"`{admission.name}` is not possible while the ticket is {phase}; `allowed` names what is.",
            "zh": f"工单处于 {phase} 阶段，不能执行 {admission.name}；可执行的操作见 allowed。",
        },
        code=ILLEGAL_TRANSITION,
        extra={"allowed": allowed, "phase": phase},
    )


def _reason_first(clock: str, extra: Mapping[str, Any]) -> Conflict:
    return Conflict(
        {
            "en": f"The clock `{clock}` was missed: note the reason by `explain-breach` before your next step.",
            "zh": f"时限 {clock} 已超时：请先用 explain-breach 说明原因，再进行下一步。",
        },
        code=ILLEGAL_TRANSITION,
        extra={**extra, "clock": clock},
    )
