"""The careful SQL statement: number, customer, feedback, outbox of one feedback, in one round trip.

It files nothing and tells why when what it was given no longer holds (the day has no numbers yet, the policy is not
kept, the customer's tier is another, somebody else just made the same customer); the caller mends that and repeats.
"""

from functools import cache

from services.intake.numbering import NUMBERED, TICKET_NO
from services.runtime.direct import DirectStatement

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
        (id, identity, name, phone, email, wechat_open_id, customer_no, tier, created_at, updated_at)
    SELECT CAST(:customer_id AS text), CAST(:identity AS text), CAST(:name AS text), CAST(:phone AS text),
        CAST(:email AS text), CAST(:wechat_open_id AS text), CAST(:customer_no AS text), CAST(:assumed_tier AS text),
        CAST(:received_at AS timestamptz), CAST(:received_at AS timestamptz)
    WHERE NOT EXISTS (SELECT FROM known) AND EXISTS (SELECT FROM numbered)
    ON CONFLICT DO NOTHING
    RETURNING id, tier
), sender AS (
    SELECT id, coalesce(CAST(:tier AS text), tier) AS tier FROM known UNION ALL SELECT id, tier FROM fresh
), kept AS (
    SELECT CAST(:policy AS text) IS NULL
        OR EXISTS (SELECT FROM intake.policy_snapshots WHERE digest = CAST(:policy AS text)) AS policy
), filed AS (
    INSERT INTO intake.feedback
        (ticket_no, received_at, customer_id, content, contact, tier, kind, category, urgency, priority, rule,
         complete, missing, policy, promises, caller, idempotency_key, body_hash)
    SELECT {ticket_no}, CAST(:received_at AS timestamptz), sender.id, CAST(:content AS jsonb), CAST(:contact AS jsonb),
        sender.tier, CAST(:kind AS text), CAST(:category AS text), CAST(:urgency AS text), CAST(:priority AS text),
        CAST(:rule AS text), CAST(:missing AS jsonb) = '[]',
        ARRAY(SELECT jsonb_array_elements_text(CAST(:missing AS jsonb))), CAST(:policy AS text),
        CAST(:promises AS jsonb), CAST(:caller AS text), CAST(:idempotency_key AS text), CAST(:body_hash AS text)
    FROM sender CROSS JOIN numbered CROSS JOIN kept
    WHERE sender.tier = CAST(:assumed_tier AS text) AND kept.policy
    RETURNING ticket_no
), queued AS (
    INSERT INTO intake.outbox (ticket_no) SELECT ticket_no FROM filed
), refreshed AS (
    UPDATE intake.customers AS c SET
        name = coalesce(CAST(:name AS text), c.name), tier = sender.tier,
        phone = coalesce(c.phone, CAST(:phone AS text)), email = coalesce(c.email, CAST(:email AS text)),
        wechat_open_id = coalesce(c.wechat_open_id, CAST(:wechat_open_id AS text)),
        customer_no = coalesce(c.customer_no, CAST(:customer_no AS text)),
        updated_at = CAST(:received_at AS timestamptz)
    FROM known, sender
    WHERE c.id = known.id AND EXISTS (SELECT FROM filed)
        AND (c.name IS DISTINCT FROM coalesce(CAST(:name AS text), c.name) OR c.tier <> sender.tier
            OR c.phone IS NULL AND CAST(:phone AS text) IS NOT NULL
            OR c.email IS NULL AND CAST(:email AS text) IS NOT NULL
            OR c.wechat_open_id IS NULL AND CAST(:wechat_open_id AS text) IS NOT NULL
            OR c.customer_no IS NULL AND CAST(:customer_no AS text) IS NOT NULL)
)
SELECT (SELECT ticket_no FROM filed) AS ticket_no, (SELECT tier FROM sender) AS tier,
    EXISTS (SELECT FROM numbered) AS day_is_open, (SELECT policy FROM kept) AS policy_is_kept
"""


@cache
def register_statement(*, by_number: bool, contact: str | None) -> DirectStatement:
    """The statement for a sender with or without a customer number, and with `contact` as strongest contact, if any."""
    meant = _MEANT.format(contact=contact)
    if by_number:
        known = _BY_BOTH.format(meant=meant) if contact else _BY_NUMBER
    else:
        known = _BY_CONTACT.format(meant=meant) if contact else _NOBODY
    return DirectStatement(_REGISTER.format(known=known, numbered=NUMBERED, ticket_no=TICKET_NO))
