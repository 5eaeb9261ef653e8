"""The session beneath ironicclient and openstacksdk: what a redirect leaves behind."""

import asyncio

import pytest
from keystoneauth1.exceptions import UnknownConnectionError
from keystoneauth1.noauth import NoAuth

from activities.http import Rejected, Trust
from activities.openstack_session import no_answer, open_session

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 5\r\n\r\nhello"


async def test_a_redirect_is_told_and_its_connection_is_closed() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REDIRECT)
        await reader.read()  # until the other side is done with it
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    session = open_session(NoAuth(endpoint=url), Trust(None, None), 5)
    try:
        with pytest.raises(UnknownConnectionError) as failed:
            await asyncio.to_thread(session.get, f"{url}/v1/nodes")
        told = no_answer("GET", url, failed.value, str)
        assert isinstance(told, Rejected)
        assert "redirects to http://127.0.0.1:9/elsewhere" in str(told)
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        session.session.close()
        server.close()
