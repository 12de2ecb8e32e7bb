"""The built-in policy packs D0 to D4 (product.md 5), and what adopting one for some tickets means."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from services.contracts.base import Code, Message
from services.contracts.policy import ClockRule, Condition, PackId, Policy, StoredCalendar
from services.contracts.vocabulary import ClockName, Kind
from services.promises.order import unreachable

_FOLDER = files("services.promises") / "packs"
_CALENDARS = TypeAdapter(tuple[StoredCalendar, ...])
_LONGEST_ID = 64


class Pack(Message):
    """One practice document as policies, in the order in which they are tried; together they take every ticket."""

    id: PackId
    title: Mapping[str, str]
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """The scope that a pack is adopted for: everything, or some kinds or departments; by a calendar, or its own."""

    kinds: Sequence[Kind] = field(default=())
    departments: Sequence[Code] = field(default=())
    calendar: Code | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is adopted for every ticket."""
        return not self.kinds and not self.departments


@lru_cache(maxsize=len(PackId))
def pack(id_: PackId) -> Pack:
    """A pack as it ships."""
    return Pack.model_validate(_read(f"{id_}.yaml"))


@lru_cache(maxsize=1)
def calendars() -> tuple[StoredCalendar, ...]:
    """The calendars that the packs name."""
    return _CALENDARS.validate_python(_read("calendars.yaml"))


def adopted(chosen: Pack, adoption: Adoption) -> tuple[Policy, ...]:
    """The pack's policies for the tickets of an adoption, in their order.

    Each keeps its id, with the kinds and departments behind it, so that a pack can be adopted several times. Policies
    and clocks that these kinds have no use for are left out.
    """
    policies = tuple(_narrowed(chosen, adoption))
    hidden = unreachable(policies)
    return tuple(policy for policy in policies if policy.id not in hidden)


def _narrowed(chosen: Pack, adoption: Adoption) -> Iterator[Policy]:
    for policy in chosen.policies:
        changes: dict[str, object] = {"calendar": adoption.calendar or policy.calendar}
        if not adoption.is_whole:
            applies = tuple(_conditions(policy, adoption))
            if not applies:
                continue
            changes |= {"id": _id(policy.id, adoption), "applies": applies, "clocks": _clocks(policy, applies)}
        yield policy.model_copy(update=changes)


def _conditions(policy: Policy, adoption: Adoption) -> Iterator[Condition]:
    for condition in policy.applies or (Condition(),):
        kinds = condition.kind
        if adoption.kinds:
            kinds = tuple(kind for kind in adoption.kinds if condition.kind is None or kind in condition.kind)
        if kinds != ():
            department = tuple(adoption.departments) or condition.department
            yield condition.model_copy(update={"kind": kinds, "department": department})


def _clocks(policy: Policy, applies: Sequence[Condition]) -> Mapping[ClockName, ClockRule]:
    """Only complaints get a second callback (product.md 3)."""
    complaints = any(condition.kind is None or Kind.COMPLAINT in condition.kind for condition in applies)
    return {name: rule for name, rule in policy.clocks.items() if complaints or name is not ClockName.SECOND_CALLBACK}


def _id(policy_id: str, adoption: Adoption) -> str:
    parts = [*adoption.kinds, *adoption.departments]
    readable = ".".join([policy_id, *sorted(set(parts))])
    if len(readable) <= _LONGEST_ID:
        return readable
    return f"{policy_id}.{hashlib.sha256(readable.encode()).hexdigest()[:12]}"


def _read(name: str) -> object:
    content: object = yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
    return content
