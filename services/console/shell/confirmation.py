"""A question before a deed that is not easily undone: its form comes back as a page that asks, and goes on from there.

It works without scripts, wherever the form is sent from; nothing is kept on the server.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi.responses import Response

from services.console.service import Page
from services.console.shell.sign_in_again import carried_fields
from services.runtime.pages.forms import Form

_CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Confirmation:
    """The question, what follows from it, the words of its button, and the address for backing out."""

    asked: str
    consequence: str
    button: str
    back: str


def is_confirmed(form: Form) -> bool:
    """Whether the question was answered."""
    return form.one(_CONFIRMED) == "true"


def ask(page: Page, form: Form, question: Confirmation) -> Response:
    """The page that asks; its form is the one that was sent, with the answer."""
    carried: Iterable[tuple[str, str]] = [*carried_fields(form), (_CONFIRMED, "true")]
    return page.render("confirm.html", question=question, target=page.request.url.path, carried=carried)
