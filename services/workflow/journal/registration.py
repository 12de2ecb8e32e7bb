"""A registration becomes a ticket: row, first event and first clocks, before any workflow runs.

The ticket's row is the outbox of its workflow: the starter (`startables`) starts what the engine does not know yet. So
every read shows the ticket from its acceptance on, engine up or down.
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.access.directory_copy import DirectoryCopy
from services.contracts.feedback import FirstPromise, Product, Registration, Supplemented
from services.contracts.journal import Actor, EventType
from services.contracts.policy import ClockRule
from services.contracts.ticket import Clock, Segment, TicketState
from services.contracts.vocabulary import ActorKind, ClockState
from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.workflow.journal.metrics import measure
from services.workflow.journal.owed_recalculations import owe_recalculation
from services.workflow.journal.store import beginning, columns_of, policy_column
from services.workflow.lifecycle.life import Life
from services.workflow.tables import tickets

_TOLD_OF_THE_RECEIPT = ("channel", "complete", "kind", "category", "urgency", "priority", "follows")


class Registrations:
    """Enters registrations; safe to repeat. `recorded` is called when a journal has begun: its workflow may start."""

    def __init__(self, database: Database, people: DirectoryCopy, recorded: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._people = people
        self._recorded = recorded

    async def register(self, registration: Registration) -> bool:
        """Enter one ticket; answers False when it was there already."""
        life = begin(registration, await self._department(registration))
        columns = _columns(registration)
        new = beginning(life.state, life.events, columns, late=False)
        entered = await new.statement.one(self._database, new.values)
        is_new = entered["new"] or (entered["is_late"] and await self._register_late(registration, life, columns))
        if is_new:
            self._recorded()
            measure(life.events)
        return is_new

    async def _register_late(self, registration: Registration, life: Life, columns: Mapping[str, Any]) -> bool:
        """Enter a ticket that publications have passed by: they owe it a recalculation from the same moment on."""
        new = beginning(life.state, life.events, columns, late=True)
        async with self._database.begin() as connection:
            await owe_recalculation(connection, registration.ticket_no, registration.received_at)
            (entered,) = await new.statement.within(connection, new.values)
            if not entered["new"]:
                await connection.rollback()
        return bool(entered["new"])

    async def amend(self, ticket_no: str, supplied: Supplemented) -> None:
        """Show what the customer supplied later of what a ticket shows."""
        columns = _product_columns(supplied.product)
        if supplied.complaint_about:
            columns["complaint_about"] = supplied.complaint_about
        async with self._database.begin() as connection:
            await connection.execute(tickets.update().where(tickets.c.ticket_no == ticket_no).values(columns))

    async def _department(self, registration: Registration) -> str | None:
        # A ticket without a department is in everybody's queue, so a silent directory holds nothing up.
        try:
            return (await self._people.roll()).route(registration.category)
        except Refusal:
            return None


def _columns(registration: Registration) -> dict[str, Any]:
    """The columns of a ticket's row that no step changes, and its first policy."""
    return {
        **columns_of(tickets, registration),
        **policy_column(registration.policy),
        **_product_columns(registration.product),
        "opened_at": registration.received_at,
    }


def begin(registration: Registration, department: str | None) -> Life:
    """The life of a ticket at its first event, with the promises that were made on arrival (invariant I11)."""
    given = {name: value for name, value in registration if name in TicketState.model_fields}
    state = TicketState(**given, department=department)
    state.clocks = [_first_clock(registration, promise) for promise in registration.promises]
    life = Life(state, registration.policy)
    customer = Actor(kind=ActorKind.CUSTOMER, id=registration.customer_id)
    data = {name: given[name] for name in _TOLD_OF_THE_RECEIPT} | {"department": department}
    life.write(EventType.RECEIVED, registration.received_at, customer, None, data)
    return life


def _product_columns(product: Product) -> dict[str, Any]:
    shown = {"product_model": product.model, "serial_no": product.serial_no}
    return {"product": product.model_dump(mode="json"), **shown}


def _first_clock(registration: Registration, promise: FirstPromise) -> Clock:
    policy = registration.policy
    if policy is None:
        raise ValueError("a promise without a policy")
    rule = policy.clocks.get(promise.clock) or ClockRule(target=promise.target)
    return Clock(
        **promise.model_dump(exclude={"clock"}),
        name=promise.clock,
        cycle=1,
        state=ClockState.RUNNING,
        started_at=registration.received_at,
        policy=policy.id,
        policy_version=policy.version,
        priority=registration.priority,
        warn_rule=rule.warn_at,
        ladder=rule.ladder,
        segments=[Segment(from_at=registration.received_at)],
    )
