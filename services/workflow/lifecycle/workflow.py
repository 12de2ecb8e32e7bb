"""The ticket workflow: the only writer of a ticket's life. It reads like the requirement; the rules are in `life`."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from services.contracts.basis import Basis, is_outdated
from services.contracts.commands.table import DECISIONS
from services.contracts.commands.update import Command, UpdateOutcome
from services.contracts.feed import RemarkEntry
from services.contracts.names import (
    ENDED,
    ILLEGAL_TRANSITION,
    OUTDATED,
    STALE_VERSION,
    UPDATE_COMMAND,
    UPDATE_RECALCULATE,
    UPDATE_REMARK,
    WORKFLOW_TICKET,
)
from services.contracts.policy import PolicySnapshot
from services.contracts.publication import Recalculation
from services.contracts.ticket import TicketStart, TicketState
from services.workflow.lifecycle import calls, recalculation, search_attributes, steps, timers
from services.workflow.lifecycle.life import IllegalCommand, Life

BEGINS_AGAIN = "begins again"
TIMER_STEP = timedelta(milliseconds=1)
"""What the engine's timers can tell apart; an alarm is set one step late rather than one early."""


@workflow.defn(name=WORKFLOW_TICKET)
class TicketWorkflow:
    """One ticket, from its registration to the end of the reopening window.

    A command is an Update: refused by the validator without a trace, or answered when the journal holds its effect.
    One step at a time is taken and recorded, so every step meets clocks whose due times are known.
    """

    @workflow.init
    def __init__(self, start: TicketStart) -> None:
        self.life = Life(start.state, start.policy)
        self.recorded_version = start.state.version
        self.events_before_continuing = start.events_before_continuing
        self.records_at_once = start.records_at_once
        self.recording = False
        self.stopping = False
        self.alarm: asyncio.Task[None] | None = None
        self.alarm_at: datetime | None = None
        self.rang = False
        self.set_back = _begins_again()
        self.loop = asyncio.get_running_loop()
        workflow.register_random_seed_callback(self._notice_a_reset)

    @workflow.run
    async def run(self, _: TicketStart) -> None:
        """Record what happened, wait for what is next, until the reopening window ends or the history is long."""
        self._show()
        while not self.life.state.ended:
            timers.settle(self.life, workflow.now())
            if self._has_something_to_record or timers.needs_instants(self.life):
                await self._record()
                continue
            if self._history_is_long:
                await self._continue_as_new(self.life.state, self.life.policy)
            self._set_alarm()
            await workflow.wait_condition(lambda: self.rang or self._has_something_to_record or self.life.state.ended)
            self.rang = False
        await self._end()

    @workflow.update(name=UPDATE_COMMAND)
    async def command(self, command: Command) -> UpdateOutcome:
        """Take one command; answers when its effect is durable and every read shows it.

        Raises:
            ApplicationError: `illegal_transition` with the legal commands, `stale_version`, `outdated`, or `ended` when
                the workflow stopped before the step could be taken.
        """
        await self._settled()
        self._refuse(command)
        try:
            steps.take(self.life, command, workflow.now())
        except IllegalCommand as refusal:
            raise _illegal(refusal) from refusal
        return await self._durable()

    @command.validator
    def _may_be_taken(self, command: Command) -> None:
        # What cannot be read would wedge the ticket if the handler were the first to find out.
        DECISIONS[command.name].model_validate(command.decision)
        self._refuse(command)

    @workflow.update(name=UPDATE_REMARK)
    async def remark(self, entry: RemarkEntry) -> UpdateOutcome:
        """Enter what another service has to say, whatever the phase; answers when it is durable.

        Raises:
            ApplicationError: `ended` when the workflow stopped before.
        """
        await self._settled()
        self._require_life(entry)
        self.life.remark(entry)
        return await self._durable()

    @remark.validator
    def _require_life(self, entry: RemarkEntry) -> None:
        del entry
        if self.stopping or self.life.state.ended:
            raise _ending()

    @workflow.update(name=UPDATE_RECALCULATE)
    async def recalculate(self, asked: Recalculation) -> UpdateOutcome:
        """Apply what was published, as it was computed from the present state; answers when that is durable.

        Raises:
            ApplicationError: `stale_version` when it must be computed anew, or `ended`.
        """
        await self._settled()
        self._require_current(asked)
        recalculation.recalculate(self.life, asked, workflow.now())
        # A calendar that moves no due time writes no event, and must be durable too.
        await workflow.wait_condition(lambda: not self._is_busy or self.stopping)
        return await self._durable()

    @recalculate.validator
    def _require_current(self, asked: Recalculation) -> None:
        if self.stopping:
            raise _ending()
        try:
            recalculation.require_current(self.life.state, asked)
        except recalculation.Outdated as outdated:
            raise _refusal(STALE_VERSION, "the ticket has changed", self.life.state.version) from outdated

    async def _durable(self) -> UpdateOutcome:
        """Return when the journal holds the step just taken."""
        version = self.life.state.version
        await workflow.wait_condition(lambda: self.recorded_version >= version or self.stopping)
        if self.recorded_version < version:
            raise _ending()
        return UpdateOutcome(version=version)

    def _refuse(self, command: Command) -> None:
        if self.stopping:
            raise _ending()
        try:
            self.life.check(command.name, command.actor)
        except IllegalCommand as refusal:
            raise _illegal(refusal) from refusal
        if command.expected_version not in {None, self.life.state.version}:
            raise _refusal(STALE_VERSION, "the ticket has changed", self.life.state.version)
        if command.basis and is_outdated(command.name, command.basis, Basis.of(self.life.state)):
            raise _refusal(OUTDATED, "what the form showed no longer holds", self.life.state.version)

    async def _settled(self) -> None:
        """Return when nothing is due any more and every due time is known.

        What is due may end a pause, and a clock that runs again may be due as well: only its calendar can tell.
        """
        while not self.stopping:
            if self._is_busy:
                await workflow.wait_condition(lambda: not self._is_busy or self.stopping)
                continue
            timers.settle(self.life, workflow.now())
            if not self._is_busy:
                return

    @property
    def _is_busy(self) -> bool:
        """A step waits for the journal, or an instant for its calendar."""
        return self.recording or self._has_something_to_record or timers.needs_instants(self.life)

    @property
    def _has_something_to_record(self) -> bool:
        return self.set_back or bool(self.life.events or self.life.ledger.touched)

    @property
    def _history_is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > self.events_before_continuing

    async def _record(self) -> None:
        self.recording, self.set_back = True, False
        self._show()
        batch = self.life.take_batch()
        try:
            self.life.enter(await calls.record(batch, at_once=self.records_at_once))
        except FailureError as error:
            await self._give_way(error)
        self.recorded_version = batch.state.version
        self.recording = False

    def _show(self) -> None:
        """Let operators find the ticket as it is; it rides in the task that records the change."""
        shown = workflow.info().typed_search_attributes
        workflow.upsert_search_attributes(search_attributes.updates(self.life.state, shown))

    async def _give_way(self, error: FailureError) -> None:
        """The journal knows more than this workflow: start again from what it holds (invariant I4)."""
        cause = calls.cause_of(error)
        if not isinstance(cause, ApplicationError) or not calls.tells_of_a_journal_ahead(error):
            raise error
        stored = TicketStart.model_validate(cause.details[0])
        await self._continue_as_new(stored.state, stored.policy)

    def _notice_a_reset(self, _: int) -> None:
        """An operator has taken steps back that the journal holds; the engine gives such a run another random seed. An
        empty batch asks the journal at once, which answers with what it holds."""
        self.set_back = True
        self.loop.call_soon(bool)  # conditions are looked at only after something else has run

    def _set_alarm(self) -> None:
        """One timer for the earliest instant, replaced only when that moves earlier; a late alarm just looks again."""
        next_at = timers.next_instant(self.life)
        rings = self.alarm is not None and not self.alarm.done()
        if next_at is None or (rings and self.alarm_at is not None and self.alarm_at <= next_at):
            return
        if rings and self.alarm:
            self.alarm.cancel()
        self.alarm_at = next_at
        self.alarm = asyncio.create_task(self._ring(next_at))

    async def _ring(self, at: datetime) -> None:
        await workflow.sleep(
            max(at - workflow.now(), timedelta(0)) + TIMER_STEP, summary=f"due {at:%Y-%m-%d %H:%M:%S} UTC"
        )
        self.rang = True

    async def _continue_as_new(self, state: TicketState, policy: PolicySnapshot | None) -> None:
        await self._stop()
        limit = self.events_before_continuing
        workflow.continue_as_new(TicketStart.of(state, policy, events_before_continuing=limit))

    async def _end(self) -> None:
        if self.alarm:
            self.alarm.cancel()
        await self._record()
        await self._stop()

    async def _stop(self) -> None:
        """Let whoever waits for an answer get it."""
        self.stopping = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self.records_at_once:
            # The engine drops answers to Updates that were accepted in the very task that ends the run.
            await workflow.sleep(TIMER_STEP)


def _begins_again() -> bool:
    """Whether an operator has taken back everything since the run began. The first task of such a run is told no new
    seed; that of any other may not decide by the run's id, which it did not have when it was carried out first."""
    info = workflow.info()
    is_reset = info.run_id != info.first_execution_run_id and info.continued_run_id is None
    return is_reset and workflow.patched(BEGINS_AGAIN)


def _ending() -> ApplicationError:
    return ApplicationError("the workflow is ending; the command was not taken", type=ENDED, non_retryable=True)


def _refusal(type_: str, said: str, version: int, **details: Any) -> ApplicationError:
    """`version` is the one that a workflow refuses from: one that is behind its journal is told so."""
    return ApplicationError(said, {**details, "version": version}, type=type_, non_retryable=True)


def _illegal(refusal: IllegalCommand) -> ApplicationError:
    facts = {"phase": refusal.phase, "allowed": list(refusal.allowed)}
    return _refusal(ILLEGAL_TRANSITION, str(refusal), refusal.version, **facts)
