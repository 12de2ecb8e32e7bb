"""Words of a command to the customer, and whether they heard them: what reached nobody has told nobody."""

from services.contracts.base import Message
from services.contracts.vocabulary import ToldBy


class CustomerTold(Message):
    """`told_by` is how the customer was told otherwise than by our message."""

    told_by: ToldBy | None = None


class Telling(CustomerTold):
    """The same with what the workflow must know besides: whether a channel `reached` the customer when it was said."""

    reached: bool = True

    @property
    def was_heard(self) -> bool:
        """Whether the customer got it, one way or another."""
        return self.reached or self.told_by is not None

    @property
    def evidence(self) -> dict[str, str | bool | None]:
        """The telling as the journal says it; empty where the message simply went."""
        return {"reached": None if self.reached else False, "told_by": self.told_by}
