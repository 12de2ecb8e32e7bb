"""Which tickets policies apply to, as sets: exact answers on what hides, repeats or crosses what (product.md 5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.contracts.policy import Condition, PolicyDraft
from services.contracts.words import Category, Channel, Kind, Priority, Tier, Urgency
from services.promises.priority import priority_of

Box = tuple[frozenset[str], ...]
"""Tickets by the values that each of their facts may have, in the order of `_FACTS`; never one without any."""

_FACTS = ("urgency", "priority", "tier", "kind", "category", "channel", "department")
_MOST_PIECES = 2_000
_NO_DEPARTMENT = ""
_OTHER_DEPARTMENT = "*"
_ONE, _MANY = 1, 1_000_000


class TooIntricate(Exception):
    """The sets fall into too many pieces to be compared."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The tickets that exist, as far as policies can tell them apart: the departments are those that policies name,
    another one, and none, which is how a ticket arrives."""

    departments: frozenset[str]

    @classmethod
    def of(cls, policies: Sequence[PolicyDraft]) -> "Coverage":
        """The tickets that `policies` tell apart."""
        named = {each for policy in policies for condition in policy.applies for each in condition.department or ()}
        return cls(frozenset(named | {_NO_DEPARTMENT, _OTHER_DEPARTMENT}))

    def of_policy(self, policy: PolicyDraft) -> tuple[Box, ...]:
        """The tickets that meet a policy's conditions."""
        return tuple(box for condition in policy.applies or (Condition(),) for box in self.of_condition(condition))

    def of_condition(self, condition: Condition) -> tuple[Box, ...]:
        """The tickets that meet one condition; none where it contradicts itself, such as urgent of low priority."""
        wanted = self._box(condition)
        return tuple(met for box in self._possible() if (met := _common(box, wanted)))

    def _box(self, condition: Condition) -> Box:
        everything = self._everything()
        given = (getattr(condition, fact) for fact in _FACTS)
        return tuple(
            every if values is None else frozenset(values) for every, values in zip(everything, given, strict=True)
        )

    def _everything(self) -> Box:
        words = (Urgency, Priority, Tier, Kind, Category, Channel)
        return (*(frozenset(word) for word in words), self.departments)

    def _possible(self) -> Iterator[Box]:
        """Priority follows from urgency, tier and how many are affected; the other facts are free."""
        free = self._everything()[3:]
        for urgency in Urgency:
            for tier in Tier:
                priorities = frozenset(priority_of(urgency, tier, affected) for affected in (_ONE, _MANY))
                yield (frozenset({urgency}), priorities, frozenset({tier}), *free)


def remainder(boxes: Sequence[Box], taken: Sequence[Box]) -> tuple[Box, ...]:
    """The tickets of `boxes` that are in none of `taken`.

    Raises:
        TooIntricate: they cannot be told in a bounded number of pieces.
    """
    left = list(boxes)
    for each in taken:
        left = [piece for box in left for piece in _without(box, each)]
        if len(left) > _MOST_PIECES:
            raise TooIntricate
    return tuple(left)


def have_in_common(boxes: Sequence[Box], others: Sequence[Box]) -> bool:
    """Whether a ticket can be in both."""
    return any(_common(box, other) for box in boxes for other in others)


def _common(box: Box, other: Box) -> Box | None:
    shared = tuple(mine & theirs for mine, theirs in zip(box, other, strict=True))
    return shared if all(shared) else None


def _without(box: Box, taken: Box) -> Iterator[Box]:
    """`box` cut into pieces outside `taken`: one for each fact by which a ticket can escape it."""
    if _common(box, taken) is None:
        yield box
        return
    rest = list(box)
    for fact, values in enumerate(taken):
        if outside := rest[fact] - values:
            yield (*rest[:fact], outside, *rest[fact + 1 :])
        rest[fact] &= values
