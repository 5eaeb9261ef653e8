"""A patch from create to delete, by topology, kind of patch and dialect."""

from .conftest import BODY, PATCH, REBOOT_PATCH, Site, Start, until


async def carry(site: Site, release: str, **options: object) -> None:
    assert (await site.create(release, **options)).status == 200
    await site.reach("ready-to-apply")
    assert (await site.apply()).status == 202
    await site.reach("applied")


async def test_an_in_service_patch_reboots_nothing_and_leaves_nothing_behind(start: Start) -> None:
    region = await start()
    site = await region.site()
    await carry(site, PATCH)
    assert (await site.vim("DELETE", body={"force": False})).status == 200
    truth = await site.truth()
    assert truth["usm"] == {
        "releases": {"starlingx-26.03.0": "deployed", PATCH: "deployed", REBOOT_PATCH: "available"},
        "deployment": None,
    }
    assert truth["alarms"] == []
    assert await site.state() is None
    assert await region.repeats() == 0


async def test_without_delete_the_deployment_stays_completed(start: Start) -> None:
    site = await (await start()).site()
    await carry(site, PATCH, delete=False)
    assert (await site.truth())["usm"]["deployment"]["state"] == "completed"
    assert [row["state"] for row in (await site.call("GET", 5498, "/v1/deploy")).body] == ["completed"]


async def test_strategy_passes_through_nfv_stages_in_order(start: Start) -> None:
    site = await (await start("--topology", "aio-dx")).site()
    await site.create(REBOOT_PATCH)
    await site.reach("ready-to-apply")
    stages = (await site.vim("GET")).body["strategy"]["apply-phase"]["stages"]
    assert [stage["stage-name"] for stage in stages] == [
        "sw-upgrade-start",
        "sw-upgrade-worker-hosts",
        "sw-upgrade-worker-hosts",
        "sw-upgrade-complete",
        "sw-deploy-delete",
    ]
    assert [step["step-name"] for step in stages[1]["steps"]] == [
        "query-alarms",
        "swact-hosts",
        "lock-hosts",
        "upgrade-hosts",
        "system-stabilize",
        "unlock-hosts",
        "wait-alarms-clear",
    ]
    assert [stage["steps"][1]["entity-names"] for stage in stages[1:3]] == [
        ["controller-1"],
        ["controller-0"],
    ]


async def test_a_simplex_reboot_refuses_connections_and_comes_back(start: Start) -> None:
    site = await (await start()).site()
    await site.create(REBOOT_PATCH)
    await site.reach("ready-to-apply")
    await site.apply()
    await site.reach("silent")
    assert "reboot" in (await site.truth())["dark_for"]
    await site.reach("applied")
    truth = await site.truth()
    assert truth["usm"]["releases"][REBOOT_PATCH] == "deployed"
    assert (truth["hosts"][0]["administrative"], truth["hosts"][0]["availability"]) == (
        "unlocked",
        "available",
    )


async def test_on_duplex_the_active_role_moves(start: Start) -> None:
    site = await (await start("--topology", "aio-dx")).site()
    await carry(site, REBOOT_PATCH)
    active = [host["name"] for host in (await site.truth())["hosts"] if host["active"]]
    assert active == ["controller-1"]
    assert (await site.host("controller-1"))["capabilities"]["Personality"] == "Controller-Active"


async def test_a_stage_at_a_time(start: Start) -> None:
    site = await (await start()).site()
    await site.create()
    await site.reach("ready-to-apply")
    assert (await site.apply("apply-stage")).status == 400
    assert (await site.apply("apply-stage", **{"stage-id": 0})).status == 202

    async def stage() -> int:
        return int((await site.vim("GET")).body["strategy"]["apply-phase"]["current-stage"])

    await until(stage, lambda number: number == 1)
    assert await site.state() == "applying"
    assert (await site.apply("apply-stage", **{"stage-id": 1})).status == 202
    await until(stage, lambda number: number == 2)
    assert (await site.apply()).status == 202
    await site.reach("applied")
    assert await site.client.repeats() == 0


async def test_a_recreated_strategy_resumes_from_what_usm_has_done(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault({"site": "edge-0001", "on": "vim.apply", "do": "fail", "times": 1})
    await site.create()
    await site.reach("ready-to-apply")
    await site.apply()
    await site.reach("apply-failed")
    assert (await site.truth())["usm"]["deployment"]["state"] == "host-failed"
    await site.vim("DELETE")
    await site.create()
    await site.reach("ready-to-apply")
    stages = (await site.vim("GET")).body["strategy"]["apply-phase"]["stages"]
    assert stages[0]["stage-name"] == "sw-upgrade-worker-hosts"
    await site.apply()
    await site.reach("applied")
    assert (await site.truth())["usm"]["releases"][PATCH] == "deployed"


async def test_a_release_that_is_not_prestaged_fails_the_build_until_it_is(start: Start) -> None:
    region = await start("--not-prestaged", "edge-0001", "--prestage-seconds", "60")
    site = await region.site()
    await site.create()
    await site.reach("build-failed")
    await site.vim("DELETE")
    ref = "/v1.0/subclouds/subcloud-0001"
    answer = await region.dcmanager("PATCH", f"{ref}/prestage", {"sysadmin_password": "cGFzcw=="})
    assert (answer.status, answer.body["prestage-status"]) == (200, "prestaging")

    async def prestage() -> str:
        return str((await region.dcmanager("GET", ref)).body["prestage-status"])

    await until(prestage, lambda status: status == "complete")
    await carry(site, PATCH)


async def test_the_next_dialect_takes_a_list_and_the_current_one_a_text(start: Start) -> None:
    new = await (await start("--dialect", "next")).site()
    assert (await new.create("starlingx-26.09.1")).status == 400
    answer = await new.vim("POST", body=(_body(["starlingx-26.09.1"])))
    assert (answer.status, answer.body["strategy"]["release"]) == (200, ["starlingx-26.09.1"])
    assert (await new.sysinv("GET", "/v1/isystems")).body["isystems"][0]["software_version"] == "26.09"
    old = await (await start()).site()
    assert (await old.vim("POST", body=(_body([PATCH])))).status == 400


def _body(releases: list[str]) -> dict[str, object]:
    return BODY | {"release": releases}


async def test_conflicts_and_refusals_are_nfvs(start: Start) -> None:
    site = await (await start(speed=1)).site()
    assert (await site.apply()).status == 404
    assert (await site.vim("DELETE")).status == 404
    assert (await site.create()).status == 200
    assert (await site.create()).body["faultstring"] == "strategy already exists of type:sw-upgrade"
    assert (await site.vim("DELETE")).status == 409
    current = await site.call("GET", 4546, "/api/orchestration/current-strategy/strategy")
    assert current.body == {"strategy": {"name": "sw-upgrade", "state": "building"}}
    assert (await site.apply("abort")).status == 400


async def test_an_abort_stops_between_steps(start: Start) -> None:
    site = await (await start(speed=100)).site()
    await site.create()
    await site.reach("ready-to-apply")
    await site.apply()
    assert (await site.apply("abort-stage", **{"stage-id": None})).status == 202
    await site.reach("aborted")
    assert (await site.truth())["usm"]["deployment"]["state"] == "start-done"
