"""Whether the customer hears what a form says to them: told beside the form, and truly told after it (product.md 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.forms.fields import CommandForm
from services.contracts.address import Unreached
from services.contracts.vocabulary import CommandName, ToldBy
from services.wording import Words

TOLD_BY = "told_by"
TELLS = frozenset({CommandName.RESPOND, CommandName.PROGRESS, CommandName.PLAN, CommandName.APPROVE_PLAN,
                   CommandName.REQUEST_INFORMATION})  # fmt: skip
"""The commands that say something to the customer."""

TOLD, NOBODY = "told", "nobody"
OUTCOMES = frozenset({TOLD, NOBODY, "email", "inbox", Unreached.NOT_KNOWN})
"""What became of what was said, as the address of the page after it says."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Button:
    """One way to send a form."""

    name: str
    value: str
    text: str


def is_unreached(ticket: Item) -> bool:
    """Whether no channel carries a message to this customer."""
    reach = ticket["reach"] or {}
    return not reach.get("channel") and reach.get("reason") not in {None, Unreached.NOT_KNOWN}


def how(ticket: Item, words: Words) -> str:
    """A sentence about how the customer gets our messages now."""
    reach = ticket["reach"] or {}
    if channel := reach.get("channel"):
        return words.text(f"reach.{channel}", address=reach.get("address") or "")
    if not is_unreached(ticket):
        return words.text("reach.not_known")
    return words.text("reach.phone_only" if ticket["customer"]["phone"] else "reach.nobody")


def buttons(name: CommandName, form: CommandForm, ticket: Item, words: Words) -> Sequence[Button]:
    """The ways to send a form; of one that nobody would hear, each says how the customer was told."""
    own = [Button(field, value, words.text(f"command.{name}.{field}.{value}")) for field, value in form.buttons]
    if name not in TELLS or not is_unreached(ticket):
        return own
    told = [Button(TOLD_BY, way, words.text(f"reach.told_by.{way}")) for way in ToldBy]
    internal = [each for each in own if each.value == "false"]
    return [*told, *(internal or [Button(TOLD_BY, "", words.text("reach.told_by.nobody"))])]


def outcome(name: CommandName, body: Item, ticket: Item) -> str:
    """The outcome of what a command said to the customer; empty where it said nothing to them yet."""
    if name not in TELLS or body.get("visible") is False or ticket["plan"] == "proposed":
        return ""
    if body.get(TOLD_BY):
        return TOLD
    reach = ticket["reach"] or {}
    return str(reach.get("channel") or (NOBODY if is_unreached(ticket) else Unreached.NOT_KNOWN))
