"""Figures of a rehearsal: endings, refusals, losses, commands per second, latencies."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from services.commands.rehearsal.player import FEEDBACK, Ending
from services.contracts.vocabulary import Phase

_SHOWN_FAILURES = 10


@dataclass(frozen=True)
class RehearsalFigures:
    """The sums of a rehearsal."""

    endings: Sequence[Ending]
    seconds: float
    repeats: int

    @property
    def refused(self) -> Sequence[Ending]:
        """Cases with a command that was refused."""
        return [ending for ending in self.endings if ending.refusal]

    @property
    def lost(self) -> Sequence[Ending]:
        """Cases whose ticket did not answer any more."""
        return [ending for ending in self.endings if ending.silence]

    @property
    def stuck(self) -> Sequence[Ending]:
        """Cases whose ticket is not where the log leaves it."""
        return [ending for ending in self.endings if ending.phase is not None and not ending.is_as_the_log_says]

    @property
    def is_complete(self) -> bool:
        """Whether every ticket is where its log says, and no command was refused."""
        return not (self.refused or self.lost or self.stuck)

    @property
    def latencies(self) -> Mapping[str, Sequence[float]]:
        """Seconds by request, most frequent first."""
        found: dict[str, list[float]] = {}
        for latency in (latency for ending in self.endings for latency in ending.latencies):
            found.setdefault(latency.request, []).append(latency.seconds)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered)) - 1, 0)]


def report(figures: RehearsalFigures) -> Iterator[str]:
    """The lines of the report."""
    yield from _endings(figures)
    yield ""
    yield from _speed(figures)
    yield ""
    yield from _failures(figures)


def _endings(figures: RehearsalFigures) -> Iterator[str]:
    yield f"{len(figures.endings)} cases played, {sum(e.ticket_no is not None for e in figures.endings)} tickets"
    ended = Counter(_ended(ending) for ending in figures.endings if ending.phase)
    yield from (f"  {count:>6}  {name}" for name, count in ended.most_common())


def _ended(ending: Ending) -> str:
    return f"closed ({ending.close_reason})" if ending.phase == Phase.CLOSED else f"{ending.phase}"


def _speed(figures: RehearsalFigures) -> Iterator[str]:
    by_request = figures.latencies
    answered = [seconds for latencies in by_request.values() for seconds in latencies]
    if not answered:
        return
    commands = len(answered) - len(by_request.get(FEEDBACK, ()))
    yield (
        f"{commands} commands and {len(answered) - commands} feedbacks in {figures.seconds:.1f} s: "
        f"{commands / figures.seconds:.1f} commands/s, {len(figures.endings) / figures.seconds:.1f} tickets/s"
    )
    yield f"  {'latency, ms':<22}{'count':>8}{'p50':>8}{'p95':>8}{'p99':>8}"
    for request, latencies in {"all": answered, **by_request}.items():
        shown = "".join(f"{percentile(latencies, share) * 1000:>8.0f}" for share in (0.5, 0.95, 0.99))
        yield f"  {request:<22}{len(latencies):>8}{shown}"


def _failures(figures: RehearsalFigures) -> Iterator[str]:
    yield (
        f"refused {len(figures.refused)}, lost {len(figures.lost)}, stuck {len(figures.stuck)}, "
        f"sent again (429, 503, no answer) {figures.repeats}"
    )
    failed = [*figures.refused, *figures.lost, *figures.stuck]
    for ending in failed[:_SHOWN_FAILURES]:
        said = ending.refusal or ending.silence or f"is {ending.phase}, the log ends in {ending.script.ends}"
        yield f"  {ending.script.case_id}, ticket {ending.ticket_no}: {said}"
    if len(failed) > _SHOWN_FAILURES:
        yield f"  and {len(failed) - _SHOWN_FAILURES} more"
