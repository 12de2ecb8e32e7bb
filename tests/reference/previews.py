"""A preview of one ticket, against what the slow reference says publishing does to it (semantics.md 19)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.contracts.vocabulary import Status
from services.workflow.publications.effects import ClockMove, Effect
from services.workflow.publications.trial import Trial, Tried, moves_of_open
from tests.reference.slow_clock import SlowClock
from tests.reference.slow_ticket import SlowTicket
from tests.reference.ticket_driver import DrivenTicket

MOVED = {Effect.EARLIER, Effect.LATER, Effect.NEW_BREACH, Effect.NONE}


class Previewed:
    """A preview taken just before a publication; nothing of the ticket is touched by it."""

    def __init__(self, real: DrivenTicket, slow: SlowTicket) -> None:
        self._before = {name: (clock, clock.due()) for name, clock in slow.clocks.live.items()}
        self._excused = {name for name, clock in slow.clocks.live.items() if clock.excused}
        self._late = [clock for clock in slow.clocks.over if clock.breached and not clock.excused]
        self._finished, self._live = _preview(real)

    def assert_came_true(self, slow: SlowTicket) -> None:
        """The reference was recalculated, and no time has passed since."""
        after = {name: clock for name, clock in slow.clocks.live.items() if slow.status != "closed"}
        for name in {*self._live, *self._before, *after} if slow.status != "closed" else ():
            self._assert_one(name, after.get(name), slow.now)
        excused = Counter((clock.name, clock.cycle) for clock in self._late if clock.excused)
        assert Counter((str(it.name), it.cycle) for it in self._finished if it.effect is Effect.EXCUSED) == excused

    def _assert_one(self, name: str, would_be: SlowClock | None, now: datetime) -> None:
        move, (was, due_from) = self._live[name], self._before.get(name, (None, None))
        if was is not None and was.breached:
            assert (move.effect is Effect.EXCUSED) == (was.excused and name not in self._excused), name
            return
        assert move.due_from == due_from, name
        if would_be is None:
            assert (move.effect, move.due_to) == (Effect.NO_LONGER_PROMISED, None), name
            return
        assert move.due_to == would_be.due(), name
        assert move.effect in ({Effect.PROMISED} if was is None else MOVED), name
        if move.effect is not Effect.NONE and due_from and move.due_to:
            assert move.new_breach == (move.due_to < now <= due_from), name
            assert move.shift == move.due_to - due_from, name


def _preview(real: DrivenTicket) -> tuple[Sequence[ClockMove], Mapping[str, ClockMove]]:
    """The moves of finished clocks, and those of live ones by name."""
    if real.state.status is Status.CLOSED:
        return [], {}
    in_force = real.catalogue.in_force
    trial = Trial(real.catalogue.policies, in_force, in_force, real.catalogue.generation + 1)
    late = [clock for clock in real.finished() if clock.breached_at and clock.excused_at is None]
    ticket, before = Tried(real.state, real.life.policy, late), real.state.model_dump()
    moves = list(moves_of_open(ticket, trial, real.now))
    assert real.state.model_dump() == before
    finished = {clock.key for clock in late}
    by_key = {f"{it.name}/{it.cycle}/{it.round}": it for it in moves}
    return (
        [it for key, it in by_key.items() if key in finished],
        {str(it.name): it for key, it in by_key.items() if key not in finished},
    )
