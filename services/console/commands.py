"""The commands on a ticket as forms: one table that the ticket page draws, reads and words.

The labels are in `words/commands.py`: `command.<name>`, `command.<name>.<field>` or `field.<field>`, and
`command.<name>.hint` where one is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackClass,
    CallbackOutcome,
    Category,
    Cause,
    CommandName,
    ComplaintLevel,
    DesiredSolution,
    Kind,
    Phase,
    Result,
    Urgency,
)

Type = Literal["text", "area", "lines", "choice", "radio", "flag", "many", "moment", "date", "number", "words", "phone",
               "email", "password"]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field. `name` is the path in the command's body (`product.serial_no`); `codes` are the choices and `group`
    their words, `source` names choices that the page knows (staff, departments, ...). `shown` prefills from the
    ticket's field of that name."""

    name: str
    type: Type = "text"
    required: bool = False
    codes: Sequence[StrEnum] = ()
    group: str = ""
    source: str = ""
    shown: str = ""
    most: int = 20_000
    draft: str = ""
    """Name of a text to begin with, in the customer's language."""
    called: str = ""
    """Its label is `field.<called>` where `field.<name>` says something else."""
    aside: bool = False
    """Seldom needed: folded away."""
    marked: bool = False
    """Asked for like what is required, but another field can stand in for it."""
    blank: str = ""
    """The word for choosing nothing, which leaves the field out."""
    nobody: str = ""
    """The word for choosing nobody, where that is a choice: it sends null."""


NOBODY = "-"
"""The value of choosing nobody; no id looks like this."""


@dataclass(frozen=True)
class Choice:
    """One choice; `group` is a heading over it, `said` what a prepared message calls it."""

    value: str
    text: str
    group: str = ""
    said: str = ""


@dataclass(frozen=True)
class Draft:
    """A prepared message: `text` with a place for what is chosen, and what stands between two choices."""

    PLACE: ClassVar[str] = "{fields}"
    text: str
    between: str

    def about(self, names: Sequence[str]) -> str:
        """The message about these."""
        return self.text.replace(self.PLACE, self.between.join(names) or "…")


@dataclass(frozen=True)
class Form:
    """One command. `buttons` are its ways to be sent: a field's name and value each; without any there is one."""

    fields: Sequence[Field] = ()
    buttons: Sequence[tuple[str, str]] = ()
    grave: bool = False
    """Ends or moves the ticket in a way that is not easily undone."""


def _code(name: str, codes: type[StrEnum], group: str, *, shown: str = "", aside: bool = False) -> Field:
    return Field(name, "choice", False, tuple(codes), group, shown=shown, aside=aside)


def _needed(name: str, codes: type[StrEnum], group: str, kind: Type = "radio") -> Field:
    return Field(name, kind, True, tuple(codes), group)


def _text(name: str, *, required: bool = False, aside: bool = False) -> Field:
    return Field(name, "area", required, aside=aside)


_DEPARTMENT = Field("department", "choice", source="departments", blank="form.unchanged")
_OWNER = Field("owner", "choice", source="handlers")
_CO_OWNERS = Field("co_owners", "many", source="handlers", shown="co_owners", aside=True)
_CAUSE = _code("cause", Cause, "cause", shown="cause")
_CLASSIFICATION = (
    _code("kind", Kind, "kind"),
    _code("category", Category, "category"),
    _code("urgency", Urgency, "urgency"),
    Field("subcategory", most=64, aside=True),
)

COMMANDS: Mapping[CommandName, Form] = {
    CommandName.ACCEPT: Form(
        (
            _code("kind", Kind, "kind", shown="kind"),
            _code("category", Category, "category", shown="category"),
            _code("urgency", Urgency, "urgency", shown="urgency"),
            Field("department", "choice", source="departments", blank="form.routed"),
            _OWNER,
            Field("complex", "flag"),
            Field("subcategory", most=64, aside=True),
            _CO_OWNERS,
        )
    ),
    CommandName.REQUEST_INFORMATION: Form(
        (
            Field("fields", "many", required=True, source="askable", shown="missing"),
            Field("message", "area", required=True, draft="draft.request-information"),
        )
    ),
    CommandName.SUPPLY_INFORMATION: Form(
        (
            Field("product.serial_no", most=100),
            Field("product.order_no", most=100),
            Field("product.model", most=100),
            _text("message"),
            Field("product.purchased_on", "date", aside=True),
            Field("customer.phone", most=100, aside=True),
            Field("customer.email", most=200, aside=True),
            Field("occurred_at", "moment", aside=True),
            _text("situation", aside=True),
            _text("already_tried", aside=True),
            Field("complaint_about", most=200, aside=True),
            _code("desired_solution", DesiredSolution, "desired_solution", aside=True),
        )
    ),
    CommandName.CUSTOMER_MESSAGE: Form((_text("message", required=True),)),
    CommandName.ASSIGN: Form(
        (
            _DEPARTMENT,
            Field("owner", "choice", source="handlers", blank="form.unchanged", nobody="form.nobody"),
            _text("reason"),
            _CO_OWNERS,
        )
    ),
    CommandName.RESPOND: Form((_text("message", required=True),)),
    CommandName.PLAN: Form(
        (
            Field("steps", "lines", required=True),
            _CAUSE,
            Field("expected_at", "moment"),
            Field("complex", "flag", shown="complex"),
            Field("resources", aside=True),
        )
    ),
    CommandName.APPROVE_PLAN: Form((_text("note"),)),
    CommandName.REJECT_PLAN: Form((_text("reason", required=True),)),
    CommandName.PROGRESS: Form((_text("message", required=True),), buttons=(("visible", "true"), ("visible", "false"))),
    CommandName.WAIT: Form(
        (
            Field("reason", "radio", required=True, source="wait_reasons"),
            Field("until", "moment"),
            _text("note"),
        )
    ),
    CommandName.RESUME: Form((_text("note"),)),
    CommandName.RESOLVE: Form(
        (
            _needed("result", Result, "result"),
            _text("summary", required=True),
            _text("reason"),
            _CAUSE,
            Field("verified_with_customer", "flag"),
            Field("resources", aside=True),
        )
    ),
    CommandName.RECORD_CALLBACK: Form(
        (
            _needed("outcome", CallbackOutcome, "outcome"),
            _needed("channel", CallbackChannel, "callback_channel", "choice"),
            _text("note"),
            Field("score", "choice", source="scores"),
            _text("open_question", aside=True),
            Field("called_at", "moment", aside=True),
            Field("duration_seconds", "number", most=86_400, aside=True),
            _code("classified_as", CallbackClass, "callback_class", aside=True),
            _code("level", ComplaintLevel, "level", aside=True),
        )
    ),
    CommandName.REOPEN: Form((_text("reason", required=True),)),
    CommandName.CLOSE_UNRESOLVED: Form(
        (Field("reason_code", required=True, most=64), _text("reason", required=True)), grave=True
    ),
    CommandName.WITHDRAW: Form((_text("reason"),), grave=True),
    CommandName.MERGE: Form((Field("into", required=True, most=20), Field("other_customer", "flag")), grave=True),
    CommandName.RECLASSIFY: Form((*_CLASSIFICATION, _text("reason"))),
    CommandName.EXPLAIN_BREACH: Form(
        (Field("clock", "choice", required=True, source="breached"), _text("reason", required=True))
    ),
    CommandName.CHASE: Form((_text("note"),)),
    CommandName.TAG: Form((Field("add", "words", most=200), Field("remove", "many", source="tags"))),
    CommandName.PROMISE: Form(
        (Field("respond_by", "moment"), Field("resolve_by", "moment"), _text("reason", required=True))
    ),
}
"""Every command of api.md."""

_N = CommandName
_NEXT: Mapping[Phase, Sequence[CommandName]] = {
    Phase.REVIEW: (_N.ACCEPT, _N.REQUEST_INFORMATION),
    Phase.AWAITING_INFORMATION: (_N.SUPPLY_INFORMATION, _N.ACCEPT),
    Phase.ASSIGNED: (_N.RESPOND, _N.PLAN, _N.PROGRESS, _N.RESOLVE),
    Phase.PLANNED: (_N.PROGRESS, _N.RESOLVE, _N.RESPOND),
    Phase.WAITING: (_N.RESUME, _N.PROGRESS, _N.CUSTOMER_MESSAGE),
    Phase.AWAITING_CALLBACK: (_N.RECORD_CALLBACK, _N.REOPEN),
    Phase.AWAITING_SECOND_CALLBACK: (_N.RECORD_CALLBACK, _N.REOPEN),
    Phase.CLOSED: (_N.REOPEN, _N.TAG),
}
"""What usually follows in each phase, likeliest first."""
_GROUPS: Mapping[str, Sequence[CommandName]] = {
    "next": (),
    "talk": (_N.RESPOND, _N.REQUEST_INFORMATION, _N.CUSTOMER_MESSAGE, _N.SUPPLY_INFORMATION),
    "work": (_N.ACCEPT, _N.PLAN, _N.PROGRESS, _N.WAIT, _N.RESUME, _N.RESOLVE, _N.APPROVE_PLAN, _N.REJECT_PLAN,
             _N.RECORD_CALLBACK),
    "arrange": (_N.ASSIGN, _N.RECLASSIFY, _N.PROMISE, _N.CHASE, _N.TAG, _N.EXPLAIN_BREACH),
    "end": (_N.REOPEN, _N.CLOSE_UNRESOLVED, _N.WITHDRAW, _N.MERGE),
}  # fmt: skip


def next_steps(ticket: Mapping[str, Any], *, explain_first: bool = False) -> list[CommandName]:
    """The commands that the reader most likely wants now, of those that are allowed: two at most. With
    `explain_first` a missed clock waits for its reason, and nothing goes before that."""
    likely = list(_NEXT[Phase(ticket["phase"])])
    if ticket["responded_at"] and _N.RESPOND in likely:
        likely = [*(name for name in likely if name is not _N.RESPOND), _N.RESPOND]
    if not ticket["complete"] and ticket["phase"] == Phase.REVIEW:
        likely.reverse()
    if (not ticket["owner"] or ticket["owner_left"]) and ticket["status"] == "processing":
        likely = [_N.ASSIGN, *likely]
    if ticket["unanswered_since"]:
        likely = [_N.RESPOND, *(name for name in likely if name is not _N.RESPOND)]
    if ticket["plan"] == "proposed":
        likely = [_N.APPROVE_PLAN, _N.REJECT_PLAN, *likely]
    if explain_first:
        likely = [_N.EXPLAIN_BREACH, *likely]
    return [name for name in likely if name in ticket["allowed"]][:2]


@dataclass(frozen=True)
class Group:
    """Commands that belong together."""

    name: str
    commands: list[CommandName] = field(default_factory=list)


def groups(ticket: Mapping[str, Any], *, explain_first: bool = False) -> list[Group]:
    """Every allowed command once, the next steps first."""
    first = next_steps(ticket, explain_first=explain_first)
    others = [
        Group(name, [each for each in commands if each in ticket["allowed"] and each not in first])
        for name, commands in _GROUPS.items()
    ]
    return [group for group in (Group("next", first), *others) if group.commands]
