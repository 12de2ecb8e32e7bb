"""Classification proposed on arrival (product.md 4): what the sender stated, then what their words say, then plain
defaults. Kind and category never contradict each other, because departments are found by the category."""

from collections.abc import Mapping

from services.contracts.feedback import Feedback, Proposed
from services.contracts.vocabulary import Category, Kind, Tier, Urgency
from services.intake.feedback.keywords import CATEGORIES, DANGER, KINDS, Match, folded, matches
from services.promises.priority import priority_of

STATED = "stated"
DEFAULT = "default"
SAFETY_RISK = "safety_risk"
KEYWORD = "keyword:"

_ASKED = (Category.USAGE_QUESTION, Category.LOGISTICS_DELAY, Category.PROCESS, Category.OTHER)
FITTING: Mapping[Kind, tuple[Category, ...]] = {
    Kind.COMPLAINT: tuple(Category),
    Kind.FAULT: (Category.PRODUCT_FAULT,),
    Kind.CONSULTATION: _ASKED,
    Kind.SUGGESTION: (*_ASKED, Category.SERVICE_ATTITUDE),
    Kind.PRAISE: (Category.SERVICE_ATTITUDE, Category.PROCESS, Category.OTHER),
}
"""The categories that a kind can have by proposal; whoever states both decides for themselves."""


def propose(feedback: Feedback, tier: Tier) -> Proposed:
    """Classify a feedback of a customer of `tier`.

    A safety risk makes it urgent whatever was stated. `rule` is `safety_risk` when that decided, `stated` when the
    sender stated everything, `keyword:` and the word that decided first, `default` when nothing but defaults filled
    something in.
    """
    stated_all = feedback.kind and feedback.category and feedback.urgency
    # Nobody looks for words where they decide nothing.
    text = "" if stated_all else folded("\n".join(filter(None, (feedback.description, feedback.situation))))
    kind, by_kind = _kind(feedback, text)
    category, by_category = _category(feedback, kind, text)
    urgency, by_danger = _urgency(feedback, text)
    word = next((each.word for each in (by_danger, by_kind, by_category) if each), None)
    rule = STATED if stated_all else f"{KEYWORD}{word}" if word else DEFAULT
    if feedback.impact.safety_risk and urgency is not Urgency.URGENT:
        urgency, rule = Urgency.URGENT, SAFETY_RISK
    return Proposed(
        kind=kind,
        category=category,
        urgency=urgency,
        priority=priority_of(urgency, tier, feedback.impact.affected_count),
        rule=rule,
    )


def _kind(feedback: Feedback, text: str) -> tuple[Kind, Match | None]:
    if feedback.kind:
        return feedback.kind, None
    for match in matches(KINDS, text):
        if feedback.category is None or feedback.category in FITTING[Kind(match.means)]:
            return Kind(match.means), match
    return Kind.FAULT if feedback.category is Category.PRODUCT_FAULT else Kind.CONSULTATION, None


def _category(feedback: Feedback, kind: Kind, text: str) -> tuple[Category, Match | None]:
    if feedback.category:
        return feedback.category, None
    fitting = FITTING[kind]
    for match in matches(CATEGORIES, text):
        if match.means in fitting:
            return Category(match.means), match
    return Category.OTHER if Category.OTHER in fitting else fitting[0], None


def _urgency(feedback: Feedback, text: str) -> tuple[Urgency, Match | None]:
    if feedback.urgency:
        return feedback.urgency, None
    if found := DANGER.search(text):
        return Urgency.URGENT, Match(Urgency.URGENT, found[0])
    return Urgency.NORMAL, None
