"""The activity of the alert's workflow."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.alert import AlertStanding, Climb
from services.contracts.names import ACTIVITY_CLIMB
from services.notify.alerts.escalation import Escalation
from services.runtime.errors import Refusal


class AlertActivities:
    """Climbs ladders. Safe to repeat: the row says what is left to do."""

    def __init__(self, escalation: Escalation) -> None:
        self._escalation = escalation

    @activity.defn(name=ACTIVITY_CLIMB)
    async def climb(self, asked: Climb) -> AlertStanding:
        """Do what is due of an alert; answers how it stands then.

        Raises:
            ApplicationError: PostgreSQL or the directory is away; the message is a code.
        """
        try:
            return await self._escalation.climb(asked)
        except Refusal as refusal:
            raise ApplicationError("not climbed", refusal.code, type=type(refusal).__name__) from None
