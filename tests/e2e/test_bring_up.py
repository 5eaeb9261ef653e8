"""A bootstrapped site comes to its profile and into service; a second run sends nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from inventory.load import load_inventory
from models import contracts
from models.acceptance import AcceptanceReport, VerifyRequest
from models.bringup import (
    BringUpRequest,
    ConfigurationPlan,
    ConfigurationResult,
    ConfigureRequest,
    PlanSiteRequest,
)
from tests.inventory.files import complaint as complaint_of
from tests.support.certificates import pem
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

PROFILE: dict[str, Any] = {
    "name": "edge-sx",
    "system": {"timezone": "Europe/Berlin", "description": "edge site"},
    "dns": ["192.0.2.53"],
    "ntp": ["192.0.2.123"],
    "datanetworks": [{"name": "physnet0", "type": "vlan", "mtu": 9000}],
    "storage": {"backend": "ceph-rook", "deployment": "controller"},
    "service_parameters": [
        {
            "service": "platform",
            "section": "maintenance",
            "name": "heartbeat_failure_action",
            "value": "alarm",
        }
    ],
    "roles": {
        "controller": {
            "interfaces": [
                {"port": "eth0", "name": "oam0", "networks": ["oam"]},
                {
                    "port": "eth1",
                    "name": "sriov0",
                    "class": "pci-sriov",
                    "vfs": 16,
                    "vf_driver": "vfio",
                    "mtu": 9000,
                    "datanetworks": ["physnet0"],
                },
            ],
            "cpus": [{"function": "platform", "cores": [4]}],
            "memory": [{"node": 0, "pages_1g": 16}],
            "labels": {"sriovdp": "enabled", "kube-cpu-mgr-policy": "static", "zone": "berlin"},
            "kernel": "lowlatency",
            "filesystems": {"ceph": 20, "docker": 40},
            "osds": ["/dev/nvme1n1"],
        }
    },
}

DUPLEX = {
    "controller": {
        "interfaces": [
            {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]},
            {"port": "eth1", "name": "oam0", "networks": ["oam"]},
        ],
        "labels": {"zone": "berlin"},
    }
}
"""Management leaves `lo`; a controller that was installed over the network has it on the port it came by."""


def declare(region: Simulator, *, names: tuple[str, ...] = (), **profile: Any) -> None:
    """Gives every site (or `names`) the profile, with sections exchanged."""
    document = yaml.safe_load(region.inventory.read_text())
    document["site_profiles"] = [PROFILE | profile]
    for site in document["sites"]:
        if not names or site["name"] in names:
            site["profile"] = PROFILE["name"]
    region.inventory.write_text(yaml.safe_dump(document))


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-sx", "--bootstrapped", "--plain")
    async with simulator(tmp_path / "sim", sites=3, options=options) as found:
        declare(found)
        yield found


@pytest.fixture
async def house(tmp_path: Path, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path, region) as found:
        await found.start_worker()
        yield found


async def bring_up(house: Stack, site: str) -> ConfigurationResult:
    return await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site=site))


async def ended(house: Stack, workflow: str, request: Any) -> ConfigurationResult:
    handle = await house.client.start_workflow(
        workflow,
        request,
        id=contracts.site_workflow_id(request.site),
        task_queue=contracts.TASK_QUEUE,
        result_type=ConfigurationResult,
    )
    try:
        found: ConfigurationResult = await handle.result()
        return found
    except WorkflowFailureError as error:
        if not isinstance(error.cause, ApplicationError):
            raise
        return ConfigurationResult.model_validate(error.cause.details[0])


async def verify(house: Stack, site: str) -> AcceptanceReport:
    request = VerifyRequest.model_validate({"site": site, "apart": "10s"})
    found: AcceptanceReport = await house.client.execute_workflow(
        contracts.VERIFY_SITE,
        request,
        id=f"verify/{site}",
        task_queue=contracts.TASK_QUEUE,
        result_type=AcceptanceReport,
    )
    return found


async def until_planned(house: Stack, site: str, word: str = "") -> None:
    """The worker has read the edited inventory."""

    async def differs() -> bool:
        found = await plan(house, site)
        return bool(found.changes) and word in " ".join(found.complaints)

    await until(differs, "the edited profile")


async def plan(house: Stack, site: str) -> ConfigurationPlan:
    found: ConfigurationPlan = await house.client.execute_workflow(
        contracts.PLAN_SITE,
        PlanSiteRequest(site=site),
        id=f"plan/{site}",
        task_queue=contracts.TASK_QUEUE,
        result_type=ConfigurationPlan,
    )
    return found


LICENSE = "LICENCE-4711-OF-THE-EDGE-FLEET"


async def seen_secrets(house: Stack) -> set[tuple[str, str]]:
    """Where the key of the certificate, or the licence, stands beyond the operator's own files."""
    key = (house.simulator.inventory.parent / "edge.pem").read_text().splitlines()[1]
    written = files(house.folder) | await histories(house.client)
    ours = {name: content for name, content in written.items() if "/sim/" not in name}
    return found(key, ours) | found(LICENSE, ours)


def declare_services(region: Simulator) -> None:
    """PTP, certificates, a licence and a route beside the rest; their files are the operator's."""
    folder = region.inventory.parent
    for name, text in (
        ("edge.pem", pem("edge")),
        ("ca.pem", pem("ca", authority=True)),
        ("edge.lic", LICENSE),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    controller = PROFILE["roles"]["controller"]
    oam, sriov = controller["interfaces"]
    declare(
        region,
        ptp=[
            {
                "name": "ptp1",
                "service": "ptp4l",
                "parameters": {"domainNumber": "24"},
                "interfaces": [{"name": "if1", "parameters": {"masterOnly": "1"}}],
            }
        ],
        certificates=[
            {"type": "docker_registry", "file": "file:edge.pem"},
            {"type": "ssl_ca", "file": "file:ca.pem"},
        ],
        license="file:edge.lic",
        roles={
            "controller": controller
            | {
                "clock": "ptp",
                "ptp": ["ptp1"],
                "interfaces": [oam | {"ptp": ["if1"]}, sriov],
                "routes": [{"interface": "oam0", "to": "10.200.0.0/16", "gateway": "10.20.1.1"}],
            }
        },
    )


async def test_a_bootstrapped_aio_sx_comes_to_its_profile_and_into_service(house: Stack) -> None:
    region = house.simulator
    declare_services(region)

    async def reads_them() -> bool:
        return any(change.section == "license" for change in (await plan(house, "edge-0001")).changes)

    await until(reads_them, "the profile with its files")
    planned = await plan(house, "edge-0001")
    assert planned.complaints == ()
    result = await bring_up(house, "edge-0001")
    assert (result.outcome, result.profile) == ("succeeded", "edge-sx"), result
    made = [line for line in result.changed if ": unlock" not in line]
    assert made == [change.words for change in planned.changes]
    history = await house.client.get_workflow_handle(contracts.site_workflow_id("edge-0001")).fetch_history()
    assert len(history.events) <= 300, len(history.events)
    (host,) = (await region.get("/sites/edge-0001"))["hosts"]
    assert (host["administrative"], host["operational"]) == ("unlocked", "enabled")
    sent = len(await region.mutations("edge-0001"))
    again = await bring_up(house, "edge-0001")
    assert again.outcome == "already", again
    assert again.changed == ()
    assert len(await region.mutations("edge-0001")) == sent
    assert (await plan(house, "edge-0001")).changes == ()
    assert await seen_secrets(house) == set()
    document = yaml.safe_load(region.inventory.read_text())
    document["site_profiles"][0]["dns"] = ["192.0.2.54"]
    region.inventory.write_text(yaml.safe_dump(document))
    await until_planned(house, "edge-0001")
    changed = await ended(house, contracts.CONFIGURE_SITE, ConfigureRequest(site="edge-0001"))
    assert changed.outcome == "succeeded", changed
    assert changed.changed == ("dns: servers: 192.0.2.53 -> 192.0.2.54",)
    assert len(await region.mutations("edge-0001")) == sent + 1
    report = await verify(house, "edge-0001")
    assert report.accepted, [check for check in report.checks if not check.passed]
    assert await region.repeats() == 0


async def test_a_duplex_site_comes_into_service_with_its_second_controller(tmp_path: Path) -> None:
    options = ("--topology", "aio-dx", "--bootstrapped", "--plain")
    async with simulator(tmp_path / "sim", sites=1, options=options) as region:
        controller = DUPLEX["controller"] | {"filesystems": {"ceph": 20}, "osds": ["/dev/nvme1n1"]}
        storage = {"backend": "ceph-rook", "deployment": "controller", "floating_monitor_gib": 20}
        declare(region, storage=storage, roles={"controller": controller})
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            unnamed = await bring_up(house, "edge-0001")
            assert (unnamed.outcome, unnamed.changed) == ("refused", ())
            assert "edge-0001/controller-1 would be installed over the network" in unnamed.reason
            assert await region.mutations("edge-0001") == []
            request = BringUpRequest(site="edge-0001", wipe=("edge-0001/controller-1",))
            result = await ended(house, contracts.BRING_UP_SITE, request)
            assert result.outcome == "succeeded", result
            steps = [line for line in result.changed if line.endswith((": unlock", ": added"))]
            assert steps == ["controller-0: unlock", "controller-1: added", "controller-1: unlock"]
            assert "controller-1: monitors: ceph-float: none -> 20 GiB" in result.changed
            hosts = (await region.get("/sites/edge-0001"))["hosts"]
            assert [host["administrative"] for host in hosts] == ["unlocked", "unlocked"]
            assert (await verify(house, "edge-0001")).accepted
            kernel = {"controller": controller | {"kernel": "lowlatency"}}
            declare(region, storage=storage, roles=kernel)
            await until_planned(house, "edge-0001")
            again = await ended(
                house, contracts.CONFIGURE_SITE, ConfigureRequest(site="edge-0001", lock=True)
            )
            assert again.outcome == "succeeded", again
            assert again.changed == (
                "controller-1: lock",
                "controller-1: kernel: provisioned: standard -> lowlatency",
                "controller-1: unlock",
                "controller-0: swact",
                "controller-0: lock",
                "controller-0: kernel: provisioned: standard -> lowlatency",
                "controller-0: unlock",
            )
            assert await region.repeats() == 0


async def test_a_standard_site_comes_into_service_storage_before_workers(tmp_path: Path) -> None:
    options = ("--topology", "standard-storage", "--bootstrapped", "--plain")
    options += ("--install-seconds", "240", "--reboot-seconds", "120")
    async with simulator(tmp_path / "sim", sites=1, options=options) as region:
        management = {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]}
        roles = {
            "controller": DUPLEX["controller"],
            "storage": {"interfaces": [management], "osds": ["/dev/nvme1n1"]},
            "worker": {"interfaces": [management]},
        }
        declare(region, datanetworks=[], storage={"backend": "ceph"}, roles=roles)
        others = ["controller-1", "storage-0", "storage-1", "worker-0", "worker-1"]
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            wipe = tuple(f"edge-0001/{name}" for name in others)
            result = await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site="edge-0001", wipe=wipe))
        assert result.outcome == "succeeded", result
        unlocked = [line for line in result.changed if line.endswith(": unlock")]
        assert unlocked[:4] == [f"{name}: unlock" for name in ("controller-0", *others[:3])]
        assert sorted(unlocked[4:]) == ["worker-0: unlock", "worker-1: unlock"]
        assert "worker-0, worker-1: added in bulk" in result.changed
        sent = await region.mutations("edge-0001")
        assert (sent.count("sysinv.host.add"), sent.count("sysinv.host.bulk-add")) == (3, 1)
        hosts = (await region.get("/sites/edge-0001"))["hosts"]
        assert {host["administrative"] for host in hosts} == {"unlocked"}
        assert await region.repeats() == 0


async def test_controllers_keep_the_data_once_a_worker_has_the_third_monitor(tmp_path: Path) -> None:
    options = ("--topology", "standard", "--bootstrapped", "--plain")
    options += ("--install-seconds", "240", "--reboot-seconds", "120")
    async with simulator(tmp_path / "sim", sites=1, options=options) as region:
        management = {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]}
        roles = {
            "controller": DUPLEX["controller"] | {"osds": ["/dev/nvme1n1"]},
            "worker": {"interfaces": [management]},
        }
        storage = {"backend": "ceph", "monitor": "worker-1"}
        declare(region, datanetworks=[], storage=storage, roles=roles)
        wipe = tuple(f"edge-0001/{name}" for name in ("controller-1", "worker-0", "worker-1"))
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            result = await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site="edge-0001", wipe=wipe))
        assert result.outcome == "succeeded", result
        first_unlock = min(result.changed.index(f"{name}: unlock") for name in ("worker-0", "worker-1"))
        monitor = result.changed.index("worker-1: monitors: third monitor: none -> here")
        osds = [f"controller-{number}: osds: /dev/nvme1n1: none -> osd" for number in (0, 1)]
        assert monitor < first_unlock
        assert result.changed[-2:] == tuple(osds)
        assert await region.repeats() == 0


async def test_what_needs_a_lock_is_done_only_where_that_is_allowed(house: Stack) -> None:
    region = house.simulator
    assert (await bring_up(house, "edge-0001")).outcome == "succeeded"
    sent = len(await region.mutations("edge-0001"))
    role = PROFILE["roles"]["controller"]
    declare(region, roles={"controller": role | {"memory": [{"node": 0, "pages_1g": 20}]}})
    await until_planned(house, "edge-0001")
    line = "controller-0: memory: node 0: 16 x 1G -> 20 x 1G"
    held = await ended(house, contracts.CONFIGURE_SITE, ConfigureRequest(site="edge-0001"))
    assert (held.outcome, held.changed) == ("blocked", ()), held
    assert held.evidence == (line,)
    assert len(await region.mutations("edge-0001")) == sent
    report = await verify(house, "edge-0001")
    (failed,) = [check for check in report.checks if not check.passed]
    assert (failed.group, failed.found, failed.wanted) == ("profile", "16 x 1G", "20 x 1G")
    done = await ended(house, contracts.CONFIGURE_SITE, ConfigureRequest(site="edge-0001", lock=True))
    assert done.outcome == "succeeded", done
    assert done.changed == ("controller-0: lock", line, "controller-0: unlock")
    assert (await verify(house, "edge-0001")).accepted
    assert await region.repeats() == 0


async def test_a_profile_that_does_not_fit_changes_nothing(house: Stack) -> None:
    """What is wrong in the file is said with its line, what only the site can tell by the plan."""
    region = house.simulator
    role = PROFILE["roles"]["controller"]
    wrong = {
        "interfaces": [
            {"port": "eth9", "name": "oam0", "networks": ["oam"]},
            {"port": "eth4", "name": "sriov0", "class": "pci-sriov", "vfs": 4},
            {"port": "eth1", "name": "sriov1", "class": "pci-sriov", "vfs": 4000},
        ],
        "routes": [{"interface": "oam0", "to": "192.168.204.0/22", "gateway": "10.20.1.1"}],
        "memory": [{"node": 0, "pages_1g": 200}, {"node": 7}],
        "osds": ["/dev/nvme0n1", "/dev/sdz"],
        "filesystems": {"docker": 4000},
        "cpus": [{"function": "platform", "cores": [500]}],
    }
    declare(region, roles={"controller": role | wrong})
    await until_planned(house, "edge-0001", "eth9")
    result = await bring_up(house, "edge-0001")
    assert (result.outcome, result.changed) == ("refused", ()), result
    said = "\n".join(result.evidence)
    for complaint in (
        "there is no port eth9 for oam0",
        "4 virtual functions on eth4; it offers none",
        "4000 virtual functions on eth1; it offers at most",
        "routes: 192.168.204.0/22 overlaps the site's own network management-ipv4 (192.168.204.0/24)",
        "200 x 1G",
        "there is no NUMA node 7",
        "/dev/nvme0n1 is",
        "there is no disk /dev/sdz",
        "file systems grow by",
        "500 cores of socket 0",
    ):
        assert complaint in said
    document = yaml.safe_load(region.inventory.read_text())
    document["sites"][0]["hosts"][0]["mac"] = "52:54:00:12:34"
    region.inventory.write_text(yaml.safe_dump(document))
    said = complaint_of(lambda: load_inventory(region.inventory))
    line = next(
        number
        for number, text in enumerate(region.inventory.read_text().splitlines(), 1)
        if "52:54:00:12:34" in text
    )
    assert f"inventory.yaml:{line}: sites[0].hosts[0].mac: expected a MAC address" in said
    assert await region.mutations("edge-0001") == []


async def test_a_run_under_another_id_or_without_a_profile_does_nothing(house: Stack) -> None:
    region = house.simulator
    with pytest.raises(WorkflowFailureError) as refused:
        await house.client.execute_workflow(
            contracts.BRING_UP_SITE,
            BringUpRequest(site="edge-0001"),
            id="bring-up/edge-0001",
            task_queue=contracts.TASK_QUEUE,
        )
    assert "runs only under the workflow id site/edge-0001" in str(refused.value.cause)
    document = yaml.safe_load(region.inventory.read_text())
    del document["sites"][1]["profile"]
    region.inventory.write_text(yaml.safe_dump(document))

    async def is_read() -> bool:
        return "declares no profile" in (await bring_up(house, "edge-0002")).reason

    await until(is_read, "the inventory was read again")
    assert await region.mutations("edge-0001") == []
