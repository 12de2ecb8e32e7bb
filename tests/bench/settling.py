"""The end of what follows from a load: until then its cost is not all spent."""

import asyncio

import asyncpg

from services.workflow.journal.cursors import position
from tests.bench.stack import Stack

PATIENCE_SECONDS = 180.0
LOOK_EVERY_SECONDS = 0.5
LOOKS = 2
"""So often in a row nothing may be under way: what a follower does may be told in the journal again."""
_LAST = "SELECT tx::text, ticket_no, seq FROM workflow.journal ORDER BY tx DESC, ticket_no DESC, seq DESC LIMIT 1"
_FOLLOWERS = "SELECT cursor FROM notify.feed_cursors UNION ALL SELECT cursor FROM survey.feed_cursors"
_UNDER_WAY = """
SELECT (SELECT count(*) FROM intake.outbox)
     + (SELECT count(*) FROM notify.notices
         WHERE state = 'waiting' AND NOT held AND (held_until IS NULL OR held_until <= now()))
     + (SELECT count(*) FROM notify.webhook_deliveries WHERE state = 'pending')
     + (SELECT count(*) FROM survey.invitations WHERE NOT done AND state <> 'sent')
"""


async def until_settled(stack: Stack) -> None:
    """Return when followers have read the whole journal, and no notice, delivery or invitation is on its way,
    nor anything that follows from an answer."""
    database = await stack.connect()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            looks = 0
            while looks < LOOKS:
                looks = looks + 1 if await _is_settled(database) else 0
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        await database.close()


async def _is_settled(database: asyncpg.Connection) -> bool:
    last = await database.fetchrow(_LAST)
    if last is None:
        return True
    end = (int(last["tx"]), last["ticket_no"], last["seq"])
    places = [row["cursor"] for row in await database.fetch(_FOLLOWERS)]
    everything_is_read = all(cursor is not None and position(cursor) >= end for cursor in places)
    return everything_is_read and not await database.fetchval(_UNDER_WAY)
