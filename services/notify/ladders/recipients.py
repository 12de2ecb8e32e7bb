"""Recipients of a step of a ladder, as the directory knows them at that moment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.contracts.alert import Rung
from services.contracts.directory import Recipients, RecipientsAsked, RecipientsQuestion, WorkingHours
from services.notify.ladders.ladders import LadderStep
from services.notify.ticket_copies import KnownTicket
from services.runtime.service_client import ServiceClient

Answers = Mapping[RecipientsQuestion, tuple[str, ...]]
MOST_QUESTIONS = 1_000


@dataclass(frozen=True)
class Recipient:
    """Somebody to be told, and as what."""

    staff: str
    rung: Rung


def questions(ticket: KnownTicket, rungs: Iterable[Rung], at: datetime) -> set[RecipientsQuestion]:
    """Questions to the directory that tell who is found on `rungs`; who owns a ticket is known here."""
    asked = (rung for rung in rungs if rung is not Rung.OWNER)
    return {RecipientsQuestion(rung=rung, department=ticket.department, at=at) for rung in asked}


@dataclass(frozen=True)
class FoundRecipients:
    """The people found, the owners still there, when they are reached, and what the directory knew them by:
    `generation`. `next_shift_at` is when somebody else may be found on duty."""

    answers: Answers
    present: frozenset[str] = frozenset()
    hours: tuple[WorkingHours, ...] = ()
    next_shift_at: datetime | None = None
    generation: int = 0


async def ask(
    directory: ServiceClient,
    asked: Iterable[RecipientsQuestion],
    owners: Collection[str],
    hours_at: datetime | None = None,
) -> FoundRecipients:
    """Ask who is found, and with `hours_at` when they and the owners are reached: one question of a thousand at most,
    about as many owners at most.

    Raises:
        Unavailable: the directory does not answer.
    """
    items = tuple(sorted(set(asked), key=str))
    question = RecipientsAsked(items=items, hours_at=hours_at, also=tuple(sorted(owners)))
    told = Recipients.model_validate(await directory.post("/internal/recipients", question.model_dump(mode="json")))
    answers = dict(zip(items, told.items, strict=True))
    return FoundRecipients(answers, frozenset(told.present), told.hours, told.next_shift_at, told.generation)


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
