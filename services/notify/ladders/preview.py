"""Preview of an alert that nobody answers: the same choice of steps as a real one's, walked through time."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from services.access.directory_copy import Roll
from services.contracts.alert import Rung, Threshold
from services.contracts.vocabulary import ClockName, Kind, Phase, Urgency
from services.notify.ladders.candidates import CandidateSearch, SoughtStep
from services.notify.ladders.choice import DueStep, StepChoice, choose, tell_first_by
from services.notify.ladders.ladders import Ladder, LadderPlace
from services.notify.ladders.recipients import Recipient
from services.notify.ladders.schemas import LadderPlan, PlannedRecipient, PlannedStep
from services.notify.ladders.store import StoredLadder
from services.notify.ticket_copies import KnownTicket

MOST_STEPS = 60
_MOST_LOOKS = 300
"""Shifts may begin very often while a step waits; the plan is cut off then."""
_SOMEBODY = "?"
"""The owner of a ticket that does not exist; no id looks like this."""


@dataclass(frozen=True)
class PlanQuestion:
    """An alert that might be raised."""

    threshold: Threshold
    clock: ClockName | None
    urgency: Urgency
    department: str | None
    owner: str | None
    at: datetime
    calendar: str
    """By which the ticket is promised."""


@dataclass(frozen=True)
class _Walk:
    """The state of a walk up the ladder."""

    place: LadderPlace
    at: datetime
    waits_from: datetime | None = None
    told_in: int = 0
    """The last round in which somebody was told; 0 before the first step."""


async def plan(search: CandidateSearch, stored: StoredLadder, question: PlanQuestion, roll: Roll) -> LadderPlan:
    """Walk up a ladder until it ends.

    Raises:
        Unavailable: the directory or PostgreSQL does not answer.
    """
    ladder, ticket = stored.of(question.threshold, question.clock), _ticket(question)
    told_once = question.threshold is Threshold.WARNING
    walk: _Walk | None = _Walk(LadderPlace(1, 1), question.at)
    ended_at, items = question.at, list[PlannedStep]()
    for _ in range(_MOST_LOOKS):
        if walk is None or len(items) == MOST_STEPS:
            break
        step = _step(ladder, ticket, walk, question.threshold)
        candidates = await search.find([SoughtStep(ticket, ladder, walk.place, walk.at)])
        found = candidates.seen(ticket) if question.owner else ticket
        choice = choose(step, found, candidates.answers, candidates.availability(found, walk.at))
        look_at = min(choice.at, candidates.next_shift_at or choice.at)
        if look_at > walk.at:
            walk = replace(walk, at=look_at, waits_from=step.due_at)
            continue
        if choice.recipients or choice.is_unheard:
            items.append(_planned(ladder, choice, step, question, roll))
        ended_at = walk.at + (timedelta(0) if told_once else step.pause)
        walk = None if told_once else _onward(ladder, choice, walk, ended_at)
    return LadderPlan(
        ladder=stored.id,
        version=stored.version,
        threshold=question.threshold,
        clock=question.clock,
        urgency=question.urgency,
        calendar=question.calendar,
        at=question.at,
        acknowledged_for=ladder.acknowledged_for,
        rounds=ladder.rounds,
        items=tuple(items),
        truncated=walk is not None,
        ends_after=None if walk is not None else written(ended_at - question.at),
    )


def written(length: timedelta) -> str:
    """A length as the API spells it."""
    seconds = int(length.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number]
    return "PT" + ("".join(parts) or "0S")


def _step(ladder: Ladder, ticket: KnownTicket, walk: _Walk, threshold: Threshold) -> DueStep:
    return DueStep(
        ladder=ladder,
        place=walk.place,
        pause=ladder.pause_for(ticket.urgency),
        due_at=walk.waits_from or walk.at,
        at=walk.at,
        somebody_told=walk.told_in == walk.place.round,
        tell_by=None if walk.told_in else tell_first_by(threshold, datetime.max.replace(tzinfo=UTC), walk.at),
    )


def _onward(ladder: Ladder, choice: StepChoice, walk: _Walk, at: datetime) -> _Walk | None:
    following = ladder.after(choice.place, ladder.rounds)
    told_in = choice.place.round if choice.recipients else walk.told_in
    return _Walk(following, at, told_in=told_in) if following else None


def _planned(ladder: Ladder, choice: StepChoice, step: DueStep, question: PlanQuestion, roll: Roll) -> PlannedStep:
    told = [_recipient(each, roll) for each in choice.recipients]
    told += [_recipient(each, roll, waits_until=at) for each, at in choice.waiting]
    return PlannedStep(
        round=choice.place.round,
        level=choice.place.level,
        after=written(step.at - question.at),
        at=step.at,
        rungs=ladder.step(choice.place),
        told=tuple(told),
        note=_note(choice, step),
    )


def _recipient(found: Recipient, roll: Roll, waits_until: datetime | None = None) -> PlannedRecipient:
    staff = None if found.staff == _SOMEBODY else found.staff
    name = roll.name_of(staff) if staff else None
    return PlannedRecipient(staff=staff, name=name, rung=found.rung, waits_until=waits_until)


def _note(choice: StepChoice, step: DueStep) -> str | None:
    if choice.is_unheard:
        return "nobody"
    if any(each.rung is Rung.ADMIN for each in choice.recipients):
        return "administrators"
    if choice.place != step.place:
        return "steps_passed_over"
    return "waited_for_hours" if step.at > step.due_at else None


def _ticket(question: PlanQuestion) -> KnownTicket:
    """A ticket that such an alert could be raised of. Before it is accepted it has no owner yet."""
    unowned = question.clock in {ClockName.ACCEPTANCE, ClockName.INFORMATION_REQUEST}
    return KnownTicket(
        ticket_no="",
        phase=Phase.ASSIGNED,
        cycle=1,
        kind=Kind.COMPLAINT,
        urgency=question.urgency,
        language="zh-CN",
        department=question.department,
        owner=question.owner or (None if unowned else _SOMEBODY),
        co_owners=(),
        complaint_about=None,
        customer_id="",
        product_model=None,
        closed_at=None,
        calendar=question.calendar,
    )
