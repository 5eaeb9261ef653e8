"""The HTTP server of BMCs: what the protocol asks for where a web server refuses on its own.

The parser of the server knows a list of methods and answers 400 to any other; the Redfish specification wants
405 or 501 there.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod

from simulator.bmc.messages import Message, error_reply
from simulator.wire.front import write


class Handler(web.RequestHandler):
    """One connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, BadHttpMethod):
            words = Message("OperationNotAllowed", "The HTTP method is not known.")
            response = write(error_reply(501, words, OData_Version="4.0"))
            response.force_close()
            return response
        return super().handle_error(request, status, exc, message)


def factory(server: web.Server) -> Callable[[], asyncio.Protocol]:
    """What makes a handler for each connection to a BMC."""
    loop = asyncio.get_running_loop()
    return lambda: Handler(server, loop=loop, keepalive_timeout=75.0)
