"""The hosts beside controller-0 after a restore: when they are heard of again, and what waits for them."""

from .bmc_client import bmc_of
from .conftest import Start, until
from .test_dcmanager_backup import OPTIONS, Vault

COMPLETED = "Restore procedure completed"


async def test_controller_1_is_heard_of_once_it_is_installed_anew_and_the_restore_waits_for_it(
    start: Start,
) -> None:
    region = await start(*OPTIONS, "--topology", "aio-dx")
    site, bmc = await region.site(), bmc_of(region, host="controller-1")
    vault = Vault(region, site)
    await vault.create()
    await vault.backup("complete-central")
    await vault.unmanage()
    await vault.restore(restore_values={"wipe_ceph_osds": False})
    await vault.deploy("restoring")
    await vault.deploy("complete")
    await site.login()

    async def state() -> str:
        row = await site.host("controller-1")
        return f"{row['administrative']}-{row['operational']}-{row['availability']}"

    async def complete() -> str:
        return str((await site.sysinv("PATCH", "/v1/restore", {"action": "complete"})).body)

    assert await state() == "locked-disabled-offline"
    assert "One of the controllers is not unlocked" in await complete()
    await bmc.reset("ForceRestart")
    await bmc.reach(stage="post")
    await bmc.reach(stage="up")
    assert await state() == "locked-disabled-offline", "what was on its disk is none of this platform"
    assert "is not online" in str((await site.act("controller-1", "unlock")).body)
    await bmc.override("Pxe")
    await bmc.reset("ForceRestart")
    await until(state, lambda now: now == "locked-disabled-online")
    assert (await bmc.truth())["installs"] == 1
    await until(lambda: site.act("controller-1", "unlock"), lambda answer: answer.status == 200)
    await until(state, lambda now: now == "unlocked-enabled-available")
    assert await until(complete, lambda words: words == COMPLETED) == COMPLETED
