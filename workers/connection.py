"""The connection to Temporal, for workers, CLI and console alike.

Address, namespace, TLS and API key come from the standard profiles (`temporalio.envconfig`); payloads
are JSON by Pydantic, so that what the UI and the `temporal` CLI show and send is what the models say.

`STARFLOCK_PAYLOAD_KEYS` has them encrypted on the way (workers/codec.py), for all who connect here. Without
it only a server on this machine is spoken to; one elsewhere is meant to be production, where clear payloads
are a decision: `off`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from models.contracts import SEARCH_ATTRIBUTES
from workers.codec import OFF, ClearConverter, EncryptingCodec, PayloadKeysError, read_keys
from workers.settings import ConnectionSettings

LOOPBACK = ("127.", "localhost:", "[::1]:")
"""There is no line to spare there, and compressing costs both sides processor time."""


async def connect(address: str | None = None, *, runtime: Runtime | None = None) -> Client:
    """Raises RuntimeError in words when there is no server, PayloadKeysError when payloads cannot be written
    or read."""
    config = ClientConfig.load_client_connect_config()
    if address is not None:
        config["target_host"] = address
    config.setdefault("target_host", "127.0.0.1:7233")
    near = config["target_host"].startswith(LOOPBACK)
    keys = ConnectionSettings().payload_keys
    if not keys and not near:
        raise PayloadKeysError(
            f"payloads to {config['target_host']} would be written in clear: set STARFLOCK_PAYLOAD_KEYS to "
            f"ID=REFERENCE, or to {OFF} where that is meant"
        )
    try:
        return await Client.connect(
            **config,
            data_converter=converter(keys),
            runtime=runtime,
            grpc_compression=GrpcCompression.NONE if near else GrpcCompression.GZIP,
        )
    except RuntimeError as error:
        raise RuntimeError(
            f"no Temporal server answers at {config['target_host']}: start one with `starflock up`, or set "
            "TEMPORAL_ADDRESS"
        ) from error


def converter(payload_keys: str) -> DataConverter:
    """Raises: PayloadKeysError."""
    if payload_keys in ("", OFF):
        return DataConverter(payload_converter_class=ClearConverter)
    return replace(
        pydantic_data_converter,
        payload_codec=EncryptingCodec(read_keys(payload_keys, Path.cwd())),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


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
