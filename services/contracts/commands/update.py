"""A command as the Update of a ticket's workflow, and its answer (architecture.md, "The ticket workflow" 2)."""

from pydantic import Field, JsonValue

from services.contracts.base import Message
from services.contracts.basis import Basis
from services.contracts.journal import Actor
from services.contracts.policy import SharedPolicy
from services.contracts.vocabulary import CommandName


class Command(Message):
    """One Update of a ticket's workflow. `id` is the stored command's, and the Update's: a repeat changes nothing.

    `policy` comes with a command that classifies (accept): the first policy that applies from now on, None for none.
    """

    id: str
    name: CommandName
    actor: Actor
    decision: dict[str, JsonValue] = Field(default_factory=dict)
    policy: SharedPolicy | None = None
    policy_chosen: bool = False
    """Whether `policy` was chosen anew for this command, none included; an acceptance always chooses."""
    expected_version: int | None = None
    basis: Basis | None = None
    """What the form was drawn from that gave the command: what matters of it must still hold."""


class UpdateOutcome(Message):
    """The answer to an Update: the ticket's version when the effect was durable."""

    version: int
