"""One request for each kind of change, in sysinv's words (sysinv-api, config master 2026-08).

Most fields are changed by a JSON patch of `replace`; cores and file systems have a PUT of their own, and a
service parameter is in force only once its service is applied.
"""

import json
from ipaddress import ip_network
from typing import Any, assert_never

from activities.errors import Refused
from activities.starlingx.session import Cloud, listing
from activities.starlingx.sysinv import installing
from activities.starlingx.sysinv.files import Files
from models import edits
from models.profile import FLOATING_MONITOR, Cpus, Interface, Storage
from models.profile_services import Route

PATHS = {"dns": ("/idns", "nameservers"), "ntp": ("/intp", "ntpservers")}
NO_NTP = "NC"
"""What `ntpservers` is set to for none; an empty text is refused."""


async def send(cloud: Cloud, edit: edits.Edit, files: Files) -> None:
    """Raises NoAnswer or Rejected; Refused where what the edit refers to is gone, or a file is refused."""
    match edit:
        case edits.SetSystem(uuid=uuid, field=field, value=value):
            name = "vswitch_type" if field == "vswitch" else field
            await _patch(cloud, f"/isystems/{uuid}", {name: value})
        case edits.SetServers(what=what, uuid=uuid, servers=servers):
            path, field = PATHS[what]
            none = NO_NTP if what == "ntp" else ""
            await _patch(cloud, f"{path}/{uuid}", {field: ",".join(servers) or none})
        case edits.AddDataNetwork(network=network):
            body = {"name": network.name, "network_type": network.type}
            await _post(cloud, "/datanetworks", body | ({"mtu": network.mtu} if network.mtu else {}))
        case edits.ResizeDataNetwork(uuid=uuid, mtu=mtu):
            await _patch(cloud, f"/datanetworks/{uuid}", {"mtu": mtu})
        case edits.SetParameter(uuid=uuid, parameter=parameter):
            if uuid:
                await _patch(
                    cloud,
                    f"/service_parameter/{uuid}",
                    {"name": parameter.name, "value": parameter.value},
                )
            else:
                values = {parameter.name: parameter.value}
                place = {"service": parameter.service, "section": parameter.section}
                await _post(cloud, "/service_parameter", place | {"parameters": values})
        case edits.AddBackend(storage=storage):
            await _post(cloud, f"/storage_{storage.backend.replace('-', '_')}", _backend(storage))
        case edits.SetReplication(backend=backend, uuid=uuid, replication=replication):
            capabilities = json.dumps({"replication": str(replication)})
            await _patch(
                cloud, f"/storage_{backend.replace('-', '_')}/{uuid}", {"capabilities": capabilities}
            )
        case edits.InstallCertificate(certificate=certificate):
            await installing.certificate(cloud, certificate, files)
        case edits.InstallLicense(reference=reference):
            await installing.license_file(cloud, reference, files)
        case edits.AddPtpInstance(name=name, service=service):
            await _post(cloud, "/ptp_instances", {"name": name, "service": service})
        case edits.AddPtpInterface(name=name, instance_uuid=uuid):
            await _post(cloud, "/ptp_interfaces", {"name": name, "ptp_instance_uuid": uuid})
        case edits.SetPtpParameters(path=path, removed=removed, added=added):
            out = [_operation("remove", "ptp_parameters", pair) for pair in removed]
            put = [_operation("add", "ptp_parameters", pair) for pair in added]
            await cloud.send("sysinv", "PATCH", path, body=out + put)
        case edits.AssignPtp(path=path, field=field, id=number):
            await cloud.send("sysinv", "PATCH", path, body=[_operation("add", field, number)])
        case edits.SetClock(host_uuid=uuid, clock=clock):
            await _patch(cloud, f"/ihosts/{uuid}", {"clock_synchronization": clock})
        case edits.AddRoute(interface_uuid=uuid, route=route):
            await _post(cloud, "/routes", _route(route) | {"interface_uuid": uuid})
        case edits.UploadApplication(application=application):
            await _post(cloud, "/apps", installing.package(application, files))
        case edits.UpdateApplication(application=application):
            await _post(cloud, "/apps/update", installing.package(application, files))
        case edits.SetOverrides(application=name, overrides=overrides):
            await installing.values(cloud, name, overrides, files)
        case edits.RemoveApplication(application=name):
            how = {"directive": "remove", "force": "False"}
            await cloud.send("sysinv", "PATCH", f"/apps/{name}", body={"values": {}}, params=how)
        case edits.DeleteApplication(application=name):
            await cloud.send("sysinv", "DELETE", f"/apps/{name}", params={"force": "False"})
        case edits.SetLabel(host_uuid=uuid, key=key, value=value, overwrite=overwrite):
            await _post(cloud, f"/labels/{uuid}", {key: value}, {"overwrite": str(overwrite)})
        case edits.SetInterface(uuid=uuid, interface=interface):
            await _patch(cloud, f"/iinterfaces/{uuid}", _interface(interface))
        case edits.AddInterface(host_uuid=uuid, interface=interface):
            made = _interface(interface) | {"ihost_uuid": uuid, "iftype": interface.type}
            await _post(cloud, "/iinterfaces", made)
        case edits.AssignNetwork(interface_uuid=uuid, network_uuid=network_uuid):
            await _post(cloud, "/interface_networks", {"interface_uuid": uuid, "network_uuid": network_uuid})
        case edits.UnassignNetwork():
            await _unassign(cloud, edit)
        case edits.AssignDataNetwork(interface_uuid=uuid, network_uuid=network_uuid):
            body = {"interface_uuid": uuid, "datanetwork_uuid": network_uuid}
            await _post(cloud, "/interface_datanetworks", body)
        case edits.SetCpus(host_uuid=uuid, functions=functions):
            asked = [_cpus(each) for each in functions]
            await cloud.send("sysinv", "PUT", f"/ihosts/{uuid}/state/host_cpus_modify", body=asked)
        case edits.SetMemory(uuid=uuid, platform_mib=platform, pages_2m=small, pages_1g=large):
            fields = {
                "platform_reserved_mib": platform,
                "vm_hugepages_nr_2M_pending": small,
                "vm_hugepages_nr_1G_pending": large,
            }
            given = {name: str(value) for name, value in fields.items() if value is not None}
            await _patch(cloud, f"/imemorys/{uuid}", given)
        case edits.SetKernel(host_uuid=uuid, kernel=kernel):
            await _patch(cloud, f"/ihosts/{uuid}/kernel", {"kernel_provisioned": kernel})
        case edits.AddFilesystem(host_uuid=uuid, name=name, size_gib=size):
            await _post(cloud, "/host_fs", {"ihost_uuid": uuid, "name": name, "size": size})
        case edits.GrowFilesystem(host_uuid=uuid, name=name, size_gib=size):
            grown = [_replacing({"name": name, "size": str(size)})]
            await cloud.send("sysinv", "PUT", f"/ihosts/{uuid}/host_fs/update_many", body=grown)
        case edits.AddMonitor(host_uuid=uuid):
            await _post(cloud, "/ceph_mon", {"ihost_uuid": uuid})
        case edits.AddFloatingMonitor(size_gib=size):
            await _post(cloud, "/controller_fs", {"name": FLOATING_MONITOR, "size": size})
        case edits.AddOsd(host_uuid=uuid, disk_uuid=disk):
            await _post(cloud, "/istors", {"ihost_uuid": uuid, "idisk_uuid": disk, "function": "osd"})
        case _:
            assert_never(edit)


async def apply_parameters(cloud: Cloud, service: str) -> None:
    """Puts the parameters of a service in force; harmless where they are."""
    await _post(cloud, "/service_parameter/apply", {"service": service})


async def apply_ptp(cloud: Cloud) -> None:
    """Puts PTP instances in force on hosts in service; harmless where they are."""
    await cloud.send("sysinv", "POST", "/ptp_instances/apply")


async def _patch(cloud: Cloud, path: str, fields: dict[str, Any]) -> None:
    await cloud.send("sysinv", "PATCH", path, body=_replacing(fields))


async def _post(cloud: Cloud, path: str, body: Any, params: dict[str, str] | None = None) -> None:
    await cloud.send("sysinv", "POST", path, body=body, params=params)


async def _unassign(cloud: Cloud, edit: edits.UnassignNetwork) -> None:
    path = f"/ihosts/{edit.host_uuid}/interface_networks"
    rows = listing(await cloud.get("sysinv", path), "interface_networks")
    uuid = next(
        (
            row["uuid"]
            for row in rows
            if (row["ifname"], row["network_type"]) == (edit.interface, edit.network)
        ),
        None,
    )
    if uuid is None:
        raise Refused(f"{edit.network} is not on {edit.interface} any more")
    await cloud.send("sysinv", "DELETE", f"/interface_networks/{uuid}")


def _replacing(fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in fields.items()]


def _operation(what: str, field: str, value: str | int) -> dict[str, Any]:
    """On a list that has no places, only members."""
    return {"op": what, "path": f"/{field}/-", "value": value}


def _route(route: Route) -> dict[str, Any]:
    to = ip_network(route.to)
    where = {"network": str(to.network_address), "prefix": to.prefixlen}
    return where | {"gateway": route.gateway, "metric": route.metric}


def _interface(wanted: Interface) -> dict[str, Any]:
    fields = {
        "ifname": wanted.name,
        "ifclass": wanted.ifclass,
        "imtu": wanted.mtu,
        "sriov_numvfs": wanted.vfs,
        "sriov_vf_driver": wanted.vf_driver,
        "vlan_id": wanted.vlan,
        "aemode": wanted.mode,
        "uses": list(wanted.over) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _cpus(wanted: Cpus) -> dict[str, Any]:
    if wanted.cpulist:
        return {"function": wanted.function, "cpulist": wanted.cpulist}
    sockets = [{str(node): count} for node, count in enumerate(wanted.cores)]
    return {"function": wanted.function, "sockets": sockets}


def _backend(storage: Storage) -> dict[str, Any]:
    body: dict[str, Any] = {"confirmed": True}
    if storage.deployment:
        body["deployment"] = storage.deployment
    if storage.replication:
        body["capabilities"] = {"replication": str(storage.replication)}
    return body
