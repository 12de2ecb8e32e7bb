"""A policy among the others: the first match wins, so what is tried before can hide it (product.md 5)."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import or_

from services.contracts.policy import Policy, PolicyDraft
from services.promises.coverage import Cells, Coverage, TooIntricate, union
from services.promises.faults import Fault

_MOST_NAMED = 5


def order_faults(policy: PolicyDraft, earlier: Sequence[Policy], later: Sequence[Policy]) -> tuple[Fault, ...]:
    """Oddities of a policy's place between `earlier` and `later`; one warning where nobody could wait for that."""
    try:
        coverage = Coverage.of([policy, *earlier, *later])
    except TooIntricate:
        return (Fault("/applies", "not_compared"), *_alone(policy))
    return tuple(_faults(policy, earlier, later, coverage))


def unreachable(policies: Sequence[Policy]) -> dict[str, tuple[str, ...]]:
    """The policies that no ticket reaches in this order, with those before them that take their tickets; none where
    nobody could wait for that."""
    try:
        sets = list(map(Coverage.of(policies).of_policy, policies))
    except TooIntricate:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for place, (own, taken) in enumerate(zip(sets, _before(0, sets), strict=True)):
        if own and not own & ~taken:
            found[policies[place].id] = tuple(
                it.id for it, cells in zip(policies[:place], sets, strict=False) if cells & own
            )
    return found


def _faults(
    policy: PolicyDraft, earlier: Sequence[Policy], later: Sequence[Policy], coverage: Coverage
) -> Iterator[Fault]:
    yield from _hidden_conditions(policy, coverage)
    own, sets = coverage.of_policy(policy), list(map(coverage.of_policy, earlier))
    before = [(each, cells) for each, cells in zip(earlier, sets, strict=True) if cells & own]
    reached = own & ~union(sets)
    if own and not reached:
        yield Fault("/applies", "unreachable", {"ids": _named([each for each, _ in before])})
        return
    crossing = [each for each, cells in before if cells & ~own]
    if crossing:
        yield Fault("/applies", "overlaps", {"ids": _named(crossing)})
    yield from _hiding(policy, reached, union(sets), later, coverage)


def _alone(policy: PolicyDraft) -> Iterator[Fault]:
    try:
        yield from _hidden_conditions(policy, Coverage.of([policy]))
    except TooIntricate:
        return


def _hidden_conditions(policy: PolicyDraft, coverage: Coverage) -> Iterator[Fault]:
    taken: Cells = 0
    for number, condition in enumerate(policy.applies):
        own = coverage.of_condition(condition)
        if own and not own & ~taken:
            yield Fault(f"/applies/{number}", "condition_hidden")
        taken |= own


def _hiding(
    policy: PolicyDraft, reached: Cells, taken: Cells, later: Sequence[Policy], coverage: Coverage
) -> Iterator[Fault]:
    """The policies behind it that tickets reach without it, and with it no more."""
    sets = list(map(coverage.of_policy, later))
    left = [own & ~before for own, before in zip(sets, _before(taken, sets), strict=True)]
    hidden = [each for each, cells in zip(later, left, strict=True) if cells and not cells & ~reached]
    if hidden:
        takes_all = not policy.applies or any(not each.model_fields_set for each in policy.applies)
        yield Fault("/applies", "not_last" if takes_all else "hides", {"ids": _named(hidden)})


def _before(taken: Cells, sets: Sequence[Cells]) -> list[Cells]:
    """For each set, all that come before it together, and what was taken already."""
    return list(accumulate(sets[:-1], or_, initial=taken))[: len(sets)]


def _named(policies: Sequence[Policy]) -> str:
    names = [each.id for each in policies[:_MOST_NAMED]]
    return ", ".join(names) + (" …" if len(policies) > _MOST_NAMED else "")
