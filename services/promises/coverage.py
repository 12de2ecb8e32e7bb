"""Sets of tickets that policies apply to: exact answers on what hides, repeats or crosses what (product.md 5).

A ticket is a cell: its rating, kind, category, channel and department. Values that no condition tells apart share
cells. A set of cells is the bits of a number, so that a condition costs a few operations, however many came before it.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import or_

from services.contracts.policy import Condition, PolicyDraft
from services.contracts.vocabulary import Category, Channel, Kind, Priority, Tier, Urgency
from services.promises.priority import priority_of

Cells = int
"""A set of tickets: `&` and `|` as of any set, `& ~` takes one from another, 0 is none."""

_MOST_WORK = 2**35
"""Cells by operations: some seconds of a slow machine."""
_NO_DEPARTMENT = ""
_OTHER_DEPARTMENT = "*"
_ONE, _MANY = 1, 1_000_000

Rating = tuple[Urgency, Tier, Priority]
_RATINGS = tuple(
    dict.fromkeys(
        (urgency, tier, priority_of(urgency, tier, affected))
        for urgency in Urgency
        for tier in Tier
        for affected in (_ONE, _MANY)
    )
)
"""Those that exist: priority follows from urgency, tier and how many are affected; the other facts are free."""

Named = Collection[Hashable] | None
"""The values that a condition names of a fact; None where it does not speak of it."""


class TooIntricate(Exception):
    """The conditions are too many, and tell too many tickets apart, to be compared."""


def can_hold(condition: Condition) -> bool:
    """Whether a ticket can meet a condition: none is urgent and of low priority, or one of no kinds."""
    return all(named is None or named for named in _facts(condition))


@dataclass(frozen=True)
class Coverage:
    """The tickets that exist, as far as some policies tell them apart: the departments are those that they name,
    another one, and none, which is how a ticket arrives."""

    _axes: tuple["_Axis", ...]
    _everything: Cells

    @classmethod
    def of(cls, policies: Sequence[PolicyDraft]) -> "Coverage":
        """The tickets that `policies` tell apart.

        Raises:
            TooIntricate: nobody could wait for the answers.
        """
        told = [_facts(condition) for policy in policies for condition in policy.applies]
        named = {each for facts in told for each in facts[-1] or ()}
        values: tuple[Iterable[Hashable], ...] = (
            _RATINGS,
            Kind,
            Category,
            Channel,
            (*named, _NO_DEPARTMENT, _OTHER_DEPARTMENT),
        )
        places = [_places(each, [facts[fact] for facts in told]) for fact, each in enumerate(values)]
        sizes = [len(set(each.values())) for each in places]
        operations = sum(1 + len(each or ()) for facts in told for each in facts)
        if prod(sizes) * (operations + len(policies)) > _MOST_WORK:
            raise TooIntricate
        cells = prod(sizes)
        axes = (_Axis(each, prod(sizes[:fact]), sizes[fact], cells) for fact, each in enumerate(places))
        return cls(tuple(axes), (1 << cells) - 1)

    def of_policy(self, policy: PolicyDraft) -> Cells:
        """The tickets that meet a policy's conditions."""
        return union(map(self.of_condition, policy.applies)) if policy.applies else self._everything

    def of_condition(self, condition: Condition) -> Cells:
        """The tickets that meet one condition; none where it contradicts itself, such as urgent of low priority."""
        met = self._everything
        for axis, named in zip(self._axes, _facts(condition), strict=True):
            if named is not None:
                met &= axis.cells_of(named)
        return met


def union(sets: Iterable[Cells]) -> Cells:
    """The tickets that are in one of these sets at least."""
    return reduce(or_, sets, 0)


@dataclass(frozen=True)
class _Axis:
    """One fact: the place of each value, and how places lie among the cells."""

    places: Mapping[Hashable, int]
    stride: int
    size: int
    cells: int

    def cells_of(self, named: Collection[Hashable]) -> Cells:
        """The cells of these values: a block of them, again and again."""
        block, period = 0, self.stride * self.size
        for place in {self.places[value] for value in named}:
            block |= ((1 << self.stride) - 1) << (place * self.stride)
        return _repeated(block, period, self.cells // period)


def _repeated(block: int, period: int, times: int) -> int:
    """`block` so many times, each `period` bits further: doubled as often as it can be."""
    if times == 1:
        return block
    half = _repeated(block, period, times // 2)
    doubled = half | half << (period * (times // 2))
    return doubled if times % 2 == 0 else doubled << period | block


def _facts(condition: Condition) -> tuple[Named, ...]:
    rated = (condition.urgency, condition.tier, condition.priority)
    return (_ratings(rated), condition.kind, condition.category, condition.channel, condition.department)


def _ratings(named: tuple[Named, ...]) -> Collection[Rating] | None:
    if all(each is None for each in named):
        return None
    return [
        rating
        for rating in _RATINGS
        if all(each is None or value in each for value, each in zip(rating, named, strict=True))
    ]


def _places(values: Iterable[Hashable], told: Sequence[Named]) -> dict[Hashable, int]:
    """A place for each value; those that the same conditions name share one."""
    naming: dict[Hashable, list[int]] = {value: [] for value in values}
    for number, named in enumerate(told):
        for value in set(named or ()):
            naming[value].append(number)
    places = {namers: place for place, namers in enumerate(dict.fromkeys(map(tuple, naming.values())))}
    return {value: places[tuple(namers)] for value, namers in naming.items()}
