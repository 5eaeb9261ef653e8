"""Which system a BMC has, who manages it, what they say of themselves. Reads only.

Everything is reached by links (DSP0266, 8.1): ids differ between vendors and between firmwares of one. A
resource that a partial implementation lacks is left out; what the install cannot do without is refused in
words.
"""

from collections.abc import Iterator
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from activities.errors import Refused
from activities.http import Rejected, Reply
from activities.redfish.client import Client, link
from inventory.bmc import DeclaredBmc
from models.bmc import BootOverride, Identity, PowerState

ABSENT = (404, 405, 501)
"""A resource that is linked and not there."""
FAILED_TASKS = frozenset({"Exception", "Killed", "Cancelled"})
POWER_STATES = frozenset(get_args(PowerState))


def find_system(client: Client, declared: DeclaredBmc) -> tuple[str, dict[str, Any]]:
    """The declared one, the only one, or the one with the declared identity."""
    if declared.system:
        return declared.system, client.read(declared.system)
    paths = members(client.read(link(client.root, "Systems") or "/redfish/v1/Systems"))
    if len(paths) == 1:
        return paths[0], client.read(paths[0])
    host = declared.host
    for path in paths:
        system = client.read(path)
        same_serial = host.serial and host.serial == system.get("SerialNumber")
        same_uuid = host.uuid and host.uuid.lower() == str(system.get("UUID")).lower()
        if same_serial or same_uuid:
            return path, system
    if not paths:
        raise Refused(f"{declared.url} has no system")
    raise Refused(
        f"{declared.url} has {len(paths)} systems and none is {host.name} by serial number or UUID: "
        f"declare bmc.system, one of {', '.join(paths[:4])}{' ...' if len(paths) > 4 else ''}"
    )


def identity(
    client: Client, system: dict[str, Any], managers: list[dict[str, Any]], *, with_macs: bool
) -> Identity:
    firmware = next((str(each["FirmwareVersion"]) for each in managers if each.get("FirmwareVersion")), "")
    return Identity(
        manufacturer=_text(system, "Manufacturer"),
        model=_text(system, "Model"),
        firmware=firmware,
        bios=_text(system, "BiosVersion"),
        product=_text(client.root, "Product") or _text(client.root, "Vendor"),
        serial=_text(system, "SerialNumber"),
        uuid=_text(system, "UUID"),
        macs=tuple(_macs(client, system)) if with_macs else (),
    )


def power(system: dict[str, Any]) -> PowerState:
    found = system.get("PowerState")
    return cast("PowerState", found) if found in POWER_STATES else "unknown"


def override(boot: dict[str, Any]) -> BootOverride:
    mode = boot.get("BootSourceOverrideMode")
    return BootOverride(
        enabled=str(boot.get("BootSourceOverrideEnabled") or "Disabled"),
        target=str(boot.get("BootSourceOverrideTarget") or "None"),
        mode=mode if isinstance(mode, str) else None,
    )


def boot_of(client: Client, path: str, system: dict[str, Any]) -> tuple[str, BootOverride]:
    """Where the override is written, and what it is."""
    where, boot = boot_resource(client, path, system)
    return where, override(boot)


def members(collection: dict[str, Any]) -> list[str]:
    return [path for each in collection.get("Members") or () if (path := each.get("@odata.id"))]


def optional(client: Client, path: str) -> dict[str, Any] | None:
    """None where there is no such resource."""
    if not path:
        return None
    try:
        return client.read(path)
    except Rejected as error:
        if error.status in ABSENT:
            return None
        raise


def etag_of(reply: Reply) -> str:
    """The header's, else the resource's own."""
    document = reply.json()
    inside = document.get("@odata.etag") if isinstance(document, dict) else None
    return reply.headers.get("etag") or (inside if isinstance(inside, str) else "")


def settings_of(document: dict[str, Any]) -> str:
    """Path of the resource that takes what becomes true at the next reset."""
    settings = document.get("@Redfish.Settings")
    return link(settings, "SettingsObject")


def task_failure(client: Client, path: str) -> str:
    """What a task says that failed; empty while it runs, when it ended well, and when it is gone."""
    if not path:
        return ""
    task = optional(client, urlsplit(path).path)
    if task is None or task.get("TaskState") not in FAILED_TASKS:
        return ""
    messages = [str(each.get("Message")) for each in task.get("Messages") or () if each.get("Message")]
    return f"the BMC's task ended as {task['TaskState']}: {'; '.join(messages) or 'without a word'}"


def managers_of(client: Client, system: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    links = system.get("Links") or {}
    named = links.get("ManagedBy") or links.get("Managers") or []
    paths = [path for each in named if (path := each.get("@odata.id"))]
    if not paths:
        collection = optional(client, link(client.root, "Managers"))
        paths = members(collection) if collection else []
    for path in paths:
        document = optional(client, path)
        if document is not None:
            yield path, document


def boot_resource(client: Client, path: str, system: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where the override is: at the system, or, if that allows no target, at its settings resource."""
    boot = system.get("Boot") or {}
    settings = settings_of(system)
    if settings and not allowed(boot, "BootSourceOverrideTarget"):
        pending = optional(client, settings)
        if pending and pending.get("Boot"):
            return settings, pending["Boot"]
    return path, boot


def _macs(client: Client, system: dict[str, Any]) -> Iterator[str]:
    collection = optional(client, link(system, "EthernetInterfaces"))
    for path in members(collection) if collection else ():
        interface = optional(client, path) or {}
        for key in ("MACAddress", "PermanentMACAddress"):
            if isinstance(interface.get(key), str):
                yield interface[key].lower()


def action(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = (document.get("Actions") or {}).get(name)
    return found if isinstance(found, dict) else {}


def target(action: dict[str, Any]) -> str:
    return _text(action, "target")


def allowed(holder: dict[str, Any], name: str) -> tuple[str, ...]:
    found = holder.get(f"{name}@Redfish.AllowableValues")
    return tuple(str(each) for each in found) if isinstance(found, list) else ()


def _text(document: dict[str, Any], key: str) -> str:
    found = document.get(key)
    return found.strip() if isinstance(found, str) else ""
