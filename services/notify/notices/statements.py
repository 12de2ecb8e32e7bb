"""Statements that take notices in, claim them and end them, each a whole page or bundle in one round trip.

Rows come as the JSON of `notices` itself, so PostgreSQL reads every column as its table has it. A statement that
changes many notices passes over those that somebody else holds, so that no two of them ever wait for each other in a
circle; whoever sent it takes those one by one.
"""

from services.notify.notices.tables import notices
from services.runtime.postgres.raw_statement import RawStatement

_TAKEN = (
    "id", "key", "ticket_no", "kind", "audience", "recipient", "language", "urgent", "precedence", "at", "facts",
    "texts", "links", "state", "held", "held_until", "not_sent_reason",
)  # fmt: skip
_TRIED = (
    "id", "key", "round", "position", "precedence", "ticket_no", "kind", "audience", "recipient", "language", "urgent",
    "created_at", "facts", "texts", "links", "state", "held", "channel", "subject", "text",
)  # fmt: skip
_GIVEN = f"jsonb_populate_recordset(NULL::{notices.fullname}, :notices) AS given"
_VERSIONS = """(SELECT coalesce(max(version), 0) FROM notify.quiet_hours) AS hours_version,
    (SELECT count(*) FROM notify.notice_templates) AS texts_version"""
"""No version of a text is ever removed, so their number tells of every new one."""

UNTRIED = """notices.state = 'waiting' AND NOT notices.held AND notices.workflow_from IS NULL
    AND (notices.held_until IS NULL OR notices.held_until <= now())"""
"""What nobody has tried yet, and may go."""

_ENTERED = """entered AS (
    INSERT INTO notify.notices ({columns}, created_at) SELECT {values}, clock_timestamp() FROM {given}
    ON CONFLICT (key) DO NOTHING
    RETURNING key, id, kind, state, not_sent_reason, sent_at
)"""
_TAKE = """
WITH {entered}
SELECT * FROM entered"""
_TAKE_OR_FIND = """
WITH {entered}
SELECT *, true AS is_new FROM entered UNION ALL
SELECT key, id, kind, state, not_sent_reason, sent_at, false FROM notify.notices WHERE key = ANY(:keys)"""
_TAKE_PAGE = """
WITH undone AS (
    UPDATE notify.notices SET state = 'not_sent', not_sent_reason = 'cancelled', held = false
    WHERE id IN (
        SELECT stood.id FROM notify.notices AS stood
        JOIN jsonb_to_recordset(:cancels) AS given (ticket_no text, kinds text[], until timestamptz)
            ON stood.ticket_no = given.ticket_no AND stood.kind = ANY(given.kinds)
            AND stood.at <= coalesce(given.until, 'infinity')
        WHERE stood.state = 'waiting' ORDER BY stood.id FOR UPDATE OF stood)
    RETURNING kind, channel, state
), remembered AS (
    INSERT INTO notify.ticket_handlers (ticket_no, named)
    SELECT given.ticket_no, given.named FROM jsonb_populate_recordset(NULL::notify.ticket_handlers, :handlers) AS given
    ON CONFLICT (ticket_no) DO UPDATE SET named = excluded.named
), {entered}
SELECT kind, NULL AS channel, state FROM entered UNION ALL SELECT kind, channel, state FROM undone"""
_RELEASE = """
UPDATE notify.notices SET held = false
WHERE id IN (
    SELECT stood.id FROM notify.notices AS stood
    JOIN jsonb_to_recordset(:releases) AS given (ticket_no text, kinds text[], until timestamptz)
        ON stood.ticket_no = given.ticket_no AND stood.kind = ANY(given.kinds)
        AND stood.at <= coalesce(given.until, 'infinity')
    WHERE stood.state = 'waiting' AND stood.held ORDER BY stood.id FOR UPDATE OF stood)
RETURNING id"""
_CLAIM = """
WITH untried AS MATERIALIZED (
    SELECT id FROM notify.notices WHERE {untried} AND precedence <= :lowest
    ORDER BY precedence, position LIMIT :most FOR UPDATE SKIP LOCKED
)
UPDATE notify.notices AS notice SET workflow_from = clock_timestamp() + CAST(:claimed_for AS interval)
FROM untried WHERE notice.id = untried.id
RETURNING {columns}, {versions}"""
_LOOK = "SELECT {columns}, {versions} FROM notify.notices AS notice WHERE id = :id"
_KEEP = """
WITH given AS MATERIALIZED (SELECT * FROM {given}), mine AS MATERIALIZED (
    SELECT stood.id FROM notify.notices AS stood JOIN given ON given.id = stood.id
    WHERE stood.round = given.round AND stood.state = 'waiting' AND stood.text IS NULL FOR UPDATE OF stood{others}
)
UPDATE notify.notices AS stood SET
    language = given.language, template = given.template, subject = given.subject, text = given.text
FROM given JOIN mine ON mine.id = given.id WHERE stood.id = given.id
RETURNING stood.id"""
_END = """
WITH given AS MATERIALIZED (SELECT * FROM {given}), mine AS MATERIALIZED (
    SELECT stood.id, stood.id = ANY(CAST(:left_over AS text[])) AS is_left
    FROM notify.notices AS stood JOIN given ON given.id = stood.id
    WHERE stood.round = given.round AND stood.state = 'waiting' FOR UPDATE OF stood{others}
)
UPDATE notify.notices AS stood SET
    state = given.state, not_sent_reason = given.not_sent_reason, sent_at = given.sent_at,
    channel = coalesce(given.channel, stood.channel), tries = stood.tries + given.tries,
    last_error = CASE given.tries WHEN 0 THEN stood.last_error ELSE given.last_error END,
    language = coalesce(given.language, stood.language), template = coalesce(stood.template, given.template),
    subject = coalesce(stood.subject, given.subject), text = coalesce(stood.text, given.text),
    held_until = coalesce(given.held_until, stood.held_until),
    workflow_from = CASE WHEN is_left THEN clock_timestamp() END,
    engine_id = CASE WHEN is_left THEN stood.engine_id END,
    engine_attempts = CASE WHEN is_left THEN stood.engine_attempts ELSE 0 END
FROM given JOIN mine ON mine.id = given.id WHERE stood.id = given.id
RETURNING stood.id"""
_OTHERS = " SKIP LOCKED"
_entered = _ENTERED.format(
    columns=", ".join(_TAKEN), values=", ".join(f"given.{name}" for name in _TAKEN), given=_GIVEN
)
_tried = {"columns": ", ".join(f"notice.{name}" for name in _TRIED), "versions": _VERSIONS}

TAKE = RawStatement(_TAKE.format(entered=_entered))
"""Takes notices in, in the order given; answers those whose key is new."""
TAKE_OR_FIND = RawStatement(_TAKE_OR_FIND.format(entered=_entered))
"""Takes notices in, and answers those that it knew as well."""
TAKE_PAGE = RawStatement(_TAKE_PAGE.format(entered=_entered))
"""Takes back what waits, takes notices in, and remembers who was told that a ticket is theirs; answers what is new and
what was taken back. Nothing that it takes in is taken back by it."""
RELEASE = RawStatement(_RELEASE)
"""Lets what is held go; answers it."""
NAMED = RawStatement("SELECT ticket_no, named FROM notify.ticket_handlers WHERE ticket_no = ANY(:ticket_nos)")
STANDINGS = RawStatement("SELECT key, id, state, not_sent_reason, sent_at FROM notify.notices WHERE key = ANY(:keys)")

CLAIM = RawStatement(_CLAIM.format(untried=UNTRIED, **_tried))
"""Claims the first of what nobody has tried; answers it with the versions of quiet hours and texts."""
LOOK = RawStatement(_LOOK.format(**_tried))
KEEP_ALL, KEEP_ONE = (RawStatement(_KEEP.format(given=_GIVEN, others=others)) for others in (_OTHERS, ""))
"""Keep texts that were not kept before, of notices that still wait in the round given."""
END_ALL, END_ONE = (RawStatement(_END.format(given=_GIVEN, others=others)) for others in (_OTHERS, ""))
"""Write down how tries went, of notices that still wait in the round given. Those of `left_over` are a workflow's from
now on; what else still waits is tried like new."""
