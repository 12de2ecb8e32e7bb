"""The door to the Temporal server: one way to connect, one way to run a worker."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode
from temporalio.worker import Worker

from services.runtime.settings import RuntimeSettings
from services.runtime.temporal.metrics import measured_runtime
from services.runtime.temporal.replays import LightReplays
from services.runtime.temporal.sandbox import sandbox
from services.runtime.temporal.signatures import Signatures, signed_converter

GRACE = timedelta(seconds=20)
RPC_LIMIT = timedelta(seconds=5)
Answer = TypeVar("Answer")
MEMO = {"started_by": "bihuan"}
"""Signed like everything else: a workflow that bears it was started by us, in whatever run it is by now."""


async def connect(address: str, namespace: str = "default", *, secret: str, lazy: bool = False) -> Client:
    """Connect with the data converter that every process shares; `lazy` connects at the first call.

    No compression: on loopback it costs more than it saves.

    Raises:
        ValueError: there is no `secret` to sign with.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=signed_converter(secret),
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
        runtime=measured_runtime(),
    )


async def engine_client(settings: RuntimeSettings, *, lazy: bool = False) -> Client:
    """Connect to the engine that the settings name. Raises as `connect`."""
    secret = settings.internal_secret.get_secret_value()
    return await connect(settings.temporal_address, settings.temporal_namespace, secret=secret, lazy=lazy)


async def engine_identity(client: Client) -> str:
    """Answer the id of the engine's store and of the key that its payloads are signed with: when either changes, every
    workflow must start again.

    Raises:
        RPCError: the engine does not answer.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    answer = await client.workflow_service.describe_namespace(request, timeout=RPC_LIMIT)
    signatures = client.data_converter.payload_codec
    key = f"/{signatures.fingerprint}" if isinstance(signatures, Signatures) else ""
    return f"{answer.namespace_info.id}{key}"


async def start_or_attach(
    client: Client,
    workflow: str,
    argument: Any,
    *,
    id_: str,
    queue: str,
    signal: str | None = None,
    told: Sequence[Any] = (),
    summary: str | None = None,
    search_attributes: TypedSearchAttributes | None = None,
    delay: timedelta | None = None,
) -> None:
    """Start a workflow; one that runs already is left alone, and gets the `signal` where there is one.

    Its first task waits for `delay`, or for an Update or the `signal` of another start, whichever comes first.

    Raises:
        RPCError: the engine does not answer, or does not know a search attribute.
    """
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            workflow,
            argument,
            start_signal=signal,
            start_signal_args=told,
            start_delay=delay,
            rpc_timeout=RPC_LIMIT,
            **_attaching(id_, queue, summary, search_attributes),
        )


async def update_or_start(
    client: Client,
    workflow: str,
    argument: Any,
    *,
    id_: str,
    queue: str,
    update: str,
    told: Any,
    update_id: str,
    result_type: type[Answer],
    limit: timedelta,
    summary: str | None = None,
    search_attributes: TypedSearchAttributes | None = None,
) -> Answer:
    """Give an Update to a workflow, and start that first where it does not run, in one request: the engine does both or
    neither. Answers as `execute_update`.

    Raises:
        RPCError: the engine does not answer, or does not know a search attribute.
        WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError: as `execute_update`.
    """
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        workflow, argument, **_attaching(id_, queue, summary, search_attributes)
    )
    answer: Answer = await client.execute_update_with_start_workflow(
        update, told, start_workflow_operation=start, id=update_id, result_type=result_type, rpc_timeout=limit
    )
    return answer


def _attaching(
    id_: str, queue: str, summary: str | None, search_attributes: TypedSearchAttributes | None
) -> dict[str, Any]:
    """Options of every start: what runs already is left alone, what has ended is started again."""
    return {
        "id": id_,
        "task_queue": queue,
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        "static_summary": summary,
        "memo": MEMO,
        "search_attributes": search_attributes,
    }


async def signal_if_running(client: Client, id_: str, signal: str, told: Any) -> None:
    """Signal a workflow; one that there is not, or that has ended, needs to hear nothing.

    Raises:
        RPCError: the engine does not answer.
    """
    try:
        await client.get_workflow_handle(id_).signal(signal, told, rpc_timeout=RPC_LIMIT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def worker(
    client: Client,
    task_queue: str,
    *,
    workflows: Sequence[type],
    activities: Sequence[Callable[..., Any]],
    **options: Any,
) -> Worker:
    """Build a worker that lets running work finish on SIGTERM; the SDK's default grants none of it time."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=activities,
        graceful_shutdown_timeout=GRACE,
        # Workers are unversioned. Without an id the SDK hashes the code of every loaded module, which holds up the
        # start by more than half a second of computing.
        build_id="unversioned",
        workflow_runner=sandbox(),
        interceptors=[LightReplays()],
        **options,
    )
