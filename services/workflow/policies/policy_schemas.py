"""Bodies of the endpoints of policies, as the OpenAPI document declares them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue

from services.contracts.base import Code, Instant, Message, Titles
from services.contracts.page import Page
from services.contracts.policy import PackId, Policy, PolicyDraft
from services.contracts.vocabulary import Kind
from services.promises.faults import Level

_MOST_NAMED = 200


class FaultView(Message):
    """One thing wrong with a policy; `message` is in the language of `Accept-Language`."""

    pointer: str = Field(description="A JSON pointer into the policy.")
    line: int = Field(description="The line of the body as it was sent, from 1.")
    code: str
    level: Level = Field(description="A policy with an error is not stored.")
    message: str


class RegisteredPolicy(Policy):
    """One version of a policy, and how the policy stands. `published_at` is the version's own."""

    created_at: Instant
    created_by: str | None = Field(description="The id of whoever stored it; null for what ships with Bihuan.")
    retired_at: Instant | None = Field(description="Since when the policy applies to no new ticket.")
    published_version: int | None = Field(description="The version that is in force, unless it is retired.")


class StoredPolicy(RegisteredPolicy):
    """A policy that was put, with what its author should look at again."""

    warnings: tuple[FaultView, ...] = ()


class PolicyBody(PolicyDraft):
    """The body of `PUT /v1/policies/{id}`. What a reading of a policy tells besides may be sent back; it is not stored:
    `id`, `version` and everything that is not the author's to say."""

    published_at: Instant | None = None
    created_at: Instant | None = None
    created_by: str | None = None
    retired_at: Instant | None = None
    published_version: int | None = None
    warnings: tuple[FaultView, ...] = ()


class PolicyPage(Page[RegisteredPolicy]):
    """A page of policies, in the order in which they are tried; retired ones keep their place."""


class PolicyVersion(Message):
    """A stored version."""

    version: int
    created_at: Instant
    created_by: str | None
    published_at: Instant | None


class PolicyVersions(Page[PolicyVersion]):
    """A page of a policy's versions, the latest first."""


class Difference(Message):
    """Values of two versions at one place; null where one says nothing."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    pointer: str
    from_: JsonValue = Field(alias="from")
    to: JsonValue


class Differences(Message):
    """Everything in which two versions differ."""

    items: tuple[Difference, ...]
    next_cursor: str | None = None


class Faults(Message):
    """Faults that a lint found; nothing is stored by asking."""

    faults: tuple[FaultView, ...]


class Order(Message):
    """Every policy's id, in the order in which they are tried."""

    ids: Annotated[tuple[Code, ...], Field(max_length=10_000)]


class OrderView(Order):
    """The order, and the published policies that no ticket reaches in it."""

    warnings: tuple[FaultView, ...]


class PackView(Message):
    """A pack as it ships."""

    id: PackId
    title: Titles
    policies: tuple[PolicyDraft, ...]


class Packs(Message):
    """The packs that ship with Bihuan."""

    items: tuple[PackView, ...]
    next_cursor: str | None = None


class Adopt(Message):
    """The scope that a pack is adopted for: some kinds or departments, or all; by its own calendar, or another."""

    calendar: Code | None = None
    kind: Annotated[tuple[Kind, ...], Field(max_length=len(Kind))] = ()
    department: Annotated[tuple[Code, ...], Field(max_length=_MOST_NAMED)] = ()
    publish: bool = False


class Adopted(Message):
    """The policies that a pack became, in the order in which they are tried."""

    items: tuple[StoredPolicy, ...]
    next_cursor: str | None = None


def differences(before: Any, after: Any, at: str = "") -> list[dict[str, Any]]:
    """Differences between two values, place by place; lists of plain values differ as a whole."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return [each for name in names for each in differences(before.get(name), after.get(name), f"{at}/{name}")]
    if _has_objects(before) and _has_objects(after):
        longest = max(len(before), len(after))
        pairs = zip(_padded(before, longest), _padded(after, longest), strict=True)
        return [each for place, (old, new) in enumerate(pairs) for each in differences(old, new, f"{at}/{place}")]
    return [{"pointer": at, "from": before, "to": after}]


def _has_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _padded(values: list[Any], length: int) -> list[Any]:
    return [*values, *([None] * (length - len(values)))]
