"""The sandbox that workflows run in: what they share with the process, and one shortcut.

The SDK asks a workflow for the serialization context of every single payload, and in a sandbox each
question compiles and runs code there: a third of a worker's processor time under load. Our converter and
codec do not depend on whose payload it is, so the question is answered outside: there is none.
"""

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

PASS_THROUGH = ("activities", "aiohttp", "httpx2", "httpcore2", "inventory", "models", "rules", "workflows")
"""Modules that workflows share with the process: pure, or used by signature only."""


def sandbox(*more: str) -> SandboxedWorkflowRunner:
    """A runner for workflows; `more` modules are shared as well."""
    return ContextFreeSandbox(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASS_THROUGH, *more)
    )


class ContextFreeSandbox(SandboxedWorkflowRunner):
    """The SDK's sandbox for converters that need no serialization context."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _ContextFree(super().create_instance(det))


class _ContextFree(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: object) -> SerializationContext | None:
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
