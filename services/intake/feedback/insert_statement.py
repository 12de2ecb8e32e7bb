"""The SQL statement that files feedback: number, customer, feedback and outbox of many rows in one round trip."""

from enum import StrEnum

from services.intake.customers.identity import CONTACTS
from services.intake.feedback.numbering import TICKET_NO
from services.runtime.postgres.raw_statement import RawStatement


class Reason(StrEnum):
    """A row was not filed because its key was used, its day has no numbers, its policy is not stored, its customer has
    another tier or is to be changed, which is done alone; or because somebody else had a hand in it at this moment."""

    KEY_TAKEN = "key_taken"
    DAY_CLOSED = "day_closed"
    POLICY_UNKNOWN = "policy_unknown"
    OTHER_TIER = "other_tier"
    CUSTOMER_CHANGES = "customer_changes"
    RACE = "race"


COLUMNS = {
    "day": "date", "received_at": "timestamptz", "customer_id": "text", "known_id": "text", "own_ticket": "text",
    "identity": "text", "found_by": "text", "person": "text", "name": "text", "phone": "text", "email": "text",
    "wechat_open_id": "text", "customer_no": "text", "tier": "text", "assumed_tier": "text", "content": "jsonb",
    "contact": "jsonb", "kind": "text", "category": "text", "urgency": "text", "priority": "text", "rule": "text",
    "missing": "jsonb", "policy": "text", "promises": "jsonb", "caller": "text", "idempotency_key": "text",
    "body_hash": "text", "vouched": "boolean",
}  # fmt: skip

# Behind a number that people share it is the name that tells them apart; whoever has none stored may be any of them.
# A number is stronger than a contact: a record that a contact made is taken over unless it has another number.
_BY_CONTACT = """
            WHEN '{contact}' THEN (
                SELECT id FROM intake.customers AS other
                WHERE other.{contact} = given.{contact} AND (given.customer_no IS NULL OR other.customer_no IS NULL)
                    AND (given.person IS NULL OR other.name IS NULL OR other.identity = given.identity
                        OR lower(replace(normalize(other.name, NFKC), ' ', '')) = given.person)
                ORDER BY other.name IS NULL, other.created_at, other.id LIMIT 1)"""
# What is stored and vouched for stays; what nobody vouched for gives way to what somebody does.
_KEPT = """CASE WHEN '{contact}' = ANY (known.vouched) THEN coalesce(known.{contact}, item.{contact})
            ELSE coalesce(item.{contact}, known.{contact}) END"""
_STATED = "array_remove(ARRAY[{each}], NULL)".format(
    each=", ".join(f"CASE WHEN item.{contact} IS NOT NULL THEN '{contact}' END" for contact in CONTACTS)
)
# Customers come in the order of their identity, in every process: two statements with the same new customers wait
# for each other in one direction only. For the same reason a record is changed by a statement of its own.
# What is looked up is a scalar or limited: the plan is made while tables are small, and an EXISTS or a join may then
# read all of a table for a batch, and go on to when it has grown.
_TEXT = """
WITH item AS MATERIALIZED (
    SELECT given.*, number_days.base, coalesce(
        given.known_id,
        (SELECT id FROM intake.customers AS other WHERE other.identity = given.identity),
        (SELECT id FROM intake.customers AS other WHERE other.customer_no = given.customer_no),
        CASE given.found_by {by_contact}
        END) AS sender_id
    FROM unnest({values}) WITH ORDINALITY AS given ({names}, n)
    LEFT JOIN intake.number_days USING (day)
), judged AS MATERIALIZED (
    SELECT item.n, known.id AS known_id, coalesce(item.tier, known.tier) AS tier, trust.vouched, change.says_new,
        CASE
            WHEN (
                SELECT true FROM intake.feedback AS f
                WHERE f.caller = item.caller AND f.idempotency_key = item.idempotency_key) THEN '{KEY_TAKEN}'
            WHEN item.base IS NULL THEN '{DAY_CLOSED}'
            WHEN item.policy IS NOT NULL AND (
                SELECT true FROM intake.policy_snapshots WHERE digest = item.policy) IS NULL THEN '{POLICY_UNKNOWN}'
            WHEN coalesce(item.tier, known.tier) <> item.assumed_tier THEN '{OTHER_TIER}'
            WHEN change.says_new AND NOT (SELECT CAST(:alone AS boolean)) THEN '{CUSTOMER_CHANGES}'
        END AS reason
    FROM item
    LEFT JOIN LATERAL (SELECT * FROM intake.customers WHERE id = item.sender_id LIMIT 1) AS known ON true
    CROSS JOIN LATERAL (
        SELECT item.vouched OR coalesce((
            SELECT own.vouched AND own.customer_id = known.id FROM intake.feedback AS own
            WHERE own.ticket_no = item.own_ticket), false) AS vouched
    ) AS trust
    CROSS JOIN LATERAL (
        SELECT trust.vouched AND item.known_id IS NULL AND known.id IS NOT NULL AND (
            known.name IS DISTINCT FROM coalesce(item.name, known.name)
            OR known.tier <> coalesce(item.tier, known.tier)
            OR known.phone IS DISTINCT FROM {phone}
            OR known.email IS DISTINCT FROM {email}
            OR known.wechat_open_id IS DISTINCT FROM {wechat_open_id}
            OR NOT known.vouched @> {stated}
            OR known.customer_no IS NULL AND item.customer_no IS NOT NULL) AS says_new
    ) AS change
), fresh AS (
    INSERT INTO intake.customers
        (id, identity, name, phone, email, wechat_open_id, customer_no, tier, created_at, updated_at, vouched)
    SELECT customer_id, identity, name, phone, email, wechat_open_id, customer_no, assumed_tier, received_at,
        received_at, CASE WHEN item.vouched THEN {stated} ELSE '{{}}' END
    FROM judged JOIN item USING (n)
    WHERE judged.reason IS NULL AND judged.known_id IS NULL
    ORDER BY identity
    ON CONFLICT DO NOTHING
    RETURNING id
), sender AS (
    SELECT n, known_id AS id, vouched FROM judged WHERE reason IS NULL AND known_id IS NOT NULL
    UNION ALL SELECT item.n, fresh.id, item.vouched FROM fresh JOIN item ON item.customer_id = fresh.id
), serial AS MATERIALIZED (
    SELECT item.*, sender.id AS filed_for, sender.vouched AS trusted, nextval('intake.ticket_serial') - base AS serial
    FROM sender JOIN item USING (n)
), numbered AS MATERIALIZED (
    SELECT *, {ticket_no} AS ticket_no FROM serial AS numbered
), filed AS (
    INSERT INTO intake.feedback
        (ticket_no, received_at, customer_id, content, contact, tier, kind, category, urgency, priority, rule,
         complete, missing, policy, promises, caller, idempotency_key, body_hash, vouched)
    SELECT ticket_no, received_at, filed_for, content, contact, assumed_tier, kind, category, urgency, priority, rule,
        missing = '[]', ARRAY(SELECT jsonb_array_elements_text(missing)), policy, promises, caller, idempotency_key,
        body_hash, trusted
    FROM numbered ORDER BY n
    ON CONFLICT (caller, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING ticket_no
), queued AS (
    INSERT INTO intake.outbox (ticket_no) SELECT ticket_no FROM filed
), changed AS (
    UPDATE intake.customers AS known SET
        name = coalesce(item.name, known.name), tier = judged.tier,
        phone = {phone}, email = {email}, wechat_open_id = {wechat_open_id},
        customer_no = coalesce(known.customer_no, item.customer_no),
        vouched = ARRAY(SELECT unnest(known.vouched) UNION SELECT unnest({stated})),
        updated_at = item.received_at
    FROM judged JOIN item USING (n)
    WHERE known.id = judged.known_id AND judged.reason IS NULL AND judged.says_new AND EXISTS (SELECT FROM filed)
)
SELECT n, filed.ticket_no, judged.tier,
    coalesce(judged.reason, CASE WHEN numbered.n IS NULL THEN '{RACE}' ELSE '{KEY_TAKEN}' END) AS reason
FROM judged LEFT JOIN numbered USING (n) LEFT JOIN filed USING (ticket_no)
"""
# Behind a SELECT the arrays have no length that the planner could see; it would plan each length anew.
FILE = RawStatement(
    _TEXT.format(
        values=", ".join(f"(SELECT CAST(:{name} AS {kind}[]))" for name, kind in COLUMNS.items()),
        names=", ".join(COLUMNS),
        by_contact="".join(_BY_CONTACT.format(contact=contact) for contact in CONTACTS),
        ticket_no=TICKET_NO,
        stated=_STATED,
        **{contact: _KEPT.format(contact=contact) for contact in CONTACTS},
        **Reason.__members__,
    )
)
"""Answers for each row `n` its ticket number, or the reason why it has none and the tier of its customer, if known."""
