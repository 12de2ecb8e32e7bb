"""Reasons that a survey takes no answer, in words for customers and staff."""

from services.runtime.errors import Conflict, Refusal


class SurveyClosed(Refusal, status=410, code="survey_closed"):
    """The survey's time is over, or its question is."""

    @classmethod
    def expired(cls) -> "SurveyClosed":
        """Nobody answered in time."""
        return cls(
            {
                "en": "The time for answering has passed. Call us if there is something that we should know.",
                "zh": "评价时间已过。如有想告诉我们的，请直接联系我们。",
            },
            code="survey_expired",
            title={"en": "This survey has ended", "zh": "评价已截止"},
        )

    @classmethod
    def withdrawn(cls) -> "SurveyClosed":
        """The ticket goes on, so the question came too early."""
        return cls(
            {
                "en": "We are working on this ticket again and will ask once more when it is done.",
                "zh": "工单正在继续处理，完成后我们会重新邀请您评价。",
            },
            code="survey_withdrawn",
            title={"en": "This survey was withdrawn", "zh": "评价已撤回"},
        )


class AnsweredElsewhere(Conflict, code="answered_elsewhere"):
    """Another window has answered since the form was shown."""

    def __init__(self) -> None:
        super().__init__(
            {
                "en": "The survey has been answered since the form was shown: look at the answer first.",
                "zh": "表单显示之后评价已有更新：请先查看最新的评价。",
            },
            title={"en": "Answered meanwhile", "zh": "评价已有更新"},
        )


class AlreadyAnswered(Conflict, code="already_answered"):
    """An answer counts once."""

    def __init__(self) -> None:
        super().__init__(
            {
                "en": "This survey has its answer, and the time for changing it has passed.",
                "zh": "该评价已提交，且已超过可修改的时间。",
            },
            title={"en": "Already answered", "zh": "已经评价过"},
        )
