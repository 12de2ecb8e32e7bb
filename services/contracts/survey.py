"""A survey: what a customer is asked after the confirmation, and what they answered (product.md 8)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StringConstraints, model_validator

from services.contracts.base import Code, Instant, Message
from services.contracts.lines import one_line
from services.contracts.vocabulary import CloseReason

LOWEST_GOOD, HIGHEST_LOW = 4, 2
"""Scores from 4 count as satisfied; 1 and 2 are low and call for a supervisor (product.md 8)."""


class SurveyState(StrEnum):
    """State of an invitation. `not_sent` has a reason and is counted."""

    SCHEDULED = "scheduled"
    SENT = "sent"
    ANSWERED = "answered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    NOT_SENT = "not_sent"

    @property
    def is_open(self) -> bool:
        """Whether the customer may still answer."""
        return self in {SurveyState.SCHEDULED, SurveyState.SENT}


class NotInvited(StrEnum):
    """The reason that nobody was asked, or could be: the ticket's end, our own rules, or the notice's end."""

    UNRESOLVED = CloseReason.UNRESOLVED
    INFORMATION_NOT_SUPPLIED = CloseReason.INFORMATION_NOT_SUPPLIED
    NOT_REACHED = CloseReason.NOT_REACHED
    CALLBACK_REFUSED = CloseReason.CALLBACK_REFUSED
    WITHDRAWN = CloseReason.WITHDRAWN
    MERGED = CloseReason.MERGED
    COOLDOWN = "cooldown"
    """The customer was asked about another ticket a short while ago (semantics.md 25)."""
    STALE = "stale"
    """Read so late that the invitation would have expired already."""
    NO_ADDRESS = "no_address"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    CANCELLED = "cancelled"
    UNWRITABLE = "unwritable"
    FAILED = "failed"
    """The notice was tried to the end and did not arrive."""


UNDELIVERED = frozenset(reason for reason in NotInvited if reason.value not in set[str](CloseReason))
"""Reasons that leave a confirmed ticket unasked: such a customer may still rate on the phone."""


class Overall(StrEnum):
    """Overall satisfaction in five words (D1 D4)."""

    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    NEUTRAL = "neutral"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"

    @property
    def score(self) -> int:
        """The word as one of the scores 5 to 1."""
        return 5 - list(Overall).index(self)

    @classmethod
    def of(cls, score: int | None) -> "Overall | None":
        """The word of a score."""
        return None if score is None else list(cls)[5 - score]


class Dimension(StrEnum):
    """The four dimensions of D0."""

    RESPONSE_SPEED = "response_speed"
    PROBLEM_SOLVING = "problem_solving"
    ATTITUDE = "attitude"
    CONVENIENCE = "convenience"


class QuestionType(StrEnum):
    """The form in which a question is answered; `words` are the scale in five words."""

    SCALE = "scale"
    WORDS = "words"
    ZERO_TO_TEN = "zero_to_ten"
    YES_NO = "yes_no"
    CHOICE = "choice"
    TEXT = "text"


OVERALL, RECOMMEND, SOLVED_FIRST_TIME, SUGGESTION = "overall", "recommend", "solved_first_time", "suggestion"
BUILT_IN: Mapping[str, QuestionType] = {
    OVERALL: QuestionType.WORDS,
    RECOMMEND: QuestionType.ZERO_TO_TEN,
    SOLVED_FIRST_TIME: QuestionType.YES_NO,
    SUGGESTION: QuestionType.TEXT,
}
"""Questions that reports know, with the type that each must have; questions on a scale besides are dimensions."""


class Choice(Message):
    """One answer of a choice, with its words by language."""

    id: Code
    words: Mapping[str, str]


class Question(Message):
    """One question; `words` by language (`zh-CN`, `en`)."""

    id: Code
    type: QuestionType
    words: Mapping[str, str]
    required: bool = False
    choices: tuple[Choice, ...] = ()

    @property
    def is_dimension(self) -> bool:
        """Whether its answer is one of the answer's `scores`."""
        return self.id not in BUILT_IN and self.type in {QuestionType.SCALE, QuestionType.WORDS}

    @model_validator(mode="after")
    def _is_what_reports_expect(self) -> Self:
        if self.type is not BUILT_IN.get(self.id, self.type):
            raise ValueError(f"question {self.id} must be of type {BUILT_IN[self.id]}")
        if (self.type is QuestionType.CHOICE) != bool(self.choices):
            raise ValueError(f"question {self.id}: a choice has choices, nothing else has")
        return self


class Questionnaire(Message):
    """One version of a questionnaire; invitations keep the version that they were made with."""

    id: Code
    version: int = Field(ge=1)
    title: Mapping[str, str]
    questions: tuple[Question, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if len({question.id for question in self.questions}) != len(self.questions):
            raise ValueError("two questions have the same id")
        return self


Score = Annotated[StrictInt, Field(ge=1, le=5)]
_Suggestion = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000)] | None,
    BeforeValidator(lambda text: None if isinstance(text, str) and not one_line(text) else text),
]


class Answer(Message):
    """A customer's answer (api.md). `scores` by dimension, 1 to 5; `other` by the ids of further questions."""

    scores: Mapping[Code, Score] = Field(default_factory=dict)
    overall: Overall | None = None
    recommend: Annotated[StrictInt, Field(ge=0, le=10)] | None = None
    solved_first_time: StrictBool | None = None
    suggestion: _Suggestion = None
    other: Mapping[Code, StrictBool | StrictInt | Annotated[str, Field(max_length=5_000)]] = Field(
        default_factory=dict, max_length=50
    )

    @property
    def is_low(self) -> bool:
        """Whether any score, or the overall word, is 1 or 2: a supervisor calls (product.md 8)."""
        overall = [self.overall.score] if self.overall else []
        return min([*self.scores.values(), *overall], default=HIGHEST_LOW + 1) <= HIGHEST_LOW


class SurveyStart(Message):
    """The input of a survey's workflow; everything else is on the invitation's row."""

    survey_id: str


class SurveyStep(Message):
    """A step that time takes; `at` is the workflow's own time."""

    survey_id: str
    at: Instant


class SurveyStanding(Message):
    """Standing of an invitation, as its workflow is told. An instant that is null is not waited for. At `look_at` an
    invitation is looked at again whose delivery nobody has told of."""

    state: SurveyState
    look_at: Instant | None = None
    remind_at: Instant | None = None
    expires_at: Instant | None = None
