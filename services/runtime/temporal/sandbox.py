"""The sandbox that workflows run in: what it takes as it is, and what it need not be asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxMatcher, SandboxRestrictions
from temporalio.workflow import Info

_OURS = "services"
SHARED_WITH_SANDBOX = (_OURS, "pydantic", "pydantic_core", "annotated_types", "email_validator")
"""The sandbox takes these modules as they are instead of loading them a run. Of ours, tests/architecture proves pure
whatever a workflow imports."""
_NO_RESULT = Payloads()
_WITHIN = "__temporal_in_sandbox"
"""The name by which the sandbox knows what runs in it."""


def sandbox(shared: Sequence[str] = SHARED_WITH_SANDBOX) -> SandboxedWorkflowRunner:
    """Build the sandbox that workflows run, and are replayed, in; it loads for each run what is not `shared`.

    Where ours are shared, nobody calls what the sandbox watches among Python's own functions (`open`, `input` and
    `breakpoint`), and to watch them was a fifth of a run's time: every `isinstance` went through it.
    """
    watched = SandboxRestrictions.default
    if _OURS in shared:
        watched = replace(watched, invalid_module_members=_without(watched.invalid_module_members, "__builtins__"))
    return _Runner(restrictions=watched.with_passthrough_modules(*shared))


def _without(watched: SandboxMatcher, name: str) -> SandboxMatcher:
    return replace(watched, children={module: each for module, each in watched.children.items() if module != name})


@dataclass(frozen=True)
class _Runner(SandboxedWorkflowRunner):
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Begin a run in a sandbox of its own."""
        kept = _without_first_task(det)
        return _Run(super().create_instance(kept), kept.info)


class _Run(WorkflowInstance):
    """One run, which the SDK asks several times for every payload whom that is for, each time through the sandbox.

    Ours speak to nobody but the engine and their own activities, so whatever they give or get is signed for themselves.
    A workflow that began another, or signalled it, would be refused there at once.
    """

    def __init__(self, sandboxed: WorkflowInstance, info: Info) -> None:
        self._sandboxed = sandboxed
        self._info = info
        self._signed_for = WorkflowSerializationContext(namespace=info.namespace, workflow_id=info.workflow_id)

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Take a task, and keep nothing of it but what it has changed."""
        done = self._sandboxed.activate(act)
        _forget_task(self._sandboxed)
        return done

    def get_serialization_context(self, command_info: object) -> SerializationContext:
        """The workflow itself, whatever the command."""
        del command_info
        return self._signed_for

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        """Nowhere: nothing of ours is stored beside the engine."""
        del command_info
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        """The run, as the engine tells of it."""
        return self._info

    def get_thread_id(self) -> int | None:
        """The thread that a task holds."""
        return self._sandboxed.get_thread_id()


class _AnswerToNobody:
    """Takes the commands of a run that is thrown away, whose coroutine cancels its timers once more."""

    def __getattr__(self, name: str) -> Any:
        """Lend a part of an answer that nobody keeps."""
        return getattr(WorkflowActivationCompletion(), name)


_TO_NOBODY = _AnswerToNobody()


def _without_first_task(det: WorkflowInstanceDetails) -> WorkflowInstanceDetails:
    """Take away from a run's beginning what belongs to the message of its first task, any part of which keeps the whole
    message in memory. No workflow of ours reads its memo, or goes on from the result of another run."""
    return replace(det, info=replace(det.info, raw_memo={}, headers={}), last_completion_result=_NO_RESULT)


def _forget_task(sandboxed: WorkflowInstance) -> None:
    """Let go of the last task, its answer and the first task's headers, which the SDK keeps until the next: they were a
    third of what a worker remembered of a ticket. `tests/replay` finds what else an SDK to come may keep."""
    instance = _instance_of(sandboxed)
    instance._current_completion = _TO_NOBODY
    instance._deployment_version_for_current_task = None
    instance._current_internal_flags = ()
    if instance._workflow_input is not None:
        instance._workflow_input.headers = {}


def _instance_of(sandboxed: WorkflowInstance) -> Any:
    return sandboxed.globals_and_locals[_WITHIN].instance  # type: ignore[attr-defined]
