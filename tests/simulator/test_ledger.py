"""The ledger counts what arrives, and tells a client that re-sends blindly from one that looks first."""

from .conftest import PATCH, Site, Start, until


async def blind(site: Site) -> None:
    """The negative control: every request is sent twice without a look in between."""
    for _ in range(2):
        await site.create()
    await site.reach("ready-to-apply")
    for _ in range(2):
        await site.apply()
    await site.reach("applied")
    for _ in range(2):
        await site.vim("DELETE")


async def careful(site: Site) -> None:
    await site.create()
    await site.reach("ready-to-apply")
    await site.apply()
    await site.reach("applied")
    await site.vim("DELETE")


async def test_a_blind_client_makes_repeats(start: Start) -> None:
    region = await start()
    await blind(await region.site())
    ledger = (await region.admin("GET", "/ledger")).body
    assert ledger["repeats"] == 3
    assert [entry["intent"] for entry in ledger["repeated"]] == ["vim.create", "vim.apply", "vim.delete"]
    assert ledger["intents"]["vim.create"] == {"applied": 1, "refused": 1}


async def test_a_careful_client_makes_none_even_over_two_strategies(start: Start) -> None:
    region = await start()
    site = await region.site()
    await careful(site)
    await site.create("starlingx-26.03.2")
    await site.reach("ready-to-apply")
    assert await region.repeats() == 0
    entries = (await region.admin("GET", "/sites/edge-0001/mutations")).body
    assert [entry["intent"] for entry in entries] == ["vim.create", "vim.apply", "vim.delete", "vim.create"]
    assert {entry["outcome"] for entry in entries} == {"applied"}


async def test_what_a_fault_swallowed_may_be_sent_again(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault({"site": "edge-0001", "on": "vim.create", "do": "refuse", "times": 1})
    assert (await site.create()).status == 400
    assert (await site.create()).status == 200
    assert await region.repeats() == 0


async def test_reading_and_logging_in_are_not_mutations(start: Start) -> None:
    region = await start()
    site = await region.site()
    await site.vim("GET")
    await site.sysinv("GET", "/v1/ihosts")
    assert (await region.admin("GET", "/ledger")).body["total"] == 0


async def test_a_second_lock_is_a_repeat_and_a_lock_after_the_unlock_is_not(start: Start) -> None:
    region = await start()
    site = await region.site()
    await site.act("controller-0", "lock")
    await site.act("controller-0", "lock")
    assert await region.repeats() == 1
    await until(lambda: site.host("controller-0"), lambda host: host["availability"] == "online")
    await site.act("controller-0", "unlock")
    await until(site.truth, lambda truth: truth["hosts"][0]["availability"] == "available")
    await site.act("controller-0", "lock")
    assert await region.repeats() == 1


async def test_usm_and_dcmanager_mutations_are_recorded_under_the_site(start: Start) -> None:
    region = await start("--not-prestaged", "edge-0002")
    site = await region.site()
    await site.call("POST", 5498, f"/v1/deploy/{PATCH}/start", {})
    await site.call("POST", 5498, f"/v1/deploy/{PATCH}/start", {})
    body = {"sysadmin_password": "cGFzcw=="}
    await region.dcmanager("PATCH", "/v1.0/subclouds/subcloud-0002/prestage", body)
    ledger = (await region.admin("GET", "/ledger")).body
    assert ledger["intents"] == {
        "dcmanager.prestage": {"applied": 1},
        "usm.start": {"applied": 1, "refused": 1},
    }
    assert [(entry["site"], entry["intent"]) for entry in ledger["repeated"]] == [("edge-0001", "usm.start")]
