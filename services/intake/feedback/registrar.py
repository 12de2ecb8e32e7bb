"""Registering a feedback: everything that the answer promises is durable, and nothing else has been waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Row, select

from services.contracts.feedback import Feedback, Proposed, stored_customer
from services.contracts.vocabulary import ClockName
from services.intake.customers.identity import normalised, unusable
from services.intake.feedback.completeness import refuse_reasons
from services.intake.feedback.origins import Origin
from services.intake.feedback.writer import PROMISES, FeedbackWriter, Filed, KeyTaken
from services.intake.links.tokens import TicketLinks
from services.intake.schemas import FollowUp, Links, Promised, Registered
from services.intake.tables import feedback as feedback_table
from services.runtime.errors import ValidationFailed
from services.runtime.postgres.database import Database

registered_total = Counter("bihuan_feedback_registered_total", "Feedback registered.", ["channel"])


@dataclass(frozen=True)
class Receipt:
    """The answer, and whether it was given before."""

    registered: Registered
    replayed: bool


class Registrar:
    """Registers feedback; answers with the ticket number once it is durable."""

    def __init__(
        self,
        database: Database,
        writer: FeedbackWriter,
        links: TicketLinks,
        *,
        filed: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`filed` is called after each registration."""
        self._database = database
        self._writer = writer
        self._links = links
        self._filed = filed
        self._now = now

    async def register(self, feedback: Feedback, origin: Origin) -> Receipt:
        """File the feedback as one ticket, or replay the answer that the request's key was given before.

        One round trip as a rule. A repeat under a key that is being registered waits for the first.

        Raises:
            ValidationFailed: it says too little, or something impossible.
            IdempotencyKeyReused: the key came with another body.
            Unavailable: PostgreSQL did not answer; whether the ticket exists is unknown.
        """
        received_at = self._now()
        sender = normalised(feedback.customer, lenient=origin.is_program)
        if sender is not feedback.customer:
            feedback = feedback.model_copy(update={"customer": sender})
        # What a known customer asked in a call says as much as they ever said of themselves.
        if not isinstance(feedback, FollowUp) and (errors := refuse_reasons(feedback, received_at)):
            raise ValidationFailed(errors)
        try:
            filed = await self._writer.file(feedback, origin, received_at)
        except KeyTaken:
            row = await self._row(origin)
            origin.asked.require_same(row.body_hash)
            return Receipt(self._answer(_filed(row)), replayed=True)
        registered_total.labels(feedback.channel).inc()
        self._filed()
        return Receipt(self._answer(filed), replayed=False)

    async def earlier(self, origin: Origin) -> Registered:
        """Read what was registered under a key that `register` found used with another body."""
        return self._answer(_filed(await self._row(origin)))

    async def _row(self, origin: Origin) -> Row[Any]:
        keyed = {"caller": origin.asked.caller, "idempotency_key": origin.asked.key}
        first = select(feedback_table).filter_by(**keyed)
        async with self._database.read() as connection:
            return (await connection.execute(first)).one()

    def _answer(self, filed: Filed) -> Registered:
        due = {promise.clock: promise.due_at for promise in filed.promises}
        return Registered(
            ticket_no=filed.ticket_no,
            received_at=filed.received_at,
            complete=not filed.missing,
            missing=filed.missing,
            unusable=filed.unusable,
            proposed=filed.proposed,
            promised=Promised(accept_by=due.get(ClockName.ACCEPTANCE), respond_by=due.get(ClockName.RESPONSE)),
            links=Links(ticket=self._links.to(filed.ticket_no, filed.link_generation)),
        )


def _filed(row: Row[Any]) -> Filed:
    return Filed(
        ticket_no=row.ticket_no,
        received_at=row.received_at,
        proposed=Proposed.model_validate(row, from_attributes=True),
        promises=PROMISES.validate_python(row.promises),
        missing=tuple(row.missing),
        unusable=unusable(stored_customer(row.contact)),
        link_generation=row.link_generation,
    )
