"""Search attributes of a ticket's workflow: operators find tickets by them in Temporal's own lists."""

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from services.contracts.names import SEARCH_DEPARTMENT, SEARCH_STATUS, SEARCH_URGENCY
from services.contracts.ticket import TicketState

_STATUS = SearchAttributeKey.for_keyword(SEARCH_STATUS)
_DEPARTMENT = SearchAttributeKey.for_keyword(SEARCH_DEPARTMENT)
_URGENCY = SearchAttributeKey.for_keyword(SEARCH_URGENCY)


def search_attributes(state: TicketState) -> TypedSearchAttributes:
    """Status, urgency, and the department where there is one."""
    values = ((_STATUS, state.status), (_DEPARTMENT, state.department), (_URGENCY, state.urgency))
    return TypedSearchAttributes([SearchAttributePair(key, str(value)) for key, value in values if value is not None])


def updates(state: TicketState, shown: TypedSearchAttributes) -> list[SearchAttributeUpdate[str]]:
    """The attributes of `shown` that are out of date. A workflow that was started without any gets none: its namespace
    may not know them, and would refuse every step that names one."""
    if shown.get(_STATUS) is None:
        return []
    present = search_attributes(state)
    keys = (_STATUS, _DEPARTMENT, _URGENCY)
    stale = ((key, present.get(key)) for key in keys if present.get(key) != shown.get(key))
    return [key.value_unset() if value is None else key.value_set(value) for key, value in stale]
