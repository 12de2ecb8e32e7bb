"""Outcomes of tries, and what they change in the rows of notices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Histogram

from services.contracts.notice import NoticeChannel, NoticeStanding, NoticeState, NotSentReason
from services.notify.notices.submission import NO_CHANNEL, notices_total
from services.notify.notices.writer import NoticeText, Row

delivery_seconds = Histogram(
    "bihuan_notice_delivery_seconds",
    "From the making of a notice to the moment at which its channel took it.",
    ["channel"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0),
)


@dataclass(frozen=True)
class Outcome:
    """One try of one notice.

    What waits afterwards says why: `held_until` the end of quiet hours, or the `failure` for which a workflow tries it
    later. With neither it was not tried at all, and is tried like new. `channel` is the one that was tried.
    """

    row: Row
    state: NoticeState = NoticeState.WAITING
    reason: NotSentReason | None = None
    channel: NoticeChannel | None = None
    error: str | None = None
    text: NoticeText | None = None
    sent_at: datetime | None = None
    held_until: datetime | None = None
    failure: Exception | None = None

    @property
    def is_left_over(self) -> bool:
        """Whether a workflow is to go on with it."""
        return self.failure is not None

    @property
    def is_untried(self) -> bool:
        """Whether it is to be tried like new."""
        return self.state is NoticeState.WAITING and self.failure is None and self.held_until is None

    @property
    def standing(self) -> NoticeStanding:
        """The standing that its submitter hears of."""
        return NoticeStanding(id=self.row["id"], state=self.state, not_sent_reason=self.reason, sent_at=self.sent_at)

    @property
    def columns(self) -> Mapping[str, Any]:
        """The changes of the notice's row; `tries` is how many came to those that there were."""
        return {
            "id": self.row["id"],
            "round": self.row["round"],
            "state": self.state,
            "not_sent_reason": self.reason,
            "channel": self.channel,
            "tries": 0 if self.channel is None else 1,
            "last_error": self.error,
            "sent_at": self.sent_at,
            "held_until": self.held_until,
            **(self.text.columns if self.text else {}),
        }


def count(outcomes: Iterable[Outcome]) -> None:
    """Count notices that have come to their end."""
    for each in outcomes:
        name = each.channel or each.row["channel"] or NO_CHANNEL
        notices_total.labels(each.row["kind"], name, each.state).inc()
        if each.sent_at is not None and each.row["round"] == 1:
            delivery_seconds.labels(name).observe((each.sent_at - each.row["created_at"]).total_seconds())
