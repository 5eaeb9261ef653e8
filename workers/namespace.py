"""The namespace as Starflock needs it: there, with its retention, its search attributes known.

Run once before the first worker, and again at will: what is there already is looked at and left, a retention
that differs is set. A namespace that was just made is known to all parts of a Temporal cluster only after its
cache has been renewed (ten seconds), so the first request about it is repeated until then.
"""

import asyncio
from datetime import timedelta
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.contracts import SEARCH_ATTRIBUTES
from workers.connection import register_search_attributes

KNOWN_WITHIN_S = 60.0
LOOK_EVERY_S = 1.0
DESCRIPTION = "Starflock: changes to fleets of StarlingX edge clouds"


class SetUp(NamedTuple):
    was_created: bool
    retention_was: timedelta
    attributes_added: tuple[str, ...]


async def set_up(client: Client, retention: timedelta) -> SetUp:
    """Raises: RPCError (no rights; a retention that the server refuses)."""
    was = await _retention(client)
    created = was is None
    if created:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace,
                description=DESCRIPTION,
                workflow_execution_retention_period=_duration(retention),
            )
        )
    elif was != retention:
        config = NamespaceConfig(workflow_execution_retention_ttl=_duration(retention))
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(namespace=client.namespace, config=config)
        )
    before = await _attributes(client)
    await register_search_attributes(client)
    added = tuple(key.name for key in SEARCH_ATTRIBUTES if key.name not in before)
    return SetUp(created, retention if was is None else was, added)


async def _retention(client: Client) -> timedelta | None:
    """None where there is no such namespace."""
    try:
        found = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return found.config.workflow_execution_retention_ttl.ToTimedelta()


async def _attributes(client: Client) -> set[str]:
    """Custom ones that the namespace knows, once it is known itself."""
    deadline = asyncio.get_running_loop().time() + KNOWN_WITHIN_S
    while True:
        try:
            listed = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=client.namespace)
            )
            return set(listed.custom_attributes)
        except RPCError as error:
            late = asyncio.get_running_loop().time() > deadline
            if error.status is not RPCStatusCode.NOT_FOUND or late:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


def _duration(given: timedelta) -> Duration:
    made = Duration()
    made.FromTimedelta(given)
    return made
