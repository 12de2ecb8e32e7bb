"""Filing together what arrives together: one statement and one commit for all feedback of a moment.

While a few statements are under way, what arrives waits and becomes the next one; alone, a feedback goes at once.
A statement files what needs no second look: a customer who is new or says nothing new that may be written, under a key
not seen before. It leaves out the rest, which the careful statement of `intake.feedback.statement` files one by one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError

from services.intake.customers.identity import CONTACTS
from services.intake.feedback.numbering import TICKET_NO
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import DirectStatement

_MOST = 64
_LANES = 2

_COLUMNS = {
    "day": "date", "received_at": "timestamptz", "customer_id": "text", "identity": "text", "name": "text",
    "phone": "text", "email": "text", "wechat_open_id": "text", "customer_no": "text", "tier": "text",
    "assumed_tier": "text", "strongest_contact": "text", "content": "jsonb", "contact": "jsonb", "kind": "text",
    "category": "text", "urgency": "text", "priority": "text", "rule": "text", "missing": "jsonb", "policy": "text",
    "promises": "jsonb", "caller": "text", "idempotency_key": "text", "body_hash": "text",
    "vouched": "boolean",
}  # fmt: skip

_STATED = "array_remove(ARRAY[{each}], NULL)".format(
    each=", ".join(f"CASE WHEN {contact} IS NOT NULL THEN '{contact}' END" for contact in CONTACTS)
)
# Customers come in the order of their identity, in every process: two statements with the same new customers wait
# for each other in one direction only.
_FILE = """
WITH item AS MATERIALIZED (
    SELECT given.*, number_days.base
    FROM unnest({values}) WITH ORDINALITY AS given ({names}, n)
    JOIN intake.number_days USING (day)
    WHERE (given.policy IS NULL OR EXISTS (SELECT FROM intake.policy_snapshots WHERE digest = given.policy))
        AND NOT EXISTS (
            SELECT FROM intake.feedback AS f
            WHERE f.caller = given.caller AND f.idempotency_key = given.idempotency_key)
), known AS MATERIALIZED (
    SELECT item.n, c.id AS sender_id,
        CASE WHEN item.vouched THEN
            c.tier = item.assumed_tier AND c.tier = coalesce(item.tier, c.tier)
            AND (item.name IS NULL OR c.name = item.name)
            AND (item.phone IS NULL OR c.phone IS NOT NULL AND 'phone' = ANY (c.vouched))
            AND (item.email IS NULL OR c.email IS NOT NULL AND 'email' = ANY (c.vouched))
            AND (item.wechat_open_id IS NULL OR c.wechat_open_id IS NOT NULL AND 'wechat_open_id' = ANY (c.vouched))
        ELSE item.tier IS NOT NULL OR c.tier = item.assumed_tier END AS says_nothing_new
    FROM item JOIN intake.customers AS c ON c.identity = item.identity
), fresh AS (
    INSERT INTO intake.customers
        (id, identity, name, phone, email, wechat_open_id, customer_no, tier, created_at, updated_at, vouched)
    SELECT customer_id, identity, name, phone, email, wechat_open_id, customer_no, assumed_tier, received_at,
        received_at, CASE WHEN vouched THEN {stated} ELSE '{{}}' END
    FROM item
    WHERE NOT EXISTS (SELECT FROM known WHERE known.n = item.n)
        AND NOT EXISTS (SELECT FROM intake.customers AS c WHERE c.customer_no = item.customer_no)
        AND NOT EXISTS (
            SELECT FROM intake.customers AS c WHERE item.strongest_contact = 'phone' AND c.phone = item.phone)
        AND NOT EXISTS (
            SELECT FROM intake.customers AS c WHERE item.strongest_contact = 'email' AND c.email = item.email)
        AND NOT EXISTS (
            SELECT FROM intake.customers AS c
            WHERE item.strongest_contact = 'wechat_open_id' AND c.wechat_open_id = item.wechat_open_id)
    ORDER BY identity
    ON CONFLICT DO NOTHING
    RETURNING id
), sender AS (
    SELECT n, sender_id FROM known WHERE says_nothing_new
    UNION ALL SELECT item.n, fresh.id FROM fresh JOIN item ON item.customer_id = fresh.id
), serial AS MATERIALIZED (
    SELECT item.*, sender_id, nextval('intake.ticket_serial') - base AS serial FROM sender JOIN item USING (n)
), numbered AS MATERIALIZED (
    SELECT *, {ticket_no} AS ticket_no FROM serial AS numbered
), filed AS (
    INSERT INTO intake.feedback
        (ticket_no, received_at, customer_id, content, contact, tier, kind, category, urgency, priority, rule,
         complete, missing, policy, promises, caller, idempotency_key, body_hash, vouched)
    SELECT ticket_no, received_at, sender_id, content, contact, assumed_tier, kind, category, urgency, priority, rule,
        missing = '[]', ARRAY(SELECT jsonb_array_elements_text(missing)), policy, promises, caller, idempotency_key,
        body_hash, vouched
    FROM numbered ORDER BY n
    ON CONFLICT (caller, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING ticket_no
), queued AS (
    INSERT INTO intake.outbox (ticket_no) SELECT ticket_no FROM filed
)
SELECT numbered.n, filed.ticket_no FROM filed JOIN numbered USING (ticket_no)
"""
# Behind a SELECT the arrays have no length that the planner could see; it would plan each length anew.
_STATEMENT = DirectStatement(
    _FILE.format(
        values=", ".join(f"(SELECT CAST(:{name} AS {kind}[]))" for name, kind in _COLUMNS.items()),
        names=", ".join(_COLUMNS),
        ticket_no=TICKET_NO,
        stated=_STATED,
    )
)

Draft = Mapping[str, Any]
"""What a feedback brings into the statement, by the names of its columns."""


class Gathering:
    """Files drafts; each caller waits for its own number alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Draft, asyncio.Future[str | None]]] = []
        self._lanes: set[asyncio.Task[None]] = set()

    async def file(self, draft: Draft) -> str | None:
        """Return the ticket number once the ticket is durable; None when nothing was filed and care is needed.

        Raises:
            Unavailable: whether the ticket exists is unknown.
        """
        filed: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, filed))
        if len(self._lanes) < _LANES:
            lane = asyncio.create_task(self._work())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return await filed

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                numbers = await self._send([draft for draft, _ in batch])
            except DBAPIError:
                numbers = {}
            except Unavailable:
                _tell_unknown(batch)
                continue
            except BaseException:
                _tell_unknown(batch)
                raise
            for place, (_, filed) in enumerate(batch, 1):
                if not filed.done():
                    filed.set_result(numbers.get(place))

    async def _send(self, drafts: Sequence[Draft]) -> dict[int, str]:
        columns = {name: [draft[name] for draft in drafts] for name in _COLUMNS}
        rows = await _STATEMENT.all(self._database, columns)
        return {row["n"]: row["ticket_no"] for row in rows}


def _tell_unknown(batch: Sequence[tuple[Draft, asyncio.Future[str | None]]]) -> None:
    for _, filed in batch:
        if not filed.done():
            filed.set_exception(Unavailable())
