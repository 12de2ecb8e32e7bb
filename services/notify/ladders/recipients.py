"""Recipients of a step of a ladder, as the directory knows them at that moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.contracts.alert import Rung
from services.contracts.directory import RecipientsQuestion
from services.notify.ladders.ladders import LadderStep
from services.notify.ticket_copies import KnownTicket

Answers = Mapping[RecipientsQuestion, tuple[str, ...]]


@dataclass(frozen=True)
class Recipient:
    """Somebody to be told, and as what."""

    staff: str
    rung: Rung


def found_by(step: LadderStep, ticket: KnownTicket, answers: Answers, at: datetime) -> Sequence[Recipient]:
    """Recipients at a step, each once. The person that the complaint is about is left out (product.md 3)."""
    recipients: dict[str, Recipient] = {}
    for choice in step:
        for rung in choice:
            if found := found_on(rung, ticket, answers, at):
                recipients = {**{each.staff: each for each in found}, **recipients}
                break
    return tuple(recipients.values())


def found_on(rung: Rung, ticket: KnownTicket, answers: Answers, at: datetime) -> Sequence[Recipient]:
    """Recipients on one rung."""
    ids: tuple[str, ...] = (ticket.owner,) if ticket.owner else ()
    if rung is not Rung.OWNER:
        ids = answers[RecipientsQuestion(rung=rung, department=ticket.department, at=at)]
    return tuple(Recipient(id_, rung) for id_ in ids if id_ != ticket.complaint_about)
