"""The connection to Temporal, for workers, CLI and console alike.

Address, namespace, TLS and API key come from the standard profiles (`temporalio.envconfig`); payloads
are JSON by Pydantic, so that what the UI and the `temporal` CLI show and send is what the models say.
"""

from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from models.contracts import SEARCH_ATTRIBUTES

LOOPBACK = ("127.", "localhost:", "[::1]:")
"""There is no line to spare there, and compressing costs both sides processor time."""


async def connect(address: str | None = None, *, runtime: Runtime | None = None) -> Client:
    """Raises RuntimeError in words when there is no server."""
    config = ClientConfig.load_client_connect_config()
    if address is not None:
        config["target_host"] = address
    config.setdefault("target_host", "127.0.0.1:7233")
    near = config["target_host"].startswith(LOOPBACK)
    try:
        return await Client.connect(
            **config,
            data_converter=pydantic_data_converter,
            runtime=runtime,
            grpc_compression=GrpcCompression.NONE if near else GrpcCompression.GZIP,
        )
    except RuntimeError as error:
        raise RuntimeError(
            f"no Temporal server answers at {config['target_host']}: start one with `starflock up`, or set "
            "TEMPORAL_ADDRESS"
        ) from error


async def register_search_attributes(client: Client) -> None:
    """Adds those that the namespace lacks; needs operator rights the first time only."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [key for key in SEARCH_ATTRIBUTES if key.name not in listed.custom_attributes]
    if missing:
        await add_search_attributes(client, missing)


async def add_search_attributes(client: Client, keys: Sequence[SearchAttributeKey[Any]]) -> None:
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in keys}
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=wanted)
        )
    except RPCError as error:
        # Another worker was quicker.
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
