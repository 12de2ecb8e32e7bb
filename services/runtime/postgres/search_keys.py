"""One spelling of what is looked for and of where: case and width say nothing, in numbers neither do `#`, spaces and
dashes. PostgreSQL folds by the same rules as Python."""

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

_NOTHING = "#- \t\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_BY_NOTHING = str.maketrans("", "", _NOTHING)
_NFKC: ColumnElement[Any] = literal_column("NFKC")


def folded(text: str) -> str:
    """A text as words are looked for."""
    return unicodedata.normalize("NFKC", text).lower()


def folded_number(text: str) -> str:
    """A number, as on a ticket, a label or an order."""
    return folded(text).translate(_BY_NOTHING)


def folded_column(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same for what is stored."""
    return func.lower(func.normalize(column, _NFKC))


def folded_number_column(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same for a stored number."""
    return func.translate(folded_column(column), _NOTHING, "")
