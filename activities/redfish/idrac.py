"""What an iDRAC keeps in attributes of its manager: whether drives can be attached, what boots first.

The attributes are linked from the manager (`Links.Oem.Dell.DellAttributes`), one resource for each of iDRAC,
System and LifecycleController; the first is that of the manager itself. With images that the manager mounts
(firmware before 6.00.02) the boot target Cd may be a physical drive, so the virtual one is named here as
well: FirstBootDevice VCD-DVD with BootOnce. The override comes first, since setting it rewrites these. Where
the system has the drives, images are remote file shares, which Cd boots and VCD-DVD does not.
Sources: dell/iDRAC-Redfish-Scripting#90, #116; ansible-collections/community.general#3423.
"""

from typing import Any

from activities.http import Reply
from activities.redfish.client import Client, link
from activities.redfish.resources import managers_of, optional
from activities.redfish.sending import Sending

FIRST, ONCE = "ServerBoot.1.FirstBootDevice", "ServerBoot.1.BootOnce"
ATTACHED = "VirtualMedia.1.Attached"
Attributes = dict[str, str]


def attributes_of(client: Client, managers: list[dict[str, Any]]) -> tuple[str, Attributes]:
    """Where they are, and what they say; empty where there are none."""
    for manager in managers:
        links = manager.get("Links") or {}
        oem = links.get("Oem") or {}
        dell = oem.get("Dell") or {}
        own = str(manager.get("Id") or "")
        for each in dell.get("DellAttributes") or ():
            path = str(each.get("@odata.id") or "").rstrip("/")
            if path.endswith((f"/{own}", f"/{own}/Attributes")):
                found = optional(client, path) or {}
                return path, {
                    name: str(value)
                    for name, value in (found.get("Attributes") or {}).items()
                    if name in (FIRST, ONCE, ATTACHED)
                }
    return "", {}


def boot_attributes(client: Client, system: dict[str, Any]) -> tuple[str, Attributes]:
    """Of a machine that boots the manager's drives; empty for any other."""
    if link(system, "VirtualMedia"):
        return "", {}
    path, found = attributes_of(client, [manager for _, manager in managers_of(client, system)])
    return (path, found) if FIRST in found else ("", {})


def set_attributes(client: Client, sending: Sending, path: str, wanted: Attributes) -> Reply | None:
    """Raises as `Sending.once`."""

    def are_set() -> bool:
        found = client.read(path).get("Attributes") or {}
        return all(found.get(name) == value for name, value in wanted.items())

    return sending.once(lambda: sending.patch(client, path, {"Attributes": wanted}), are_set)
