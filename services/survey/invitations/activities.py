"""Activities of the survey workflow: asking through notify, and what follows from an answer or from none."""

from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.alert import RaiseAlert, RatingCorrected, Threshold
from services.contracts.base import format_instant
from services.contracts.feed import Remark
from services.contracts.journal import EventType
from services.contracts.names import ACTIVITY_CONCLUDE, ACTIVITY_EXPIRE, ACTIVITY_INVITE, ACTIVITY_REMIND
from services.contracts.notice import NoticeStanding, NoticeState
from services.contracts.survey import NotInvited, Overall, SurveyStanding, SurveyStart, SurveyState, SurveyStep
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.service_client import ServiceClient, segment
from services.runtime.telemetry import log
from services.survey.answers.answers import is_changed
from services.survey.invitations.notices import SurveyNotices, key_of
from services.survey.states import Row, Sending, Standings, not_invited
from services.survey.times import Times

NEWER = "newer"
"""Error type: the survey changed while its end was being told; the engine tells it again."""

_FIRST_LOOK, _LONGEST_LOOK = timedelta(minutes=1), timedelta(hours=1)
"""When to look at an invitation of whose delivery notify has not told: a telling that was lost costs no more."""


class SurveyActivities:
    """One per worker. Everything here may be called twice."""

    def __init__(
        self,
        standings: Standings,
        notices: SurveyNotices,
        *,
        notify: ServiceClient,
        tickets: ServiceClient,
        call_within: timedelta,
    ) -> None:
        self._standings = standings
        self._notices = notices
        self._notify = notify
        self._tickets = tickets
        self._times = Times(tickets)
        self._call_within = call_within

    @activity.defn(name=ACTIVITY_INVITE)
    async def invite(self, start: SurveyStart) -> SurveyStanding:
        """Ask the customer; answers where the invitation stands, with the instants that follow. While its notice is on
        its way it stays `scheduled`: notify tells when that has ended."""
        row = await self._row(start.survey_id)
        if row["state"] == SurveyState.SCHEDULED:
            await self._enter(row, await self._notices.invite(row))
            row = await self._row(start.survey_id)
        if row["sent_at"]:
            await self._remark(row, "sent", EventType.SURVEY_SENT, row["sent_at"])
        if row["state"] == SurveyState.SCHEDULED:
            return SurveyStanding(state=row["state"], look_at=_next_look(row["created_at"], datetime.now(UTC)))
        if row["state"] != SurveyState.SENT:
            return SurveyStanding(state=row["state"])
        remind_at = None if row["reminded_at"] else row["remind_at"]
        return SurveyStanding(state=row["state"], remind_at=remind_at, expires_at=row["expires_at"])

    @activity.defn(name=ACTIVITY_REMIND)
    async def remind(self, step: SurveyStep) -> SurveyStanding:
        """Remind a customer who has not answered."""
        row = await self._row(step.survey_id)
        if row["state"] == SurveyState.SENT and row["reminded_at"] is None:
            await self._notices.remind(row, step.at)
            await self._standings.reminded(step.survey_id, step.at)
        return SurveyStanding(state=row["state"])

    @activity.defn(name=ACTIVITY_EXPIRE)
    async def expire(self, step: SurveyStep) -> SurveyStanding:
        """Close an invitation that nobody answered in time."""
        await self._standings.expired(step.survey_id, step.at)
        return SurveyStanding(state=(await self._row(step.survey_id))["state"])

    @activity.defn(name=ACTIVITY_CONCLUDE)
    async def conclude(self, start: SurveyStart) -> SurveyStanding:
        """Tell the journal of the end, raise the alert of a low rating, take back notices that wait.

        An open survey has no end yet: whoever called for it, its workflow is started anew (`temporal.inventory`).

        Raises:
            ApplicationError: `newer`, retried: the survey changed meanwhile.
        """
        row = await self._row(start.survey_id)
        if SurveyState(row["state"]).is_open:
            return SurveyStanding(state=row["state"])
        if row["state"] == SurveyState.EXPIRED:
            await self._remark(row, "expired", EventType.SURVEY_EXPIRED, row["expires_at"])
        if row["state"] == SurveyState.ANSWERED:
            await self._tell_answer(row)
        if row["state"] in {SurveyState.ANSWERED, SurveyState.WITHDRAWN}:
            await self._notices.take_back(row)
        if not await self._standings.done(start.survey_id, row["revision"]):
            raise ApplicationError("the survey changed", type=NEWER)
        return SurveyStanding(state=row["state"])

    async def _row(self, survey_id: str) -> Row:
        row = await self._standings.of(survey_id)
        if row is None:
            raise ApplicationError(f"no survey {survey_id}", non_retryable=True)
        return row

    async def _enter(self, row: Row, standing: NoticeStanding | None) -> None:
        if standing is None:
            await self._standings.not_sent(row["id"], NotInvited.UNWRITABLE)
        elif standing.state is NoticeState.WAITING:
            return
        elif standing.state is NoticeState.SENT and standing.sent_at:
            await self._standings.sent(row["id"], await self._sending(row, standing.sent_at))
        else:
            await self._standings.not_sent(row["id"], not_invited(standing))

    async def _sending(self, row: Row, sent_at: datetime) -> Sending:
        expires_at = await self._times.after(sent_at, row["expires_after"], row["policy"])
        remind_at = await self._times.after(sent_at, row["remind_after"], row["policy"])
        return Sending.of(sent_at, remind_at=remind_at, expires_at=expires_at)

    async def _remark(self, row: Row, name: str, type_: EventType, at: datetime, *, changed: bool = False) -> None:
        """Write into the ticket's journal; codes only. A ticket that the journal does not know is passed by."""
        answered = type_ is EventType.SURVEY_ANSWERED
        data = {"survey_id": row["id"]} | ({**_codes(row), "changed": changed} if answered else {})
        remark = Remark(key=f"{key_of(row)}/{name}", type=type_, at=at, cycle=row["cycle"], data=data)
        path = f"/internal/tickets/{segment(row['ticket_no'])}/remarks"
        try:
            await self._tickets.post(path, remark.model_dump(mode="json"))
        except (NotFound, ValidationFailed):
            log().exception("a survey's remark was refused")

    async def _tell_answer(self, row: Row) -> None:
        """Write the answer into the journal, a changed one beside the first, and call for a supervisor or call off."""
        await self._remark(row, "answered", EventType.SURVEY_ANSWERED, row["answered_at"])
        if row["low"]:
            await self._raise_alert(row)
        if is_changed(row):
            name = f"answered/{format_instant(row['changed_at'])}"
            await self._remark(row, name, EventType.SURVEY_ANSWERED, row["changed_at"], changed=True)
            if not row["low"]:
                await self._call_off(row)

    async def _call_off(self, row: Row) -> None:
        """End the alert of a rating that its customer corrected upwards, if there was one."""
        corrected = RatingCorrected(ticket_no=row["ticket_no"], cycle=row["cycle"], at=row["changed_at"])
        await self._notify.post("/internal/alerts/ratings-corrected", corrected.model_dump(mode="json"))

    async def _raise_alert(self, row: Row) -> None:
        """Call for a supervisor (product.md 8); idempotent by ticket, cycle and threshold."""
        alert = RaiseAlert(
            ticket_no=row["ticket_no"],
            cycle=row["cycle"],
            threshold=Threshold.LOW_RATING,
            raised_at=row["changed_at"],
            due_at=row["changed_at"] + self._call_within,
        )
        await self._notify.post("/internal/alerts", alert.model_dump(mode="json"))


def _next_look(created_at: datetime, now: datetime) -> datetime:
    """The older the invitation, the longer until the next look."""
    return now + min(max((now - created_at) / 2, _FIRST_LOOK), _LONGEST_LOOK)


def _codes(row: Row) -> dict[str, str | int | bool | dict[str, int] | None]:
    """The answer in codes: what a webhook may carry."""
    codes = {name: row[name] for name in ("scores", "recommend", "solved_first_time", "recorded_by", "low")}
    return {**codes, "overall": Overall.of(row["overall"])}
