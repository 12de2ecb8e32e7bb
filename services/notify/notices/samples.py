"""Facts that the texts of each kind of notice may speak of, with an example: it tries a template before it is taken."""

from collections.abc import Mapping
from typing import Any

from services.contracts.asked_fields import AskedField
from services.contracts.notice import Audience, NoticeKind
from services.contracts.vocabulary import ClockName, CloseReason

CUSTOMER_PLACE, TICKET_LINK_PLACE, SURVEY_LINK_PLACE = "{{customer}}", "{{ticket_link}}", "{{survey_link}}"
"""Placeholders in a written text that are filled at sending, and when it is shown to somebody entitled."""

_AT, _LATER = "2026-11-20T06:30:00Z", "2026-11-23T10:00:00Z"
_ALWAYS: Mapping[str, Any] = {
    "ticket_no": "20261120001",
    "kind": "fault",
    "urgency": "urgent",
    "product_model": "BCD-500",
    "cycle": 1,
    "happened_at": _AT,
}
_TO_CUSTOMER = {"customer": CUSTOMER_PLACE, "ticket_link": TICKET_LINK_PLACE}
_TO_STAFF = {
    "console_link": "https://service.example/tickets/20261120001",
    "alerts_link": "https://service.example/alerts",
    "department": "after-sales",
    "by_name": "王芳",
}
_SURVEY = {"survey_link": SURVEY_LINK_PLACE, "expires_at": _LATER}
_CLOCK = {"clock": ClockName.RESPONSE, "due_at": _LATER, "owner_name": "林涛"}
_LADDER = {"level": 1, "round": 1}

_OF_CUSTOMERS: Mapping[NoticeKind, Mapping[str, Any]] = {
    NoticeKind.RECEIVED: {"acceptance_by": _AT, "response_by": _LATER},
    NoticeKind.INFORMATION_MISSING: {"fields": [AskedField.SERIAL_NO.value], "message": "序列号在机身背面的铭牌上。"},
    NoticeKind.INFORMATION_REMINDER: {"reminder": 1},
    NoticeKind.ACCEPTED: {"response_by": _AT, "resolution_by": _LATER},
    NoticeKind.ANSWERED: {"message": "工程师明天上午上门检查。"},
    NoticeKind.PLAN: {"steps": "1. 更换压缩机\n2. 试机 24 小时", "expected_at": _LATER},
    NoticeKind.PROGRESS: {"message": "配件已到货。"},
    NoticeKind.RESOLVED: {"result": "resolved", "summary": "压缩机已更换。", "reason": None, "callback_by": _LATER},
    NoticeKind.CALLBACK_ANNOUNCED: {
        "callback_by": _LATER, "appointment_at": None, "unreached": True, "second": False,
    },
    NoticeKind.CLOSED: {"close_reason": CloseReason.CONFIRMED, "into": None, "other_customer": None},
    NoticeKind.JOINED_NEWS: {"news": "progress", "into": "20261120002", "message": "配件已到货。", "summary": None},
    NoticeKind.SURVEY: _SURVEY,
    NoticeKind.SURVEY_REMINDER: _SURVEY,
}  # fmt: skip
_OF_STAFF: Mapping[NoticeKind, Mapping[str, Any]] = {
    NoticeKind.ASSIGNED: {"part": "owner", "reopened": False, "resolution_by": _LATER, "note": "请优先处理。"},
    NoticeKind.WARNING: {**_CLOCK, **_LADDER},
    NoticeKind.BREACH: {**_CLOCK, **_LADDER},
    NoticeKind.OVERDUE: _CLOCK,
    NoticeKind.CHASE: {"note": "客户又来电了。"},
    NoticeKind.COPY_JOINED: {"copy": "20261120002", "other_customer": True},
    NoticeKind.CUSTOMER_REPLIED: {"supplied": True, "part": "owner"},
    NoticeKind.PLAN_TO_APPROVE: {"steps": "1. 更换压缩机", "plan_by": _LATER},
    NoticeKind.LOW_RATING: {**_CLOCK, **_LADDER, "overall": "dissatisfied"},
    NoticeKind.WEBHOOK_EXHAUSTED: {"webhook_id": "w-1", "description": "ERP", "failed": 3},
}  # fmt: skip

NAMES = frozenset({"product_model", "by_name", "owner_name", "description"})
"""Short texts that people chose: told in one line, and left out where mail programs would make a link of them."""
TEXTS = frozenset({"message", "steps", "summary", "reason", "note"})
"""Texts of any length that people wrote."""


def audience_of(kind: NoticeKind) -> Audience:
    """The audience of notices of this kind."""
    return Audience.STAFF if kind in _OF_STAFF else Audience.CUSTOMER


def sample(kind: NoticeKind) -> dict[str, Any]:
    """Everything that a text of this kind may name, with an example of each."""
    if kind in _OF_STAFF:
        return {**_ALWAYS, **_TO_STAFF, **_OF_STAFF[kind]}
    return {**_ALWAYS, **_TO_CUSTOMER, **_OF_CUSTOMERS[kind]}


def variables(kind: NoticeKind) -> tuple[str, ...]:
    """The names that a text of this kind may use."""
    return tuple(sorted(sample(kind)))


def carries_texts(kind: NoticeKind) -> bool:
    """Whether a text of this kind may hold what people wrote: those need the right to notes."""
    return not TEXTS.isdisjoint(sample(kind))


SAMPLE_PLACES = (
    "韩梅梅",
    {
        "ticket": "https://service.example/t/…",
        "survey": "https://service.example/s/…",
        "console": _TO_STAFF["console_link"],
        "alerts": _TO_STAFF["alerts_link"],
    },
)
"""A customer's name and links for a preview."""
