"""Connections of libraries that bring `requests`: how the other side proves itself, and when it is given up.

DMTF's `redfish` and keystoneauth each have a session of their own; what their connections must be is the
same. A pinned certificate's SHA-256 is compared in the handshake. Unacknowledged data is given up after the
request's time-out: without that the kernel may deliver a request many minutes after its answer was given up.
Nothing is retried. Importing `requests` takes a while, so only what opens a client imports this module.
"""

import socket
import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from activities.http import TCP_USER_TIMEOUT, Trust


class PinningAdapter(HTTPAdapter):
    def __init__(self, trust: Trust, timeout_s: float, *, connections: int = 10) -> None:
        self.fingerprint = trust.fingerprint.removeprefix("sha256:") if trust.fingerprint else None
        self._timeout_ms = round(timeout_s * 1000)
        super().__init__(max_retries=0, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        options = [
            *HTTPConnection.default_socket_options,
            (socket.IPPROTO_TCP, TCP_USER_TIMEOUT, self._timeout_ms),
        ]
        if self.fingerprint:
            kwargs["assert_fingerprint"] = self.fingerprint
        super().init_poolmanager(*args, socket_options=options, **kwargs)


def authorities(trust: Trust, *, unverified: bool) -> bool | str:
    """What `requests` calls verify: a file or folder of CAs; False where nobody or a fingerprint vouches."""
    if unverified or trust.fingerprint:
        return False
    if trust.ca_bundle:
        return trust.ca_bundle
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
