"""The environment of every page's templates: all that is printed is escaped, and an unknown name is an error."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def template_environment(*folders: Path) -> Environment:
    """Compile templates of `folders`, of which the first that has one counts, once a process."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _visible(value: object) -> object:
    """Take controls and marks of direction out of a text that is printed: what somebody wrote must not reorder the page
    around it, however it came to be stored. Markup is our own and stays."""
    return _UNSEEN.sub("", value) if type(value) is str else value
