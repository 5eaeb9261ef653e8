"""How a BMC proves itself, for the connections of DMTF's `redfish` library.

The library verifies only where it is given a CA file, follows redirects with its credentials, and takes
proxies and `.netrc` from the environment. So each client gets an adapter that decides these things itself:
CA file, the system's CAs, a pinned certificate, or, only where the inventory says so, nobody.
"""

from typing import Any

import requests
import urllib3

from activities.http import Trust
from activities.requests_adapter import PinningAdapter, authorities


class TrustingAdapter(PinningAdapter):
    """`unverified` believes whoever answers; else `trust` decides, the system's CAs where it is empty."""

    def __init__(self, trust: Trust, *, unverified: bool, timeout_s: float) -> None:
        self._verify = authorities(trust, unverified=unverified)
        if unverified:
            # It is declared in the inventory, and every report says it; a line for each request says no more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        super().__init__(trust, timeout_s)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs |= {"verify": self._verify, "proxies": {}, "cert": None}
        return super().send(request, *args, **kwargs)
