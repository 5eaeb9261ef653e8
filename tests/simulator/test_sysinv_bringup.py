"""An AIO-SX site from `bootstrap.yml` to service, by the calls of the installation guide."""

from typing import Any

import aiohttp

from tests.support.certificates import pem

from .conftest import Site, Start, until

SX = ("--bootstrapped", "--no-bmcs", "--sites", "1", "--reboot-seconds", "120")


async def rows(site: Site, path: str, key: str = "") -> list[dict[str, Any]]:
    """A list, by its path below /v1."""
    answer = await site.sysinv("GET", f"/v1/{path}")
    assert answer.status == 200, answer.body
    return answer.body[key or path.split("/")[-1]]


async def send(site: Site, method: str, path: str, body: Any = None) -> Any:
    answer = await site.sysinv(method, f"/v1/{path}", body)
    assert answer.status in (200, 204), answer.body
    return answer.body


def patch(**values: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]


async def carry(site: Site, uuid: str, network: str) -> None:
    """Put a platform network on an interface."""
    found = {row["type"]: row["uuid"] for row in await rows(site, "networks")}
    await send(site, "POST", "interface_networks", {"interface_uuid": uuid, "network_uuid": found[network]})


async def in_service(site: Site, name: str, within: float = 30.0) -> dict[str, Any]:
    """The host once it is unlocked, enabled and available."""

    async def look() -> dict[str, Any]:
        try:
            return await site.host(name)
        except aiohttp.ClientError:
            return {}

    return await until(look, lambda host: host.get("availability") == "available", within)


async def test_a_bootstrapped_site_is_locked_inventoried_and_not_configured(start: Start) -> None:
    site = await (await start(*SX)).site()
    host = await site.host("controller-0")
    assert (host["administrative"], host["operational"], host["availability"]) == (
        "locked",
        "disabled",
        "online",
    )
    assert (host["invprovision"], host["inv_state"]) == ("unprovisioned", "inventoried")
    uuid = host["uuid"]
    carried = {
        (row["ifname"], row["network_type"]) for row in await rows(site, f"ihosts/{uuid}/interface_networks")
    }
    assert carried == {("lo", "mgmt"), ("lo", "cluster-host")}
    names = [row["ifname"] for row in await rows(site, f"ihosts/{uuid}/iinterfaces")]
    assert names[:6] == [f"eth{place}" for place in range(6)]
    ports = await rows(site, f"ihosts/{uuid}/ethernet_ports")
    assert ports[0]["mac"] == host["mgmt_mac"]
    assert ports[0]["sriov_totalvfs"] == 256
    assert {row["numa_node"] for row in await rows(site, f"ihosts/{uuid}/icpus")} == {0, 1}
    assert len(await rows(site, f"ihosts/{uuid}/imemorys")) == 2
    assert len(await rows(site, f"ihosts/{uuid}/idisks")) >= 3
    assert await rows(site, "datanetworks") == []
    assert await rows(site, "storage_backend", "storage_backends") == []
    apps = {row["name"]: row["status"] for row in await rows(site, "apps")}
    assert apps["rook-ceph"] == "uploaded"


async def test_a_host_without_oam_is_not_unlocked(start: Start) -> None:
    site = await (await start(*SX)).site()
    answer = await site.act("controller-0", "unlock")
    assert answer.status == 400
    assert "without an oam interface" in answer.body["error_message"]


async def test_a_site_comes_into_service_by_the_calls_of_the_guide(start: Start) -> None:
    region = await start(*SX, speed=100)
    site = await region.site()
    host = (await site.host("controller-0"))["uuid"]
    interfaces = {row["ifname"]: row["uuid"] for row in await rows(site, f"ihosts/{host}/iinterfaces")}
    await send(site, "PATCH", f"iinterfaces/{interfaces['eth0']}", patch(ifname="oam0", ifclass="platform"))
    await carry(site, interfaces["eth0"], "oam")
    network = await send(site, "POST", "datanetworks", {"network_type": "vlan", "name": "fronthaul"})
    functions = patch(ifclass="pci-sriov", sriov_numvfs=16, sriov_vf_driver="vfio")
    await send(site, "PATCH", f"iinterfaces/{interfaces['eth1']}", functions)
    await send(
        site,
        "POST",
        "interface_datanetworks",
        {"interface_uuid": interfaces["eth1"], "datanetwork_uuid": network["uuid"]},
    )
    await send(site, "POST", f"labels/{host}?overwrite=False", {"sriovdp": "enabled"})
    isolated = [{"function": "application-isolated", "cpulist": "4-7"}]
    await send(site, "PUT", f"ihosts/{host}/state/host_cpus_modify", isolated)
    memory = (await rows(site, f"ihosts/{host}/imemorys"))[0]["uuid"]
    await send(site, "PATCH", f"imemorys/{memory}", patch(vm_hugepages_nr_1G_pending="8"))
    await send(site, "POST", "storage_ceph_rook", {"confirmed": True, "deployment": "controller"})
    disk = (await rows(site, f"ihosts/{host}/idisks"))[1]["uuid"]
    await send(site, "POST", "istors", {"ihost_uuid": host, "idisk_uuid": disk, "function": "osd"})
    assert (await site.act("controller-0", "unlock")).status == 200
    shown = await in_service(site, "controller-0")
    assert shown["invprovision"] == "provisioned"

    async def backend() -> str:
        return str((await rows(site, "storage_backend", "storage_backends"))[0]["state"])

    await until(backend, lambda state: state == "configured")
    assert (await rows(site, f"ihosts/{host}/istors"))[0]["state"] == "configured"
    assert (await rows(site, f"ihosts/{host}/imemorys"))[0]["vm_hugepages_nr_1G"] == 8
    apps = {row["name"]: row["status"] for row in await rows(site, "apps")}
    assert apps["rook-ceph"] == "applied"
    ledger = (await region.admin("GET", "/ledger")).body
    assert ledger["repeats"] == 0


async def test_saying_it_twice_is_a_repeat_but_not_after_it_was_undone(
    start: Start,
) -> None:
    region = await start(*SX)
    site = await region.site()
    host = (await site.host("controller-0"))["uuid"]
    interface = (await rows(site, f"ihosts/{host}/iinterfaces"))[0]["uuid"]
    await carry(site, interface, "oam")
    made = (await rows(site, f"ihosts/{host}/interface_networks"))[-1]
    await send(site, "DELETE", f"interface_networks/{made['uuid']}")
    await carry(site, interface, "oam")
    await send(site, "PATCH", f"iinterfaces/{interface}", patch(imtu=9000))
    await send(site, "PATCH", f"iinterfaces/{interface}", patch(imtu=1500))
    await send(site, "PATCH", f"iinterfaces/{interface}", patch(imtu=9000))
    assert (await region.admin("GET", "/ledger")).body["repeats"] == 0
    await send(site, "PATCH", f"iinterfaces/{interface}", patch(imtu=9000))
    oam = next(row["uuid"] for row in await rows(site, "networks") if row["type"] == "oam")
    again = {"interface_uuid": interface, "network_uuid": oam}
    assert (await site.sysinv("POST", "/v1/interface_networks", again)).status == 400
    assert (await region.admin("GET", "/ledger")).body["repeats"] == 2


async def test_a_certificate_takes_the_place_of_the_one_before_it(start: Start) -> None:
    site = await (await start(*SX)).site()
    form = aiohttp.FormData()
    form.add_field("mode", "docker_registry")
    form.add_field("file", pem("registry"), filename="certificate.pem")
    answer = await site.call("POST", 6386, "/v1/certificate/certificate_install", form)
    assert (answer.status, answer.body["error"]) == (200, "")
    found = [
        row for row in await rows(site, "certificate", "certificates") if row["certtype"] == "docker_registry"
    ]
    assert [row["subject"] for row in found] == [answer.body["certificates"][0]["subject"]]
    listed = (await site.sysinv("GET", "/v1/certificate/get_all_certs")).body
    assert "system-restapi-gui-certificate" in listed
    authority = aiohttp.FormData()
    authority.add_field("mode", "docker_registry")
    authority.add_field("file", pem(authority=True), filename="certificate.pem")
    answer = await site.call("POST", 6386, "/v1/certificate/certificate_install", authority)
    assert answer.body["error"] == "The first cert in the file should not be a CA cert"
    broken = aiohttp.FormData()
    broken.add_field("file", b"not a certificate", filename="certificate.pem")
    answer = await site.call("POST", 6386, "/v1/certificate/certificate_install", broken)
    assert answer.status == 200
    assert "invalid PEM document" in answer.body["error"]


async def test_ptp_instances_have_parameters_hosts_and_ports(start: Start) -> None:
    site = await (await start(*SX)).site()
    host = (await site.host("controller-0"))["uuid"]
    port = (await rows(site, f"ihosts/{host}/iinterfaces"))[1]
    made = await send(site, "POST", "ptp_instances", {"name": "ptp1", "service": "ptp4l"})
    ports = await send(site, "POST", "ptp_interfaces", {"name": "if1", "ptp_instance_uuid": made["uuid"]})

    def member(path: str, value: Any, what: str = "add") -> list[dict[str, Any]]:
        return [{"op": what, "path": f"/{path}/-", "value": value}]

    path = f"ptp_instances/{made['uuid']}"
    await send(site, "PATCH", path, member("ptp_parameters", "domainNumber=24"))
    exchanged = member("ptp_parameters", "domainNumber=24", "remove") + member(
        "ptp_parameters", "domainNumber=0"
    )
    await send(site, "PATCH", path, exchanged)
    await send(site, "PATCH", f"ihosts/{host}", member("ptp_instances", made["id"]))
    await send(site, "PATCH", f"iinterfaces/{port['uuid']}", member("ptp_interfaces", ports["id"]))
    await send(site, "POST", "ptp_instances/apply")
    (instance,) = await rows(site, f"ihosts/{host}/ptp_instances")
    assert instance["parameters"] == {"global": ["domainNumber=0"]}
    (interface,) = await rows(site, f"ihosts/{host}/ptp_interfaces")
    assert interface["interface_names"] == [f"controller-0/{port['ifname']}"]
    refused = await site.sysinv("DELETE", f"/v1/{path}")
    assert "still associated with host(s)" in refused.body["error_message"]


async def test_values_are_said_once_until_others_are(start: Start) -> None:
    region = await start(*SX)
    site = await region.site()
    host = (await site.host("controller-0"))["uuid"]
    path = f"ihosts/{host}/state/host_cpus_modify"
    for cpus in ("4-7", "4-9", "4-7"):
        await send(site, "PUT", path, [{"function": "application-isolated", "cpulist": cpus}])
    assert await region.repeats() == 0
    await send(site, "PUT", path, [{"function": "application-isolated", "cpulist": "4-7"}])
    assert await region.repeats() == 1
