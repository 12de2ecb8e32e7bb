"""Priority from urgency, customer tier and impact (product.md section 4)."""

from collections.abc import Mapping

from services.contracts.vocabulary import Priority, Tier, Urgency

BY_URGENCY: Mapping[Urgency, Priority] = {
    Urgency.URGENT: Priority.HIGH,
    Urgency.NORMAL: Priority.MEDIUM,
    Urgency.LOW: Priority.LOW,
}
RAISED: Mapping[Priority, Priority] = {
    Priority.LOW: Priority.MEDIUM,
    Priority.MEDIUM: Priority.HIGH,
    Priority.HIGH: Priority.HIGH,
}
RAISING_TIERS = frozenset({Tier.VIP})
MANY_AFFECTED = 5


def priority_of(urgency: Urgency, tier: Tier, affected_count: int) -> Priority:
    """Rate a ticket. That a safety risk makes it urgent is decided before, when it is classified."""
    if affected_count >= MANY_AFFECTED:
        return Priority.HIGH
    priority = BY_URGENCY[urgency]
    return RAISED[priority] if tier in RAISING_TIERS else priority
