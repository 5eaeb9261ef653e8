"""Several hosts made known to sysinv by one request: its bulk file (config, api/controllers/v1/host.py).

sysinv checks the file as a whole, adds its hosts one after the other, and answers 200 whatever came of it;
what it says no to stands in `error`, beside the names of those that it took. So this is a shortcut and never
the proof: each host is looked for again when its own turn comes, and one that is not there is then added by
itself, with sysinv's answer to that one alone.
"""

import xml.etree.ElementTree as Xml
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Refused
from activities.http import Rejected
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import hosting
from activities.starlingx.sysinv.errors import refused
from models.bringup import AddHostsRequest, ChangeStep
from models.inventory import Host

SETTLE = timedelta(minutes=2)
"""As for one host: sysinv's API makes the rows itself, before it answers."""


@dataclass
class BulkActivities:
    directory: Directory

    @activity.defn
    async def add_hosts(self, request: AddHostsRequest) -> ChangeStep:
        """Adds those of the hosts that sysinv knows neither by MAC nor by name, in the order given."""
        window = SendWindow(self.directory.timing.send_window_s)
        declared = [self._declared(request.site, name) for name in request.hosts]
        with translated():
            cloud = await self.directory.cloud_named(request.site)
            await must_be_region(cloud, request.site, request.region)
            unknown = _unknown(declared, await hosting.rows(cloud))
        attempt = activity.info().attempt
        if not unknown:
            return ChangeStep(did=attempt > 1, attempt=attempt)
        window.check()
        said = ""

        async def send() -> bool:
            nonlocal said
            said = await add(cloud, unknown)
            return True

        async def effect() -> bool | None:
            now = _unknown(unknown, await hosting.rows(cloud))
            return True if len(now) < len(unknown) else None

        what = f"add {', '.join(host.name for host in unknown)}"
        await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.directory.timing.pace,
            what=what,
            refused=refused(what),
        )
        return ChangeStep(did=True, said=said, attempt=attempt)

    def _declared(self, site: str, name: str) -> Host:
        found = self.directory.site(site)
        host = next((each for each in found.hosts if each.name == name), None) if found else None
        if host is None or host.mac is None:
            raise Refused(f"the inventory has no host {name} with a mac at {site}")
        return host


def _unknown(declared: list[Host], rows: tuple[hosting.HostRow, ...]) -> list[Host]:
    macs, names = {row.mac for row in rows}, {row.name for row in rows}
    return [host for host in declared if (host.mac or "").lower() not in macs and host.name not in names]


async def add(cloud: Cloud, hosts: list[Host]) -> str:
    """POST ihosts/bulk_add; what it said no to. No BMC data: sysinv would keep the password."""
    root = Xml.Element("hosts")
    for host in hosts:
        element = Xml.SubElement(root, "host")
        for name, value in (
            ("personality", host.personality),
            ("hostname", host.name),
            ("mgmt_mac", host.mac),
        ):
            Xml.SubElement(element, name).text = value
    content = Xml.tostring(root, encoding="unicode")
    reply = await cloud.send("sysinv", "POST", "/ihosts/bulk_add", parts={"file": ("hosts.xml", content)})
    answer = reply.json()
    if not answer.get("success"):
        raise Rejected(reply, str(answer.get("error", "")).strip())
    return " ".join(str(answer.get("error", "")).split())
