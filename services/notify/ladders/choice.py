"""Choice of a ladder's next step, and when: whom it finds, and when they are reached (semantics.md 23). Pure.

A step tells whoever of it is reached; it does not wait for the others. A step that reaches nobody waits for the first
of its people, and no longer than it takes until somebody above is reached at the time of their own step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.alert import Rung, Threshold
from services.notify.hours.availability import Availability
from services.notify.ladders.ladders import Ladder, LadderPlace
from services.notify.ladders.recipients import Answers, Recipient, found_by, found_on
from services.notify.ticket_copies import KnownTicket


@dataclass(frozen=True)
class StepChoice:
    """The step that is told: at `at`, which is now or later. Nobody is told where the rest of a round finds nobody."""

    place: LadderPlace
    at: datetime
    recipients: Sequence[Recipient]
    waiting: Sequence[tuple[Recipient, datetime]] = ()
    """Whom the step finds and does not reach at `at`, and when they would be."""
    is_unheard: bool = False
    """A whole round has found nobody, not even an administrator."""


@dataclass(frozen=True)
class DueStep:
    """The step that comes next, as far as it is known: `due_at` is when it was to be told, `at` is now."""

    ladder: Ladder
    place: LadderPlace
    pause: timedelta
    due_at: datetime
    at: datetime
    somebody_told: bool
    """Whether somebody was told in this round before."""
    tell_by: datetime | None = None
    """Until when it can wait for the hours of the ticket's calendar; for hours that somebody has set it waits in any
    case. None: until they begin."""


def choose(step: DueStep, ticket: KnownTicket, answers: Answers, available: Availability) -> StepChoice:
    """The first step of the rest of the round that reaches somebody in its time; the administrators, where nobody is
    found in the whole round."""
    found = list(_finding(step, ticket, answers))
    last = step.ladder.rest_of_round(step.place)[-1]
    if not found and step.somebody_told:
        return StepChoice(last, step.at, ())
    if not found and (admins := found_on(Rung.ADMIN, ticket, answers, step.at)):
        found = [(last, admins)]
    if not found:
        return StepChoice(last, step.at, (), is_unheard=True)
    choices = (_reaching(step, number, *each, available) for number, each in enumerate(found))
    return min(choices, key=lambda choice: choice.at)


def tell_first_by(threshold: Threshold, due_at: datetime, at: datetime) -> datetime:
    """Until when a first step at `at` can wait for the hours of the ticket's calendar: a breach and a low rating are
    told at once (invariant I12), a warning before its clock is due."""
    return due_at if threshold is Threshold.WARNING else at


def _finding(step: DueStep, ticket: KnownTicket, answers: Answers) -> Iterator[tuple[LadderPlace, Sequence[Recipient]]]:
    for place in step.ladder.rest_of_round(step.place):
        if recipients := found_by(step.ladder.step(place), ticket, answers, step.at):
            yield place, recipients


def _reaching(
    step: DueStep, number: int, place: LadderPlace, recipients: Sequence[Recipient], available: Availability
) -> StepChoice:
    """The first of a step's people that are reached, and when; `number` counts the steps before it."""
    since, by = max(step.at, step.due_at + number * step.pause), None if number else step.tell_by
    reached = [(each, available.reached_at(each.staff, since, by=by)) for each in recipients]
    first = min(at for _, at in reached)
    told = tuple(each for each, at in reached if at == first)
    return StepChoice(place, first, told, tuple((each, at) for each, at in reached if at > first))
