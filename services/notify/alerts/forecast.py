"""Forecast of an alert's next step, when and to whom: the climb's own choice, made ahead of its time.

An acknowledgement, a snooze and a pause end at an instant at which perhaps nobody is reached: then the step waits for
hours to begin, or one above it is told before.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import Rung, Threshold
from services.notify.alerts.escalation import DueAlert, due_step
from services.notify.alerts.views import NextView
from services.notify.ladders.candidates import Candidates, CandidateSearch
from services.notify.ladders.choice import choose
from services.notify.ladders.ladders import Ladder, LadderPlace, rungs_of
from services.runtime.errors import Refusal


async def foretell(
    search: CandidateSearch, alerts: Sequence[DueAlert], connection: AsyncConnection | None = None
) -> dict[str, NextView]:
    """The next step of each alert, by its id, as hours and shifts are known now; nothing of one that will tell nobody
    any more. A shift that begins while the step waits can bring it forward.

    The directory is asked once for every thousand questions. While it does not answer, the step is told as it stands in
    the ladder, at the end of the pause.
    """
    climbing = [each for each in alerts if each.row["next_at"] and each.row["next_level"]]
    if not climbing:
        return {}
    try:
        candidates = await search.find([each.sought(each.row["next_at"]) for each in climbing], connection)
    except Refusal:
        return {each.row["id"]: _unasked(each) for each in climbing}
    foretold = ((each.row["id"], _foretold(each, candidates)) for each in climbing)
    return {id_: view for id_, view in foretold if view is not None}


def _unasked(alert: DueAlert) -> NextView:
    next_at = alert.row["next_at"]
    return NextView(at=next_at, rungs=_named(alert.ladder, alert.sought(next_at).place), staff=None)


def _foretold(alert: DueAlert, candidates: Candidates) -> NextView | None:
    row, at = alert.row, alert.row["next_at"]
    seen = replace(alert, ticket=candidates.seen(alert.ticket))
    available = candidates.availability(seen.ticket, at)
    choice = choose(due_step(seen, at), seen.ticket, candidates.answers, available)
    if row["threshold"] == Threshold.WARNING and choice.at >= row["due_at"]:
        return None
    staff = tuple(each.staff for each in choice.recipients)
    return NextView(at=choice.at, rungs=_named(alert.ladder, choice.place), staff=staff)


def _named(ladder: Ladder, place: LadderPlace) -> tuple[Rung, ...]:
    return tuple(dict.fromkeys(rungs_of(ladder.step(place))))
