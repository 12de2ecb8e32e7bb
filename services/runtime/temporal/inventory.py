"""Our workflows that the engine runs, and rows whose workflow it has lost: by hand, by a fault, by a stranger."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement
from temporalio.client import Client, WorkflowExecution
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from services.runtime.temporal.client import MEMO
from services.runtime.temporal.signatures import Signatures


@dataclass(frozen=True)
class Workflows:
    """The workflows of a kind of row, as they are known: by type and queue, and each by an id made of `columns`.

    `expected` are the living rows that have one all the time, where not all have. `former` is the type under which an
    earlier release began them: what runs under it is ended, and the row gets a workflow of today's type.
    """

    type: str
    queue: str
    id_of: Callable[..., str]
    columns: tuple[Column[Any], ...]
    expected: ColumnElement[bool] | None = None
    former: str | None = None


class Runs(Protocol):
    """An engine, asked what it runs."""

    async def count(self, workflows: Workflows) -> int:
        """Count those that bear the type's name and wait at its queue, whoever has started them."""

    def ids(self, workflows: Workflows) -> AsyncIterator[str]:
        """The ids of those that we have started."""


class EngineRuns:
    """Asks the engine's own list, which may be a moment behind."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def count(self, workflows: Workflows) -> int:
        """Count them.

        Raises:
            RPCError: the engine does not answer.
        """
        here = f"{_running(workflows.type)} AND TaskQueue = '{workflows.queue}'"
        return (await self._client.count_workflows(here)).count

    async def ids(self, workflows: Workflows) -> AsyncIterator[str]:
        """List them; what others have started under the type's name is ended, it may hold the place of one of ours.

        Raises:
            RPCError: the engine does not answer.
        """
        if workflows.former is not None:
            async for found in self._client.list_workflows(_running(workflows.former)):
                await self._terminate(found, "begun by an earlier release")
        async for found in self._client.list_workflows(_running(workflows.type)):
            if found.task_queue == workflows.queue and await self._is_ours(found):
                yield found.id
                continue
            await self._terminate(found, "not started by us")

    async def _terminate(self, found: WorkflowExecution, reason: str) -> None:
        with suppress(RPCError):  # it may have ended by itself
            await self._client.get_workflow_handle(found.id, run_id=found.run_id).terminate(reason=reason)

    async def _is_ours(self, found: WorkflowExecution) -> bool:
        converter = self._client.data_converter
        if not isinstance(converter.payload_codec, Signatures):
            return True
        context = WorkflowSerializationContext(namespace=self._client.namespace, workflow_id=found.id)
        memo = found.raw_info.memo.fields
        try:
            return await converter.with_context(context).decode([memo[name] for name in MEMO]) == [*MEMO.values()]
        except ApplicationError:
            return False


def _running(type_: str) -> str:
    return f"WorkflowType = '{type_}' AND ExecutionStatus = 'Running'"
