"""What vendors do differently, as a BMC does it, and what our activities make of it."""

from typing import Any

import pytest

from activities.errors import ActivityFailure
from models.bmc import (
    AwaitBmcRequest,
    BootOverride,
    EjectRequest,
    InsertRequest,
    OverrideRequest,
    PowerRequest,
    SettingsRequest,
)
from rules import quirks
from tests.activities.redfish.house import HOST, House
from tests.activities.redfish.scripted import (
    BIOS,
    DRIVE,
    EJECT,
    INSERT,
    RESET,
    ROOT,
    SESSIONS,
    SETTINGS,
    SYSTEM,
    TASK,
    Scripted,
    link,
    slow,
)

IMAGE = "http://192.0.2.1/a/boot.iso"
ON = PowerRequest(on=HOST, want="On", kinds=("On",))
CD_ONCE = OverrideRequest(on=HOST, wanted=BootOverride(enabled="Once", target="Cd"))
PUT_IN = InsertRequest(on=HOST, slot=DRIVE, image=IMAGE)


async def failure_of(home: House, activity: Any, request: Any) -> ActivityFailure:
    with pytest.raises(ActivityFailure) as failure:
        await home.run(activity, request)
    return failure.value


# -- sessions: rows 8, 9, 31


async def test_a_session_is_used_and_given_back(home: House, own_bmc: Scripted) -> None:
    facts = await home.run(home.looks.look_at_bmc, HOST)
    assert facts.authentication == "session"
    assert own_bmc.arrived[-1] == f"DELETE {SESSIONS}/token-1"
    assert own_bmc.sessions == set()


@pytest.mark.parametrize(
    "answer",
    [
        (405, "", "not allowed"),
        (404, "", "not found"),
        (503, "IDRAC.2.8.RAC0218", "The maximum number of user sessions is reached."),
        (400, "Base.1.8.SessionLimitExceeded", "The session establishment failed."),
    ],
)
async def test_without_a_session_it_goes_on_with_basic(
    home: House, own_bmc: Scripted, answer: tuple[int, str, str]
) -> None:
    own_bmc.answers[f"POST {SESSIONS}"].append(answer)
    facts = await home.run(home.looks.look_at_bmc, HOST)
    assert facts.authentication == "basic"
    assert own_bmc.count(f"POST {SESSIONS}") == 1


async def test_a_root_without_sessions_is_not_taken_for_wrong_credentials(
    home: House, own_bmc: Scripted
) -> None:
    del own_bmc.resources[ROOT]["Links"]
    assert (await home.run(home.looks.look_at_bmc, HOST)).authentication == "basic"


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_are_tried_once(home: House, own_bmc: Scripted, status: int) -> None:
    own_bmc.answers[f"POST {SESSIONS}"] += [(status, "Base.1.8.ResourceAtUriUnauthorized", "no")] * 5
    failure = await failure_of(home, home.acts.set_power, ON)
    assert (failure.type, failure.non_retryable) == ("Refused", True)
    assert own_bmc.arrived == [f"GET {ROOT}", f"POST {SESSIONS}"]


async def test_a_wait_outlives_a_session_that_the_bmc_forgets(home: House, own_bmc: Scripted) -> None:
    async def forget() -> None:
        own_bmc.sessions.clear()

    async def on_now() -> None:
        own_bmc.system["PowerState"] = "On"

    own_bmc.answers[f"GET {SYSTEM}"] += [forget, slow(0), on_now]
    end = await home.run(home.looks.await_bmc, AwaitBmcRequest(on=HOST, until="on", within="20m"))
    assert end.how == "so"
    assert own_bmc.opened == 2
    assert own_bmc.sessions == set()


# -- virtual media: rows 2, 4, 12, 14, 18, 21, 23, 27


async def test_eject_is_sent_an_empty_object(home: House, own_bmc: Scripted) -> None:
    own_bmc.drive.update(Inserted=True, Image=IMAGE)
    assert (await home.run(home.acts.eject_medium, EjectRequest(on=HOST, slot=DRIVE))).did
    assert own_bmc.bodies == [{}]
    assert own_bmc.count(f"POST {EJECT}") == 1


async def test_an_insert_is_amended_by_what_the_refusal_names(home: House, own_bmc: Scripted) -> None:
    for name in ("TransferProtocolType", "UserName"):
        own_bmc.answers[f"POST {INSERT}"].append(
            (400, "Base.1.8.ActionParameterMissing", f"The parameter {name} is missing.")
        )
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did
    assert own_bmc.bodies == [
        {"Image": IMAGE},
        {"Image": IMAGE, "TransferProtocolType": "HTTP"},
        {"Image": IMAGE, "TransferProtocolType": "HTTP", "UserName": "none", "Password": "none"},
    ]


async def test_a_refusal_that_names_nothing_new_is_final(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {INSERT}"] += [(400, "Base.1.8.PropertyUnknown", "Image is not known")] * 9
    failure = await failure_of(home, home.acts.insert_medium, PUT_IN)
    assert failure.type == "Refused"
    assert own_bmc.count(f"POST {INSERT}") == 1


async def test_a_drive_without_insert_is_patched_at_lenovo_and_refused_elsewhere(
    home: House, own_bmc: Scripted
) -> None:
    del own_bmc.drive["Actions"]
    failure = await failure_of(home, home.acts.insert_medium, PUT_IN)
    assert failure.type == "Refused"
    assert "firmware is too old" in failure.message
    own_bmc.system["Manufacturer"] = "Lenovo"
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did
    assert own_bmc.bodies == [{"Image": IMAGE, "Inserted": True}]
    await home.run(home.acts.eject_medium, EjectRequest(on=HOST, slot=DRIVE))
    assert own_bmc.bodies[1:] == [{"Image": None, "Inserted": False}]


async def test_a_stale_image_name_is_an_empty_drive_at_supermicro_only(
    home: House, own_bmc: Scripted
) -> None:
    own_bmc.drive.update(Inserted=True, Image="http://192.0.2.1/old.iso", ConnectedVia="NotConnected")
    failure = await failure_of(home, home.acts.insert_medium, PUT_IN)
    assert failure.type == "Busy"
    own_bmc.system["Manufacturer"] = "Supermicro"
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((500, "IDRAC.2.8.RAC0904", "Unable to access."), "Blocked", "cannot be reached from the BMC"),
        ((400, "X.1.SYS446", "Internal error"), "Transient", "AutoAttach"),
        ((400, "X.1.OemLicenseNotPassed", "Not licensed"), "Refused", "lacks the licence"),
        ((503, "IDRAC.2.8.SYS518", "no data"), "Transient", "data sources"),
        ((404, "", "gone"), "Refused", "404"),
        ((409, "", "busy"), "Transient", "409"),
    ],
)
async def test_an_insert_answer_has_a_class_and_words(
    home: House, own_bmc: Scripted, answer: tuple[int, str, str], kind: str, words: str
) -> None:
    own_bmc.answers[f"POST {INSERT}"].append(answer)
    failure = await failure_of(home, home.acts.insert_medium, PUT_IN)
    assert failure.type == kind
    assert words in failure.message
    assert own_bmc.count(f"POST {INSERT}") == 1


async def test_a_failed_task_is_told_and_a_vanished_one_means_nothing(home: House, own_bmc: Scripted) -> None:
    own_bmc.accept_location = TASK
    step = await home.run(home.acts.insert_medium, PUT_IN)
    assert step.task == TASK
    wait = AwaitBmcRequest(on=HOST, until="inserted", slot=DRIVE, image=IMAGE, task=step.task, within="5m")
    assert (await home.run(home.looks.await_bmc, wait)).how == "so"
    own_bmc.drive.update(Inserted=False)
    own_bmc.resources[TASK] = {"TaskState": "Exception", "Messages": [{"Message": "no route"}]}
    end = await home.run(home.looks.await_bmc, wait)
    assert (end.how, end.words) == ("failed", "the BMC's task ended as Exception: no route")


# -- boot override: rows 6, 15, 17, 24, 25, 26


async def test_the_mode_is_sent_only_when_it_changes(home: House, own_bmc: Scripted) -> None:
    await home.run(home.acts.override_boot, CD_ONCE)
    assert "BootSourceOverrideMode" not in own_bmc.bodies[0]["Boot"]
    legacy = BootOverride(enabled="Once", target="Hdd", mode="Legacy")
    await home.run(home.acts.override_boot, OverrideRequest(on=HOST, wanted=legacy))
    assert own_bmc.bodies[1]["Boot"]["BootSourceOverrideMode"] == "Legacy"


async def test_a_stale_tag_is_read_again(home: House, own_bmc: Scripted) -> None:
    own_bmc.etag = '"1"'
    own_bmc.answers[f"PATCH {SYSTEM}"].append((412, "Base.1.8.PreconditionFailed", "stale"))
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert own_bmc.tags == ['"1"', '"1"']


async def test_a_weak_tag_is_tried_strong_and_then_left_out(home: House, own_bmc: Scripted) -> None:
    own_bmc.etag = 'W/"1"'
    own_bmc.answers[f"PATCH {SYSTEM}"] += [(428, "Base.1.8.PreconditionHeaderMissing", "tag?")] * 3
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert own_bmc.tags == ['W/"1"', 'W/"1"', '"1"', ""]


async def test_without_a_tag_no_if_match_is_sent(home: House, own_bmc: Scripted) -> None:
    await home.run(home.acts.override_boot, CD_ONCE)
    assert own_bmc.tags == [""]


async def test_the_settings_resource_is_used_where_the_targets_are_there(
    home: House, own_bmc: Scripted
) -> None:
    boot = own_bmc.system["Boot"]
    own_bmc.resources[SETTINGS] = {"Boot": dict(boot)}
    del boot["BootSourceOverrideTarget@Redfish.AllowableValues"]
    own_bmc.system["@Redfish.Settings"] = {"SettingsObject": link(SETTINGS)}
    facts = await home.run(home.looks.look_at_bmc, HOST)
    assert (facts.boot_path, facts.boot_targets) == (SETTINGS, ("None", "Cd", "Hdd"))
    await home.run(home.acts.override_boot, CD_ONCE)
    assert own_bmc.count(f"PATCH {SETTINGS}") == 1


async def test_an_override_is_sent_where_the_refusal_points(home: House, own_bmc: Scripted) -> None:
    own_bmc.resources[SYSTEM + "/SD"] = {"Boot": {}}
    refusal = (400, "Ami.1.0.OperationSupportedInFutureStateURI", "use the future state")
    own_bmc.answers[f"PATCH {SYSTEM}"].append(refusal)
    step = await home.run(home.acts.override_boot, CD_ONCE)
    assert step.did
    assert own_bmc.count(f"PATCH {SYSTEM}/SD") == 1


async def test_during_post_it_is_tried_again_later(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"PATCH {SYSTEM}"].append((400, "iLO.2.14.UnableToModifyDuringSystemPOST", "in POST"))
    failure = await failure_of(home, home.acts.override_boot, CD_ONCE)
    assert failure.type == "Transient"
    assert failure.message.startswith("the machine is in POST")


# -- power: rows 5, 10, 16


async def test_on_refused_right_after_off_is_tried_again_later(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {RESET}"].append((409, "Base.1.12.ActionParameterValueConflict", "not now"))
    failure = await failure_of(home, home.acts.set_power, ON)
    assert failure.type == "Transient"
    assert failure.message.startswith("the power-off is not over yet")
    assert failure.next_retry_delay is not None


async def test_another_kind_of_reset_is_taken_where_the_first_is_unknown(
    home: House, own_bmc: Scripted
) -> None:
    own_bmc.system["PowerState"] = "On"
    own_bmc.answers[f"POST {RESET}"].append(
        (400, "Base.1.8.ActionParameterNotSupported", "ResetType ForceOff is not supported")
    )
    off = PowerRequest(on=HOST, want="Off", kinds=quirks.OFF_KINDS)
    assert (await home.run(home.acts.set_power, off)).words == "GracefulShutdown"
    assert own_bmc.bodies == [{"ResetType": "ForceOff"}, {"ResetType": "GracefulShutdown"}]


async def test_an_accepted_reset_names_its_task(home: House, own_bmc: Scripted) -> None:
    own_bmc.accept_location = TASK
    assert (await home.run(home.acts.set_power, ON)).task == TASK


# -- settings


async def test_only_what_differs_becomes_pending(home: House, own_bmc: Scripted) -> None:
    wanted = SettingsRequest(on=HOST, attributes={"LogicalProc": "Enabled", "SriovGlobalEnable": "Enabled"})
    assert (await home.run(home.acts.set_pending, wanted)).words == "SriovGlobalEnable=Enabled"
    assert own_bmc.resources[BIOS + "/Settings"]["Attributes"] == {"SriovGlobalEnable": "Enabled"}
    assert not (await home.run(home.acts.set_pending, wanted)).did
    left = await home.run(home.looks.settings_left, wanted)
    assert left == ("BIOS SriovGlobalEnable is 'Disabled', not 'Enabled'",)


async def test_an_unknown_attribute_is_refused_by_name(home: House, own_bmc: Scripted) -> None:
    failure = await failure_of(home, home.acts.set_pending, SettingsRequest(on=HOST, attributes={"Vt": 1}))
    assert failure.type == "Refused"
    assert "no attribute Vt" in failure.message
    assert own_bmc.bodies == []
