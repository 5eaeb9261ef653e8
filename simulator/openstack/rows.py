"""The services and agents of one site's OpenStack, out of the hosts as sysinv has them now.

nova-compute and the network agents run on every host that carries workloads; a host that is out of service
takes its own down, and the VIM disables nova-compute of one that is locked, unless somebody else has done so
before. What runs in pods (schedulers, conductors, Cinder) is named after its pod. Faults are asked for each
list: a service that one has taken down is down in that list.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from simulator.cloud.clock import tee
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.hosts import Host
    from simulator.openstack.servers import Server

Failing = Callable[[str], bool]
"""Whether a fault takes the first service of this kind down now."""

_AGENTS = (
    ("Open vSwitch agent", "neutron-openvswitch-agent"),
    ("NIC Switch agent", "neutron-sriov-nic-agent"),
    ("L3 agent", "neutron-l3-agent"),
    ("DHCP agent", "neutron-dhcp-agent"),
    ("Metadata agent", "neutron-metadata-agent"),
)
_PODS = {
    "nova-conductor": "nova-conductor-6c9d7f8b5c-x2x9v",
    "nova-scheduler": "nova-scheduler-7d5b9c6f4d-kq8zt",
    "cinder-scheduler": "cinder-volume-worker",
    "cinder-volume": "cinder-volume-worker@ceph-store",
    "cinder-backup": "cinder-volume-worker",
}


def carrying(cloud: "Cloud") -> "list[Host]":
    """The hosts that run workloads."""
    return [host for host in cloud.hosts if "worker" in (host.personality, *host.subfunctions.split(","))]


def compute_services(
    cloud: "Cloud", failing: Failing, disabled: Mapping[str, str | None] | None = None
) -> list[Json]:
    """`disabled`: by whom not the VIM, with the reason."""
    rows = [_pod("nova-scheduler"), _pod("nova-conductor")]
    for host in carrying(cloud):
        row = _service("nova-compute", host.name, "nova", up=_is_up(host))
        if host.name in (disabled or {}):
            row |= {"status": "disabled", "disabled_reason": (disabled or {})[host.name]}
        elif host.locked:
            row |= {"status": "disabled", "disabled_reason": "disabled by VIM"}
        rows.append(row)
    _take_down([row for row in rows if row["binary"] == "nova-compute"], failing("openstack.compute"))
    for number, row in enumerate(rows, start=1):
        row |= {"id": f"00000000-0000-4000-8000-{number:012d}", "forced_down": False}
    return rows


def volume_services(failing: Failing) -> list[Json]:
    rows = [_pod(binary) for binary in ("cinder-volume", "cinder-scheduler", "cinder-backup")]
    _take_down(rows, failing("openstack.volume"))
    return rows


def volumes(servers: "Iterable[Server]") -> list[Json]:
    """In use, all of them; with where their images are, as an administrator sees it."""
    return [
        {
            "id": volume,
            "status": "in-use",
            "size": 20,
            "attachments": [{"server_id": server.id, "volume_id": volume, "device": "/dev/vda"}],
            "os-vol-mig-status-attr:migstat": None,
            "os-vol-mig-status-attr:name_id": server.name_id(volume),
        }
        for server in servers
        for volume in server.volumes
    ]


def agents(cloud: "Cloud", failing: Failing) -> list[Json]:
    rows: list[Json] = []
    for host in carrying(cloud):
        for kind, binary in _AGENTS:
            rows.append(
                {
                    "id": f"00000000-0000-4000-9000-{len(rows) + 1:012d}",
                    "agent_type": kind,
                    "binary": binary,
                    "host": host.name,
                    "alive": _is_up(host),
                    "admin_state_up": True,
                    "availability_zone": None,
                    "topic": "N/A",
                    "configurations": {},
                    "heartbeat_timestamp": tee()[:19].replace("T", " "),
                }
            )
    if rows and failing("openstack.agent"):
        rows[0]["alive"] = False
    return rows


def can_run(services: list[Json]) -> list[str]:
    """Hosts that Nova may place a VM on."""
    wanted = ("nova-compute", "up", "enabled")
    return [row["host"] for row in services if (row["binary"], row["state"], row["status"]) == wanted]


def _is_up(host: "Host") -> bool:
    return host.operational == "enabled"


def _pod(binary: str) -> Json:
    return _service(binary, _PODS[binary], "internal" if binary.startswith("nova") else "nova", up=True)


def _service(binary: str, host: str, zone: str, *, up: bool) -> Json:
    return {
        "binary": binary,
        "host": host,
        "zone": zone,
        "status": "enabled",
        "state": "up" if up else "down",
        "updated_at": tee(),
        "disabled_reason": None,
    }


def _take_down(rows: list[Json], failing: bool) -> None:
    if rows and failing:
        rows[0]["state"] = "down"
