"""The first try of every invitation, without the engine: its workflow begins when there is something to wait for.

Notify tells of the notice's end, mostly at once; the row then holds the instants that the workflow waits for.
"""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select, update

from services.contracts.notice import NoticeState
from services.contracts.survey import SurveyState
from services.runtime.errors import Refusal
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log
from services.survey.invitations.notices import SurveyNotices
from services.survey.states import FIRST_ATTEMPTS_CHANNEL, STARTER_CHANNEL, UNTRIED
from services.survey.tables import invitations

TRY_SECONDS = 3.0
CLAIMED_FOR = timedelta(minutes=1)
"""Then a workflow takes over: from a process that died in the middle of its try, from a notice that waits for its
channel, and where the telling of the notice's end was lost."""


class FirstAttempts:
    """Hands over what nobody has tried yet, `hands` at once; several processes share the work."""

    def __init__(self, database: Database, notices: SurveyNotices, *, hands: int) -> None:
        self._database = database
        self._notices = notices
        self._hands = hands

    async def run(self) -> None:
        """Try what is new, until cancelled."""
        pool = ClaimPool(self._database, FIRST_ATTEMPTS_CHANNEL, claim=self.claim, work=self.attempt, most=self._hands)
        await pool.run()

    async def claim(self, most: int) -> list[str]:
        """The next ones, the oldest first; nobody else tries them."""
        untried = select(invitations.c.id).where(UNTRIED).order_by(invitations.c.created_at)
        untried = untried.limit(most).with_for_update(skip_locked=True)
        claimed = update(invitations).where(invitations.c.id.in_(untried))
        claimed = claimed.values(workflow_from=func.clock_timestamp() + CLAIMED_FOR).returning(invitations.c.id)
        async with self._database.begin() as connection:
            return list((await connection.execute(claimed)).scalars())

    async def attempt(self, survey_id: str) -> None:
        """Hand over one that was claimed; what does not wait for its channel then is left to a workflow."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                is_on_its_way = await self._hand_over(survey_id)
            if not is_on_its_way:
                await self._leave_to_a_workflow(survey_id)
        except (Refusal, TimeoutError):
            await self._leave_to_a_workflow(survey_id)
        except Exception:  # noqa: BLE001 - an invitation that fails in a new way must not stop the others
            log().exception("an invitation was not handed over")
            await self._leave_to_a_workflow(survey_id)

    async def _hand_over(self, survey_id: str) -> bool:
        """Whether nothing is left to do but wait for notify.

        The row is held meanwhile. An answer or a reopening comes before, and nobody is invited; or after, and what they
        take back has been handed over.
        """
        mine = (invitations.c.id == survey_id, invitations.c.state == SurveyState.SCHEDULED)
        async with self._database.begin() as connection:
            row = (await connection.execute(select(invitations).where(*mine).with_for_update())).mappings().first()
            if row is None:
                return True
            standing = await self._notices.invite(row)
        return standing is not None and standing.state is NoticeState.WAITING

    async def _leave_to_a_workflow(self, survey_id: str) -> None:
        still = (invitations.c.id == survey_id, invitations.c.state == SurveyState.SCHEDULED)
        try:
            async with self._database.begin() as connection:
                await connection.execute(update(invitations).where(*still).values(workflow_from=func.clock_timestamp()))
                await wake(connection, STARTER_CHANNEL)
        except Refusal:
            log().warning("an invitation waits for its claim to end", survey=survey_id)
