"""Contacts in free text: left out where it is read by somebody for whom it was not written."""

import re

_LEFT_OUT = "***"
_DATE = r"(?P<date>\d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2})"
# Bounded, or a long text without a space would be read again from each of its letters.
_EMAIL = r"[^\s@＠<>，。；、]{1,64}[@＠][^\s@＠<>，。；、]+"
_PHONE = r"[+＋]?\d(?:[\s()（）\u2010-\u2015－-]{0,2}\d){6,}"
_CONTACT = re.compile(f"{_DATE}|{_EMAIL}|{_PHONE}")


def without_contacts(text: str) -> str:
    """The text without whatever could be an e-mail address or a phone number, whoever's it is; dates stay."""
    return _CONTACT.sub(lambda found: found["date"] or _LEFT_OUT, text)
