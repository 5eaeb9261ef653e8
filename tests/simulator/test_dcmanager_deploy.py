"""dcmanager's phased deploy: what it checks, what a phase needs of the machine, how it stops and goes on."""

import base64
import struct
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import yaml

from .conftest import Answer, Region, Start, until

BARE = ("--bare", "--not-added", "*", "--install-seconds", "600", "--bootstrap-seconds", "600")
BARE += ("--bmc-flavours", "generic")
NAME = "subcloud-0001"
PHASED = "/v1.0/phased-subcloud-deploy"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass
class Desk:
    """Adds edge-0001, with other values where a test gives some."""

    region: Region

    @property
    def declared(self) -> dict[str, Any]:
        return dict(self.region.document["sites"][0])

    def values(self, kind: str) -> dict[str, Any]:
        text = (self.region.inventory.parent / self.declared["deploy"][kind]).read_text()
        return dict(yaml.safe_load(text))

    def form(self, files: dict[str, Any], **fields: str) -> aiohttp.FormData:
        data = aiohttp.FormData(default_to_multipart=True)
        for name, content in files.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content)
            data.add_field(name, text, filename=f"{name}.yaml")
        passwords = {
            "sysadmin_password": encoded(self.region.password),
            "bmc_password": encoded((self.region.inventory.parent / "sim-bmc-password").read_text()),
        }
        for name, text in (passwords | fields).items():
            data.add_field(name, text)
        return data

    async def create(
        self, bootstrap: dict[str, Any] | None = None, install: dict[str, Any] | None = None, **fields: str
    ) -> Answer:
        files = {
            "bootstrap_values": self.values("bootstrap_values") | (bootstrap or {}),
            "install_values": self.values("install_values") | (install or {}),
        }
        address = {"bootstrap-address": self.declared["hosts"][0]["oam"].split(":")[0]}
        return await self.region.dcmanager("POST", PHASED, self.form(files, **(address | fields)))

    async def begin(self, verb: str, files: dict[str, Any] | None = None, **fields: str) -> Answer:
        return await self.region.dcmanager(
            "PATCH", f"{PHASED}/{NAME}/{verb}", self.form(files or {}, **fields)
        )

    async def seen(self) -> dict[str, Any]:
        return dict((await self.region.dcmanager("GET", f"/v1.0/subclouds/{NAME}")).body)

    async def reach(self, *statuses: str) -> dict[str, Any]:
        return await until(self.seen, lambda seen: seen["deploy-status"] in statuses)


@pytest.fixture
async def desk(start: Start) -> Desk:
    return Desk(await start(*BARE))


def words(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["description"]


WRONG_BOOTSTRAP = [
    ({"name": ""}, "name required"),
    ({"system_mode": ""}, "system_mode required"),
    ({"management_start_address": ""}, "management_start_address required"),
    ({"external_oam_subnet": ""}, "external_oam_subnet required"),
    ({"name": "4711"}, "name must contain alphabetic characters"),
    ({"management_subnet": "nonsense"}, "management_subnet invalid: Invalid subnet - not a valid IP subnet"),
    ({"management_end_address": "127.0.0.1"}, "management_end_address invalid: Address must be in subnet"),
    ({"system_mode": "duplex"}, "management address range must contain at least 3 addresses"),
    (
        {"systemcontroller_gateway_address": "10.0.0.1"},
        "systemcontroller_gateway_address invalid: Address must",
    ),
    (
        {"external_oam_floating_address": "10.0.0.1"},
        "oam_floating_address invalid: Address must be in subnet",
    ),
]
WRONG_INSTALL = [
    ({"install_type": 9}, "install_type invalid: 9"),
    ({"persistent_size": 5}, "persistent_size of 5 MB is less than 30000"),
    ({"bmc_address": "nowhere"}, "bmc_address invalid: failed to detect a valid IP address from 'nowhere'"),
    ({"extra_boot_params": ""}, "The install value extra_boot_params must not be empty."),
    ({"software_version": "99.99"}, "The software_version value 99.99 in the install values yaml file"),
]


async def test_wrong_values_are_refused_one_trouble_at_a_time(desk: Desk) -> None:
    for wrong, said in WRONG_BOOTSTRAP:
        status, text = words(await desk.create(bootstrap=wrong))
        assert status == 400, (wrong, text)
        assert text.startswith(said), (wrong, text)
    for wrong, said in WRONG_INSTALL:
        status, text = words(await desk.create(install=wrong))
        assert status == 400, (wrong, text)
        assert text.startswith(said), (wrong, text)
    assert words(await desk.create(group_id="77")) == (400, "Invalid group_id")
    assert words(await desk.create(bmc_password="x")) == (
        400,
        "Failed to decode subcloud bmc_password, verify the password is base64 encoded",
    )
    assert (await desk.region.dcmanager("GET", "/v1.0/subclouds")).body == {"subclouds": []}
    created = await desk.create()
    assert (created.status, created.body["deploy-status"]) == (200, "create-complete")
    assert words(await desk.create()) == (409, f"Subcloud with name={NAME} already exists")


async def test_a_bootstrap_needs_an_installed_host_and_the_right_password(desk: Desk) -> None:
    await desk.create()
    assert (await desk.begin("bootstrap")).body["deploy-status"] == "pre-bootstrap"
    failed = await desk.reach("bootstrap-failed")
    assert "Failed to connect to the host via ssh" in failed["error-description"]
    assert words(await desk.begin("install"))[0] == 400
    assert (await desk.region.dcmanager("GET", f"/v1.0/subclouds/{NAME}")).body[
        "management-state"
    ] == "unmanaged"


async def test_an_install_boots_the_image_that_was_made_for_the_host(desk: Desk) -> None:
    created = await desk.create(install={"extra_boot_params": "nosmt,audit=0", "bootstrap_vlan": 7})
    region = created.body["region-name"]
    assert len(region) == 32
    await desk.begin("install")
    await desk.reach("installing")
    await until(lambda: _media(desk), bool)
    (url,) = (await _media(desk)).values()
    async with desk.region.session.get(url) as reply:
        image = await reply.read()
    assert image[16 * 2048 + 1 : 16 * 2048 + 6] == b"CD001"
    (size,) = struct.unpack_from("<I", image, 16 * 2048 + 80)
    assert size * 2048 == len(image)
    for word in (b"vlan=eno1.7:eno1", b"nosmt audit=0", b"instdev=/dev/disk/by-path"):
        assert word in image
    assert encoded((desk.region.inventory.parent / "sim-bmc-password").read_text()).encode() not in image
    await desk.reach("install-complete")
    async with desk.region.session.get(url) as reply:
        assert reply.status == 404
    await desk.begin("bootstrap")
    await desk.reach("bootstrap-complete")
    site = await desk.region.site()
    host = await site.host("controller-0")
    assert [host[key] for key in ("administrative", "operational", "availability")] == [
        "locked",
        "disabled",
        "online",
    ]
    assert (await site.sysinv("GET", "/v1/isystems/region_id")).body == {"region_name": region}
    manage = aiohttp.FormData(default_to_multipart=True)
    manage.add_field("management-state", "managed")
    assert (await desk.begin("complete")).body["deploy-status"] == "complete"
    answer = await desk.region.dcmanager("PATCH", f"/v1.0/subclouds/{NAME}", manage)
    assert words(answer) == (422, "Subcloud is not online.")
    assert await desk.region.repeats() == 0


async def _media(desk: Desk) -> dict[str, str]:
    return dict((await desk.region.admin("GET", "/media")).body)


async def test_a_wrong_address_in_the_image_leaves_the_host_where_nobody_looks(desk: Desk) -> None:
    await desk.create(install={"bootstrap_address": "127.0.0.9", "wait_for_timeout": 1200})
    await desk.begin("install")
    failed = await desk.reach("install-failed")
    assert "Timeout when waiting for 127.0.0.9:22" in failed["error-description"]


async def test_a_wrong_password_of_the_bmc_ends_the_install(desk: Desk) -> None:
    await desk.create(bmc_password=encoded("wrong"))
    await desk.begin("install", bmc_password=encoded("wrong"))
    failed = await desk.reach("install-failed")
    assert "invalid credentials" in failed["error-description"]
    truth = await (await desk.region.site()).truth()
    assert truth["hosts"][0]["bmc"]["failed_logins"] == 1


async def test_an_abort_stops_a_phase_and_a_resume_takes_up_what_is_left(desk: Desk) -> None:
    await desk.create()
    assert words(await desk.begin("abort"))[0] == 400
    await desk.begin("install")
    await desk.reach("installing")
    assert (await desk.begin("abort")).body["deploy-status"] == "aborting-install"
    await desk.reach("install-aborted")
    config = "kind: System\napiVersion: starlingx.windriver.com/v1\n"
    resumed = await desk.begin("resume", {"deploy_config": config})
    assert resumed.body["deploy-status"] == "pre-install"
    await desk.reach("complete")
    assert words(await desk.begin("abort"))[0] == 400
    assert await desk.region.repeats() == 0


async def test_a_restart_turns_what_runs_into_failures_without_a_word(desk: Desk) -> None:
    await desk.create()
    await desk.begin("install")
    await desk.reach("installing")
    await desk.region.fault({"site": "sc-1", "on": "dcmanager", "do": "restart"})
    failed = await desk.reach("install-failed")
    assert failed["error-description"] == "No errors present"
    await desk.begin("install")
    await desk.reach("install-complete")
    assert await desk.region.repeats() == 0


async def test_the_durations_that_were_drawn_are_told(desk: Desk) -> None:
    told = (await desk.region.admin("GET", "/durations?operation=add-subcloud")).body
    assert set(told) == {"edge-0001", "edge-0002"}
    assert told["edge-0001"]["bootstrap"] == 1.0
    assert 15 / 600 <= told["edge-0001"]["prepare"] <= 60 / 600


async def test_a_phase_that_is_asked_for_twice_is_a_repeat(desk: Desk) -> None:
    await desk.create()
    await desk.begin("install")
    await desk.reach("installing")
    assert words(await desk.begin("install"))[0] == 400
    assert await desk.region.repeats() == 1


async def test_an_add_runs_all_phases_by_itself(desk: Desk) -> None:
    files: dict[str, Any] = {
        kind: (desk.region.inventory.parent / path).read_text()
        for kind, path in desk.declared["deploy"].items()
    }
    answer = await desk.region.dcmanager("POST", "/v1.0/subclouds", desk.form(files))
    assert (answer.status, answer.body["deploy-status"]) == (200, "not-deployed")
    await desk.reach("complete")
    online = await until(desk.seen, lambda seen: seen["availability-status"] == "online")
    assert online["data_install"] is not None


async def test_a_subcloud_at_a_wrong_address_is_deployed_and_never_online(desk: Desk) -> None:
    own = desk.values("bootstrap_values")
    other = own["management_start_address"].rsplit(".", 1)[0] + ".77"
    await desk.create(bootstrap={"management_start_address": other, "management_end_address": other})
    await desk.begin("install")
    await desk.reach("install-complete")
    await desk.begin("bootstrap")
    await desk.reach("bootstrap-complete")
    await desk.begin("configure", {"deploy_config": "kind: System\napiVersion: starlingx.windriver.com/v1\n"})
    await desk.reach("complete")

    async def unlocked() -> bool:
        truth = await (await desk.region.site()).truth()
        return bool(truth["hosts"][0]["operational"] == "enabled")

    await until(unlocked, bool)
    assert (await desk.seen())["availability-status"] == "offline"
