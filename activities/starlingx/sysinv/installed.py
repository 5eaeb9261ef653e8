"""Whether a site's sysinv has a host as installed, by this installation and not by an earlier one.

sysinv keeps `completed` and `inventoried` from the life before until mtce has found the host offline or its
installer has reported (config, `sysinv/common/constants.py`). So that state is a proof only after another one
was seen since the machine was switched on. Silence is another state only where the sysinv that is asked runs
on that very host, or did not answer before either.
"""

from dataclasses import dataclass

from activities.errors import Refused
from activities.http import NoAnswer, Rejected
from activities.starlingx.directory import Directory
from activities.starlingx.sysinv import client
from models.bmc import AwaitHostRequest
from models.install import Sign
from models.site import HostState

STALE, OTHERWISE = "stale", "otherwise"


@dataclass
class InstalledHosts:
    directory: Directory

    async def ask(self, request: AwaitHostRequest, seen: str) -> Sign:
        """`seen` is what the look before came to."""
        on = request.on
        site = self.directory.site(on.site)
        if site is None:
            raise Refused(f"the inventory has no site {on.site}")
        try:
            hosts = await client.hosts(await self.directory.site_cloud(site))
        except (NoAnswer, Rejected) as error:
            counts = request.sysinv_may_be_silent and not seen
            words = f"sysinv of {on.site} does not tell: {error}"
            return Sign(installed=False, words=words, seen=OTHERWISE if counts else seen)
        return judged(request, next((host for host in hosts if host.name == on.host), None), seen)


def judged(request: AwaitHostRequest, found: HostState | None, seen: str) -> Sign:
    """`found`: the host as sysinv answered; None where it has no such host."""
    words = f"sysinv of {request.on.site} says {_says(found, request.on.host)}"
    if found is None or not found.installed:
        return Sign(installed=False, words=words, seen=OTHERWISE)
    if seen == OTHERWISE:
        return Sign(installed=True, words=words, seen=seen)
    return Sign(installed=False, words=f"{words}, as before it was switched on", seen=STALE)


def _says(host: HostState | None, name: str) -> str:
    if host is None:
        return f"there is no {name}"
    state = ", ".join(
        f"{key} {value}"
        for key, value in (("install_state", host.install_state), ("inv_state", host.inv_state))
        if value
    )
    return f"{host.says}, {state}" if state else host.says
