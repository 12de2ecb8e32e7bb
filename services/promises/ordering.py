"""A policy among the others: the first match wins, so what is tried before can hide it (product.md 5)."""

from collections.abc import Iterator, Sequence

from services.contracts.policy import Policy, PolicyDraft
from services.promises.coverage import Box, Coverage, TooIntricate, have_in_common, remainder
from services.promises.faults import Fault

_MOST_NAMED = 5


def order_faults(policy: PolicyDraft, earlier: Sequence[Policy], later: Sequence[Policy]) -> tuple[Fault, ...]:
    """What is odd about its place between `earlier` and `later`; nothing where the sets are too intricate to say."""
    try:
        return tuple(_faults(policy, earlier, later))
    except TooIntricate:
        return ()


def unreachable(policies: Sequence[Policy]) -> dict[str, tuple[str, ...]]:
    """The policies that no ticket reaches in this order, with those before them that take their tickets."""
    coverage = Coverage.of(policies)
    found: dict[str, tuple[str, ...]] = {}
    for place, policy in enumerate(policies):
        own = coverage.of_policy(policy)
        before = [each for each in policies[:place] if have_in_common(own, coverage.of_policy(each))]
        if own and not _left(own, before, coverage):
            found[policy.id] = tuple(each.id for each in before)
    return found


def _faults(policy: PolicyDraft, earlier: Sequence[Policy], later: Sequence[Policy]) -> Iterator[Fault]:
    coverage = Coverage.of([policy, *earlier, *later])
    own = coverage.of_policy(policy)
    yield from _hidden_conditions(policy, coverage)
    before = [each for each in earlier if have_in_common(own, coverage.of_policy(each))]
    reached = _left(own, before, coverage)
    if own and not reached:
        yield Fault("/applies", "unreachable", {"ids": _named(before)})
        return
    crossing = [each for each in before if remainder(coverage.of_policy(each), own)]
    if crossing:
        yield Fault("/applies", "overlaps", {"ids": _named(crossing)})
    yield from _hiding(policy, reached, earlier, later, coverage)


def _hidden_conditions(policy: PolicyDraft, coverage: Coverage) -> Iterator[Fault]:
    before: list[Box] = []
    for number, condition in enumerate(policy.applies):
        boxes = coverage.of_condition(condition)
        if boxes and not remainder(boxes, before):
            yield Fault(f"/applies/{number}", "condition_hidden")
        before += boxes


def _hiding(
    policy: PolicyDraft, reached: Sequence[Box], earlier: Sequence[Policy], later: Sequence[Policy], coverage: Coverage
) -> Iterator[Fault]:
    """The policies behind it that tickets reach without it, and with it no more."""
    hidden = [
        each
        for place, each in enumerate(later)
        if (left := _left(coverage.of_policy(each), [*earlier, *later[:place]], coverage))
        and not remainder(left, reached)
    ]
    if hidden:
        takes_all = not policy.applies or any(not each.model_fields_set for each in policy.applies)
        yield Fault("/applies", "not_last" if takes_all else "hides", {"ids": _named(hidden)})


def _left(boxes: Sequence[Box], before: Sequence[Policy], coverage: Coverage) -> tuple[Box, ...]:
    taken = dict.fromkeys(box for each in before for box in coverage.of_policy(each))
    return remainder(boxes, list(taken))


def _named(policies: Sequence[Policy]) -> str:
    names = [each.id for each in policies[:_MOST_NAMED]]
    return ", ".join(names) + (" …" if len(policies) > _MOST_NAMED else "")
