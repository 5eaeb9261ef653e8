"""How sysinv shows systems, hosts and applications: the exact keys of lists, and what a single GET adds."""

import json

from simulator.ceph.cluster import COPIES
from simulator.cloud import clock
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.wire.http import Json, Reply

_LINKED = [
    "iinterfaces",
    "ports",
    "ethernet_ports",
    "inodes",
    "icpus",
    "imemorys",
    "istors",
    "idisks",
    "partitions",
    "ceph_mon",
    "ipvs",
    "ilvgs",
    "host_fs",
    "kube_update_ca",
    "isensors",
    "isensorgroups",
    "pci_devices",
    "lldp_agents",
    "lldp_neighbours",
    "labels",
]


ROOT_DEVICE = "/dev/disk/by-path/pci-0000:00:0d.0-ata-1.0"
LONG_AGO = "2026-01-01T00:00:00.000000+00:00"
"""When everything was made that was there before anybody looked."""


def system(cloud: Cloud, base: str, reply: bool = False) -> Json:
    """The isystem, with what callers have set; `reply` is the form that answers a PATCH."""
    identity = cloud.identity
    body: Json = {
        "uuid": identity.system_uuid,
        "name": identity.region,
        "system_type": "All-in-one" if cloud.all_in_one else "Standard",
        "system_mode": "simplex" if identity.simplex else "duplex",
        "software_version": cloud.usm.release.version,
        "region_name": identity.region,
        "distributed_cloud_role": identity.role,
        "timezone": "UTC",
        "contact": None,
        "location": None,
        "latitude": None,
        "longitude": None,
        "description": None,
        "security_feature": "spectre_meltdown_v1",
        "service_project_name": "services",
        "capabilities": {
            "region_config": identity.role == "subcloud",
            "shared_services": "[]",
            "sdn_enabled": False,
            "https_enabled": True,
            "vswitch_type": "none",
            "bm_region": "External",
        },
        "created_at": LONG_AGO,
        "updated_at": None,
        "links": links(base, "isystems", identity.system_uuid),
    }
    capabilities = body["capabilities"] | cloud.system.get("capabilities", {})
    if reply:
        del capabilities["bm_region"]
    return body | cloud.system | {"capabilities": capabilities}


def _peers(cloud: Cloud, row: Host) -> Json:
    """Storage hosts are grouped as they come, as many to a group as there are copies."""
    number = int(row.name.rpartition("-")[2]) // COPIES
    names = [f"storage-{number * COPIES + place}" for place in range(COPIES)]
    known = {one.name for one in cloud.hosts}
    return {"name": f"group-{number}", "hosts": [name for name in names if name in known]}


def host(cloud: Cloud, row: Host, base: str, single: bool = False, reply: bool = False) -> Json:
    """One host; `reply` is the form that answers a PATCH, which lacks mgmt_ip and Personality."""
    capabilities: Json = {}
    if row.personality == "controller":
        role = "Controller-Active" if row.active else "Controller-Standby"
        capabilities = {"mgmt_ipsec": "enabled", "Personality": role}
    config = "c0f16000-0000-4000-8000-000000000001"
    body: Json = {
        "id": row.id,
        "uuid": row.uuid,
        "hostname": row.name or None,
        "personality": row.personality or None,
        "subfunctions": row.subfunctions or None,
        "administrative": row.administrative,
        "operational": row.operational,
        "availability": row.availability,
        "subfunction_oper": row.subfunction_oper,
        "subfunction_avail": row.subfunction_avail,
        "invprovision": row.invprovision,
        "action": "none",
        "ihost_action": row.ihost_action,
        "task": row.task,
        "vim_progress_status": row.vim_progress_status,
        "mtce_info": None,
        "inv_state": row.inv_state,
        "install_state": row.install_state,
        "install_state_info": None,
        "install_output": "text",
        "config_status": row.config_status,
        "config_applied": config,
        "config_target": config,
        "bm_type": row.bm_type,
        "bm_ip": row.bmc if row.bm_type not in (None, "none") else None,
        "bm_username": row.bm_username,
        "mgmt_mac": row.mac,
        "mgmt_ip": None if reply else row.mgmt_ip or None,
        "capabilities": {} if reply else capabilities,
        "clock_synchronization": "ntp",
        "boot_device": ROOT_DEVICE,
        "rootfs_device": ROOT_DEVICE,
        "console": "ttyS0,115200",
        "apparmor": "disabled",
        "cstates_available": None,
        "device_image_update": None,
        "hw_settle": "0",
        "iscsi_initiator_name": None,
        "isystem_uuid": cloud.identity.system_uuid,
        "location": {},
        "max_cpu_mhz_allowed": None,
        "max_cpu_mhz_configured": None,
        "min_cpu_mhz_allowed": None,
        "nvme_host_id": None,
        "nvme_host_nqn": None,
        "peers": _peers(cloud, row) if row.personality == "storage" else None,
        "reboot_needed": False,
        "reserved": "False",
        "serialid": f"SIM{cloud.identity.number:05d}{row.id}",
        "sw_version": cloud.usm.of_host(row).version,
        "tboot": "",
        "ttys_dcd": False,
        "uptime": row.uptime(cloud.clock.now()),
        "created_at": LONG_AGO,
        "updated_at": clock.iso(),
        "links": links(base, "ihosts", row.uuid),
    }
    body |= row.free
    if single:
        body["forisystemid"] = 1
        body |= {name: sub_links(base, row.uuid, name) for name in _LINKED}
    return body


def posted(cloud: Cloud, row: Host) -> Json:
    """The form that answers a POST at a host: as stored, without what a read computes."""
    known = row.inv_state is not None
    device = ROOT_DEVICE if known else "/dev/sda"
    megahertz = "" if known else None
    return host(cloud, row, "", reply=True) | {
        "task": row.task if known else row.task or None,
        "reserved": False,
        "serialid": None,
        "isystem_uuid": cloud.identity.system_uuid if known else None,
        "forisystemid": 1 if known else None,
        "sw_version": cloud.usm.of_host(row).version if known else None,
        "uptime": 0,
        "config_applied": None,
        "config_target": None,
        "max_cpu_mhz_configured": megahertz,
        "min_cpu_mhz_allowed": megahertz,
        "max_cpu_mhz_allowed": megahertz,
        "cstates_available": megahertz,
        "boot_device": row.free.get("boot_device", device),
        "rootfs_device": row.free.get("rootfs_device", device),
    }


def app(cloud: Cloud, name: str) -> Json:
    """One application; `active` is whether it runs in the cluster, which it also does while re-applied."""
    apps = cloud.apps
    status = apps.status[name]
    return {
        "name": name,
        "app_version": apps.versions.get(name, "1.0-1"),
        "manifest_name": f"{name}-fluxcd-manifests",
        "manifest_file": "fluxcd-manifests",
        "status": status,
        "progress": apps.progress.get(name, "completed"),
        "active": status == "applied" or name in apps.active,
        "created_at": LONG_AGO,
        "updated_at": None,
    }


def health(cloud: Cloud) -> str:
    """The text of GET /v1/health/, which goes out as a JSON string."""

    def line(words: str, good: bool) -> str:
        return f"{words}: [{'OK' if good else 'Fail'}]"

    rows = list(cloud.alarms.rows.values())
    enabled = all(not one.locked and one.operational == "enabled" for one in cloud.hosts)
    text = [
        "System Health:",
        line("All hosts are provisioned", all(one.invprovision == "provisioned" for one in cloud.hosts)),
        line("All hosts are unlocked/enabled", enabled),
        line("All hosts have vim enabled", enabled),
        line("All hosts have current configurations", not cloud.alarms.standing("250.001")),
        line("All hosts are patch current", cloud.usm.deployment is None),
        line("No alarms", not rows),
    ]
    if rows:
        affecting = sum(row.mgmt_affecting for row in rows)
        text.append(
            f"[{len(rows)}] alarms found, [{affecting}] of which are management affecting and [0] are "
            'certificate expiration alarms. Use "fm alarm-list" for details'
        )
    text.append(line("All kubernetes nodes are ready", enabled))
    text.append(line("All kubernetes control plane pods are ready", enabled))
    return "\n".join(text) + "\n"


def words(reply: Reply) -> str:
    """The text inside an error envelope."""
    return str(json.loads(json.loads(reply.body)["error_message"]).get("faultstring", ""))


def links(base: str, collection: str, uuid: str) -> list[Json]:
    return [
        {"rel": "self", "href": f"{base}/v1/{collection}/{uuid}"},
        {"rel": "bookmark", "href": f"{base}/{collection}/{uuid}"},
    ]


def sub_links(base: str, uuid: str, name: str) -> list[Json]:
    return [
        {"rel": "self", "href": f"{base}/v1/ihosts/{uuid}/{name}"},
        {"rel": "bookmark", "href": f"{base}/ihosts/{uuid}/{name}"},
    ]
