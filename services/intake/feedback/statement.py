"""The careful SQL statement: number, customer, feedback, outbox of one feedback, in one round trip.

It files nothing and tells why when what it was given no longer holds (the day has no numbers yet, the policy is not
kept, the customer's tier is another, somebody else just made the same customer); the caller mends that and repeats.
"""

from functools import cache

from services.intake.customers.identity import CONTACTS
from services.intake.feedback.numbering import NUMBERED, TICKET_NO
from services.runtime.postgres.raw_statement import DirectStatement

_BY_ID = "SELECT id, tier FROM intake.customers WHERE id = CAST(:known_id AS text)"
_NOBODY = "SELECT NULL::text AS id, NULL::text AS tier WHERE false"
_BY_NUMBER = "SELECT id, tier FROM intake.customers WHERE customer_no = :customer_no"
# Behind a number that people share it is the name that tells them apart; whoever has none stored may be any of them.
_MEANT = """{contact} = :{contact} AND (
        CAST(:person AS text) IS NULL OR name IS NULL OR identity = CAST(:identity AS text)
        OR lower(replace(normalize(name, NFKC), ' ', '')) = CAST(:person AS text))"""
_BY_CONTACT = "SELECT id, tier FROM intake.customers WHERE {meant} ORDER BY name IS NULL, created_at, id LIMIT 1"
# A number is stronger than a contact: a record that a contact made is taken over unless it has another number.
_BY_BOTH = """
    SELECT id, tier FROM intake.customers
    WHERE customer_no = :customer_no OR ({meant} AND customer_no IS NULL)
    ORDER BY customer_no NULLS LAST, name IS NULL, created_at, id LIMIT 1"""

_REGISTER = """
WITH known AS MATERIALIZED ({known}
), numbered AS MATERIALIZED ({numbered}
), fresh AS (
    INSERT INTO intake.customers
        (id, identity, name, phone, email, wechat_open_id, customer_no, tier, created_at, updated_at, vouched)
    SELECT CAST(:customer_id AS text), CAST(:identity AS text), CAST(:name AS text), CAST(:phone AS text),
        CAST(:email AS text), CAST(:wechat_open_id AS text), CAST(:customer_no AS text), CAST(:assumed_tier AS text),
        CAST(:received_at AS timestamptz), CAST(:received_at AS timestamptz),
        CASE WHEN CAST(:vouched AS boolean) THEN {stated} ELSE '{{}}' END
    WHERE NOT EXISTS (SELECT FROM known) AND EXISTS (SELECT FROM numbered)
    ON CONFLICT DO NOTHING
    RETURNING id, tier
), sender AS (
    SELECT id, coalesce(CAST(:tier AS text), tier) AS tier FROM known UNION ALL SELECT id, tier FROM fresh
), vouched AS (
    SELECT CAST(:vouched AS boolean) OR EXISTS (
        SELECT FROM intake.feedback AS own
        WHERE own.ticket_no = CAST(:own_ticket AS text) AND own.vouched AND own.customer_id = sender.id) AS so
    FROM sender
), kept AS (
    SELECT CAST(:policy AS text) IS NULL
        OR EXISTS (SELECT FROM intake.policy_snapshots WHERE digest = CAST(:policy AS text)) AS policy
), filed AS (
    INSERT INTO intake.feedback
        (ticket_no, received_at, customer_id, content, contact, tier, kind, category, urgency, priority, rule,
         complete, missing, policy, promises, caller, idempotency_key, body_hash, vouched)
    SELECT {ticket_no}, CAST(:received_at AS timestamptz), sender.id, CAST(:content AS jsonb), CAST(:contact AS jsonb),
        sender.tier, CAST(:kind AS text), CAST(:category AS text), CAST(:urgency AS text), CAST(:priority AS text),
        CAST(:rule AS text), CAST(:missing AS jsonb) = '[]',
        ARRAY(SELECT jsonb_array_elements_text(CAST(:missing AS jsonb))), CAST(:policy AS text),
        CAST(:promises AS jsonb), CAST(:caller AS text), CAST(:idempotency_key AS text), CAST(:body_hash AS text),
        vouched.so
    FROM sender CROSS JOIN numbered CROSS JOIN kept CROSS JOIN vouched
    WHERE sender.tier = CAST(:assumed_tier AS text) AND kept.policy
    RETURNING ticket_no
), queued AS (
    INSERT INTO intake.outbox (ticket_no) SELECT ticket_no FROM filed
), refreshed AS (
    UPDATE intake.customers AS c SET
        name = coalesce(CAST(:name AS text), c.name), tier = sender.tier,
        phone = {phone}, email = {email}, wechat_open_id = {wechat_open_id},
        customer_no = coalesce(c.customer_no, CAST(:customer_no AS text)),
        vouched = ARRAY(SELECT unnest(c.vouched) UNION SELECT unnest({stated})),
        updated_at = CAST(:received_at AS timestamptz)
    FROM known, sender, vouched
    WHERE c.id = known.id AND EXISTS (SELECT FROM filed) AND vouched.so AND CAST(:known_id AS text) IS NULL
        AND (c.name IS DISTINCT FROM coalesce(CAST(:name AS text), c.name) OR c.tier <> sender.tier
            OR c.phone IS DISTINCT FROM {phone} OR c.email IS DISTINCT FROM {email}
            OR c.wechat_open_id IS DISTINCT FROM {wechat_open_id} OR NOT c.vouched @> {stated}
            OR c.customer_no IS NULL AND CAST(:customer_no AS text) IS NOT NULL)
)
SELECT (SELECT ticket_no FROM filed) AS ticket_no, (SELECT tier FROM sender) AS tier,
    EXISTS (SELECT FROM numbered) AS day_is_open, (SELECT policy FROM kept) AS policy_is_kept
"""


# What is stored and vouched for stays; what nobody vouched for gives way to what somebody does.
_KEPT = (
    "(CASE WHEN '{contact}' = ANY (c.vouched) THEN coalesce(c.{contact}, CAST(:{contact} AS text))"
    " ELSE coalesce(CAST(:{contact} AS text), c.{contact}) END)"
)
_STATED = "array_remove(ARRAY[{each}], NULL)".format(
    each=", ".join(f"CASE WHEN CAST(:{contact} AS text) IS NOT NULL THEN '{contact}' END" for contact in CONTACTS)
)


@cache
def register_statement(
    *, known_already: bool = False, by_number: bool, contact: str | None, takes_over: bool = True
) -> DirectStatement:
    """The statement for a sender who is known already, or has a customer number, or `contact` as strongest contact.

    With `takes_over` a record that a contact made gets the number that is stated with it.
    """
    meant = _MEANT.format(contact=contact)
    if known_already:
        known = _BY_ID
    elif by_number:
        known = _BY_BOTH.format(meant=meant) if contact and takes_over else _BY_NUMBER
    else:
        known = _BY_CONTACT.format(meant=meant) if contact else _NOBODY
    kept = {each: _KEPT.format(contact=each) for each in CONTACTS}
    return DirectStatement(
        _REGISTER.format(known=known, numbered=NUMBERED, ticket_no=TICKET_NO, stated=_STATED, **kept)
    )
