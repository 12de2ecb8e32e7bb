"""When the next step of an alert will really be told, and whom: the climb's own choice, made ahead of its time.

An acknowledgement, a snooze and a pause end at an instant at which perhaps nobody is reached: then the step waits for
hours to begin, or one above it is told before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.contracts.alert import Rung, Threshold
from services.contracts.directory import RecipientsQuestion
from services.contracts.vocabulary import Urgency
from services.notify.alerts.escalation import step_of
from services.notify.alerts.queries import Row
from services.notify.alerts.views import NextView
from services.notify.hours.availability import EVERYBODY
from services.notify.ladders.availability import Ahead, Reaching
from services.notify.ladders.choice import choose
from services.notify.ladders.ladders import Ladder, Place, Step, ladder_of, rungs_of
from services.notify.ladders.recipients import questions
from services.notify.ticket_copies import KnownTicket, with_those_present
from services.runtime.errors import Refusal


async def foretell(reaching: Reaching, climbing: Sequence[tuple[Row, KnownTicket]]) -> dict[str, NextView]:
    """What comes next of each alert, by its id, as hours and shifts are known now; nothing of one that will tell nobody
    any more. A shift that begins while the step waits can bring it forward.

    The directory is asked once for every thousand questions. While it does not answer, the step is told as it stands in
    the ladder, at the end of the pause.
    """
    waiting = [(row, ticket) for row, ticket in climbing if row["next_at"] and row["next_level"]]
    if not waiting:
        return {}
    owners = {ticket.owner for _, ticket in waiting if ticket.owner}
    try:
        ahead = await reaching.ahead(set().union(*(_questions(*each) for each in waiting)), owners)
    except Refusal:
        return {row["id"]: _unasked(row) for row, _ in waiting}
    foretold = ((row["id"], _foretold(row, ticket, ahead)) for row, ticket in waiting)
    return {id_: view for id_, view in foretold if view is not None}


def _questions(row: Row, ticket: KnownTicket) -> set[RecipientsQuestion]:
    rungs = {rung for step in _steps(row) for rung in rungs_of(step)} | {Rung.ADMIN}
    return questions(ticket, rungs, row["next_at"])


def _steps(row: Row) -> Iterable[Step]:
    ladder, place = _standing(row)
    return map(ladder.step, ladder.rest_of_round(place))


def _standing(row: Mapping[str, object]) -> tuple[Ladder, Place]:
    return ladder_of(row), Place(int(str(row["next_round"])), int(str(row["next_level"])))


def _unasked(row: Row) -> NextView:
    ladder, place = _standing(row)
    return NextView(at=row["next_at"], rungs=_named(ladder, place), staff=None)


def _foretold(row: Row, ticket: KnownTicket, ahead: Ahead) -> NextView | None:
    looked_at: datetime = row["next_at"]
    reach = EVERYBODY if ticket.urgency is Urgency.URGENT else ahead.reach(ticket.calendar, looked_at)
    present = with_those_present(ticket, ahead.present)
    choice = choose(step_of(row, present, looked_at), present, ahead.answers, reach)
    if row["threshold"] == Threshold.WARNING and choice.at >= row["due_at"]:
        return None
    staff = tuple(each.staff for each in choice.recipients)
    return NextView(at=choice.at, rungs=_named(ladder_of(row), choice.place), staff=staff)


def _named(ladder: Ladder, place: Place) -> tuple[Rung, ...]:
    return tuple(dict.fromkeys(rungs_of(ladder.step(place))))
