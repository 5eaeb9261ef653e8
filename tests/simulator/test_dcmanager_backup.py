"""dcmanager's backups and restores: what it checks, which states they take, what a restored site is."""

import base64
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from .conftest import Answer, Region, Site, Start, until

OPTIONS = ("--install-values", "--bmc-flavours", "generic", "--install-seconds", "300")
OPTIONS += ("--bootstrap-seconds", "300", "--reboot-seconds", "60")
NAME, PATH = "subcloud-0001", "/v1.0/subcloud-backup"
STRINGS = {"local_only": "false", "registry_images": "false"}


@dataclass
class Vault:
    region: Region
    site: Site

    async def ask(self, method: str, path: str, **fields: Any) -> Answer:
        word = base64.b64encode(self.region.password.encode()).decode()
        body = {"subcloud": NAME, "sysadmin_password": word} | fields
        return await self.region.dcmanager(
            method, PATH + path, {key: value for key, value in body.items() if value is not None}
        )

    async def create(self, **fields: Any) -> Answer:
        return await self.ask("POST", "", **(STRINGS | fields))

    async def restore(self, **fields: Any) -> Answer:
        return await self.ask("PATCH", "/restore", **({"with_install": "true"} | fields))

    async def seen(self) -> dict[str, Any]:
        return dict((await self.region.dcmanager("GET", f"/v1.0/subclouds/{NAME}")).body)

    async def backup(self, *statuses: str) -> dict[str, Any]:
        return await until(self.seen, lambda seen: seen["backup-status"] in statuses)

    async def deploy(self, *statuses: str) -> dict[str, Any]:
        return await until(self.seen, lambda seen: seen["deploy-status"] in statuses)

    async def unmanage(self) -> None:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("management-state", "unmanaged")
        assert (await self.region.dcmanager("PATCH", f"/v1.0/subclouds/{NAME}", form)).status == 200

    async def mark(self, location: str) -> None:
        """Something of the platform that a restore takes back."""
        system = (await self.site.sysinv("GET", "/v1/isystems")).body["isystems"][0]
        patch = [{"op": "replace", "path": "/location", "value": location}]
        answer = await self.site.sysinv("PATCH", f"/v1/isystems/{system['uuid']}", patch)
        assert answer.status == 200, answer

    async def location(self) -> str | None:
        await self.site.login()
        return str((await self.site.sysinv("GET", "/v1/isystems")).body["isystems"][0]["location"])


@pytest.fixture
async def vault(start: Start) -> Vault:
    region = await start(*OPTIONS)
    return Vault(region, await region.site())


def words(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["description"]


async def test_a_restored_site_is_what_its_backup_says(vault: Vault) -> None:
    await vault.mark("before")
    said = await vault.create()
    assert (said.status, said.body["subclouds"][0]["backup-status"]) == (200, None)
    await vault.backup("backing-up")
    alarms = (await vault.site.call("GET", 18003, "/v1/alarms")).body["alarms"]
    assert [each["alarm_id"] for each in alarms] == ["210.001"]
    refused = await vault.site.act("controller-0", "lock")
    assert "backup in progress" in str(refused.body)
    seen = await vault.backup("complete-central")
    assert seen["backup-datetime"] is not None
    (kept,) = (await vault.region.admin("GET", "/sites/edge-0001/backups")).body
    assert kept["path"].startswith(f"/opt/dc-vault/backups/{NAME}/{kept['release']}/{NAME}_platform_backup_")
    await vault.mark("after")
    assert (await vault.restore()).status == 400  # managed
    await vault.unmanage()
    said = await vault.restore()
    assert (said.status, said.body["subclouds"][0]["deploy-status"]) == (200, "pre-restore")
    await vault.deploy("installing")
    await vault.deploy("restoring")
    seen = await vault.deploy("complete", "restore-failed", "install-failed")
    assert seen["deploy-status"] == "complete", seen["error-description"]
    assert await vault.location() == "before"
    assert (await vault.site.sysinv("GET", "/v1/restore")).body == "Restore procedure is not in progress"
    assert await vault.region.repeats() == 0


async def test_what_dcmanager_refuses(vault: Vault) -> None:
    assert words(await vault.create(what="else")) == (400, "Unexpected parameter received")
    assert words(await vault.create(registry_images="true", local_only=None)) == (
        400,
        "Option registry_images can not be used without local_only option.",
    )
    assert words(await vault.create(group="Default"))[1].endswith("should not be given at the same time")
    assert words(await vault.create(sysadmin_password="")) == (400, "subcloud sysadmin_password required")
    assert words(await vault.create(local_only="perhaps")) == (
        400,
        "Invalid local_only value, should be boolean",
    )
    managed = "must be unmanaged and in a valid deploy state for the subcloud-backup restore operation."
    assert managed in words(await vault.restore())[1]
    assert (await vault.ask("PATCH", f"/delete/{'26.03'}", sysadmin_password=None)).status == 207
    await vault.region.fault({"site": "edge-0001", "on": "site", "do": "alarm"})
    assert "must be in good health" in words(await vault.create())[1]


async def test_a_restart_of_dcmanager_fails_what_was_under_way_without_a_word(vault: Vault) -> None:
    await vault.create()
    await vault.backup("backing-up")
    await vault.region.fault({"site": "sc-1", "on": "dcmanager", "do": "restart"})
    seen = await vault.seen()
    assert (seen["backup-status"], seen["error-description"]) == ("failed", "No errors present")
    await vault.create()
    await vault.backup("complete-central")
    await vault.unmanage()
    await vault.restore()
    await vault.deploy("restoring")
    await vault.region.fault({"site": "sc-1", "on": "dcmanager", "do": "restart"})
    seen = await vault.seen()
    assert (seen["deploy-status"], seen["error-description"]) == ("restore-failed", "No errors present")
    assert await vault.region.repeats() == 0


async def test_a_restore_without_a_backup_fails_in_the_words_of_its_playbook(vault: Vault) -> None:
    await vault.unmanage()
    await vault.restore()
    seen = await vault.deploy("restore-failed")
    assert "No platform backup of subcloud-0001 was found" in seen["error-description"]
