"""The filed reason of a close that nobody wrote a text for (product.md 3.7: every close but `confirmed` has one)."""

from services.contracts.vocabulary import CloseReason

_TEXTS: dict[CloseReason, dict[str, str]] = {
    CloseReason.INFORMATION_NOT_SUPPLIED: {
        "zh": "客户未在规定时间内补充所需信息，经两次提醒后由系统关闭。",
        "en": "The customer did not supply the missing information in time, after reminders; closed by the system.",
    },
    CloseReason.NOT_REACHED: {
        "zh": "多次回访未能联系到客户，由系统关闭。",
        "en": "The customer could not be reached in any of the callback attempts; closed by the system.",
    },
    CloseReason.CALLBACK_REFUSED: {
        "zh": "客户拒绝回访，由系统关闭。",
        "en": "The customer refused the callback; closed by the system.",
    },
    CloseReason.WITHDRAWN: {"zh": "客户撤回反馈。", "en": "Withdrawn by the customer."},
    CloseReason.MERGED: {"zh": "重复反馈，已并入其他工单。", "en": "A duplicate; merged into another ticket."},
    CloseReason.UNRESOLVED: {"zh": "未解决关闭。", "en": "Closed unresolved."},
}


def standard_note(reason: CloseReason, language: str) -> str | None:
    """The text to file when none was written; None for `confirmed`, whose evidence is filed instead."""
    texts = _TEXTS.get(reason)
    return texts["zh" if language.startswith("zh") else "en"] if texts else None
