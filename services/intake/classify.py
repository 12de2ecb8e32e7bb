"""Classification proposed on arrival: what the sender stated, plain defaults for the rest (product.md 4)."""

from services.contracts.feedback import Feedback, Proposed
from services.contracts.words import Category, Kind, Tier, Urgency
from services.promises.priority import priority_of

STATED = "stated"
DEFAULT = "default"
SAFETY_RISK = "safety_risk"


def propose(feedback: Feedback, tier: Tier) -> Proposed:
    """Classify a feedback of a customer of `tier`.

    A safety risk makes it urgent whatever was stated. `rule` is `safety_risk` when that decided, `stated` when the
    sender stated everything, `default` when anything was filled in.
    """
    category = feedback.category or Category.OTHER
    kind = feedback.kind or (Kind.FAULT if category is Category.PRODUCT_FAULT else Kind.CONSULTATION)
    urgency = feedback.urgency or Urgency.NORMAL
    rule = STATED if feedback.kind and feedback.category and feedback.urgency else DEFAULT
    if feedback.impact.safety_risk and urgency is not Urgency.URGENT:
        urgency, rule = Urgency.URGENT, SAFETY_RISK
    return Proposed(
        kind=kind,
        category=category,
        urgency=urgency,
        priority=priority_of(urgency, tier, feedback.impact.affected_count),
        rule=rule,
    )
