"""One page of a list."""

from typing import Generic, TypeVar

from services.contracts.base import Message

Item = TypeVar("Item")


class Page(Message, Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None
