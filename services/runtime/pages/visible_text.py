"""A value as a template prints it: as it is, but for what nobody sees and what turns the direction of writing."""

import re

_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def printed(value: object) -> object:
    """Take controls and marks of direction out of a text that is printed: what somebody wrote must not reorder the page
    around it, however it came to be stored. Markup is our own and stays."""
    return _UNSEEN.sub("", value) if type(value) is str else value
