"""What the alert's workflow calls. Both are safe to repeat: the rows say what is left to do."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.alert import AlertStanding, Climb
from services.contracts.names import ACTIVITY_CLIMB, ACTIVITY_ENTER_REMARKS
from services.notify.alerts.escalation import Climber
from services.notify.alerts.remarks import Remarking
from services.runtime.errors import Refusal


class AlertActivities:
    """Climbs ladders and tells journals."""

    def __init__(self, climber: Climber, remarking: Remarking) -> None:
        self._climber = climber
        self._remarking = remarking

    @activity.defn(name=ACTIVITY_CLIMB)
    async def climb(self, asked: Climb) -> AlertStanding:
        """Do what is due of an alert; answers how it stands then.

        Raises:
            ApplicationError: PostgreSQL or the directory is away; the message is a code.
        """
        try:
            return await self._climber.climb(asked)
        except Refusal as refusal:
            raise ApplicationError("not climbed", refusal.code, type=type(refusal).__name__) from None

    @activity.defn(name=ACTIVITY_ENTER_REMARKS)
    async def enter_remarks(self, alert_id: str) -> int:
        """Tell the ticket's journal what it does not know yet; answers how much it has been told of the alert.

        Raises:
            ApplicationError: the workflow service is away; the message is a code.
        """
        try:
            return await self._remarking.enter(alert_id)
        except Refusal as refusal:
            raise ApplicationError("not entered", refusal.code, type=type(refusal).__name__) from None
