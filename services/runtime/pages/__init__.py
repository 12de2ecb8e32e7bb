"""Pages for everybody: HTML that needs no sign-in, no JavaScript and nothing from elsewhere.

A service makes one `Pages` of its folder of templates and its `Wording`, and answers with `pages.answer(request,
"some.html", ...)`. Its router is `page_router()`: every refusal on its paths is then a page too. Templates extend
`public.html` and draw forms with the macros of `fields.html`, from a `Filled`. POST endpoints begin with
`await read_form(request)`, which refuses other sites, files, and more than a form; they end with `see_other(...)`.
"""

from services.runtime.pages.banner import announce, announcement, forget_announcement
from services.runtime.pages.forms import Filled, Form, new_key, read_form, require_key
from services.runtime.pages.frame import Pages, page_router, see_other
from services.runtime.pages.language import page_language
from services.runtime.pages.origin import require_same_site
from services.runtime.pages.refusals import refusal_pages
from services.runtime.pages.visible_text import printed

__all__ = [
    "Filled",
    "Form",
    "Pages",
    "announce",
    "announcement",
    "forget_announcement",
    "new_key",
    "page_language",
    "page_router",
    "printed",
    "read_form",
    "refusal_pages",
    "require_key",
    "require_same_site",
    "see_other",
]
