"""What sysinv's states and mtce's texts mean for a host on its way; the texts are mtce's own."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.errors import NotYet, Refused
from activities.http import Rejected, Reply
from activities.starlingx.sysinv.errors import refused
from activities.starlingx.sysinv.hosting import HostRow, has_rebooted, verdict
from models.bringup import HostAction, HostGoal
from models.timing import Timing

LOCKED = {"administrative": "locked", "operational": "disabled", "availability": "online"}
UNLOCKED = {"administrative": "unlocked", "operational": "enabled", "availability": "available"}


def row(**more: object) -> HostRow:
    plain = {
        "uuid": "u",
        "name": "controller-0",
        "personality": "controller",
        "subfunction": "",
        "task": "",
        "action": "",
        "inventory": "inventoried",
        "install": "completed",
        "services": "",
        "mac": "",
        "active": False,
        **LOCKED,
    }
    return HostRow.model_validate(plain | more)


@pytest.mark.parametrize(
    ("goal", "found", "expected"),
    [
        ("in service", row(**UNLOCKED), "so"),
        ("in service", row(**UNLOCKED, task="Enabling Worker Service"), ""),
        ("in service", row(**UNLOCKED | {"availability": "degraded"}), ""),
        ("in service", row(task="Unlocking", action="unlock"), ""),
        ("in service", row(task="Manifest apply timeout ; Unlock to retry"), "reverted"),
        ("in service", row(task="Manifest apply timeout ; Unlock to retry", action="unlock"), "reverted"),
        (
            "in service",
            row(
                **UNLOCKED | {"availability": "failed"},
                task="Service Failure, threshold reached",
            ),
            "failed",
        ),
        ("locked", row(), "so"),
        ("locked", row(**UNLOCKED, task="Locking", action="lock"), ""),
        ("locked", row(**UNLOCKED, services="services-disable-failed"), "reverted"),
        ("locked", row(**UNLOCKED, task="Lock Rejected: Incomplete Migration"), "reverted"),
        # The VIM's own words, where it says why.
        ("locked", row(**UNLOCKED, services="instance web-1 cannot be migrated"), "reverted"),
        ("locked", row(**UNLOCKED, services="services-disable-extend"), ""),
        # What an earlier lock came to stands until the VIM has begun with this one.
        ("locked", row(**UNLOCKED, services="services-disable-failed", action="lock"), ""),
        ("online", row(), "so"),
        ("online", row(availability="offline"), ""),
        ("online", row(inventory=""), ""),
        ("online", row(install="failed"), "failed"),
        ("standby", row(**UNLOCKED), "so"),
        ("standby", row(**UNLOCKED, active=True), ""),
        ("standby", row(**UNLOCKED, active=True, task="Swact: Failed"), "failed"),
    ],
)
def test_where_a_host_is_on_its_way(goal: HostGoal, found: HostRow, expected: str) -> None:
    assert verdict(goal, found) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (row(uptime_s=50), "so"),
        (row(uptime_s=5000), ""),
        (row(uptime_s=0, availability="offline"), ""),
        (row(uptime_s=50, task="Resetting Host"), ""),
        (row(uptime_s=5000, task="Reboot Failed, try again when host is 'online'"), "failed"),
    ],
)
def test_a_reboot_is_proved_by_an_uptime_below_that_of_before(found: HostRow, expected: str) -> None:
    rebooted = has_rebooted(found, 4000, datetime.now(UTC) - timedelta(seconds=4000), Timing())
    assert verdict("rebooted", found, rebooted) == expected


@pytest.mark.parametrize(
    ("uptime_s", "expected"),
    [(0, True), (215, True), (225, False), (310, False)],
    ids=["just back", "back for a while", "mtce may be late with it", "never away"],
)
def test_a_host_that_had_hardly_been_up_is_told_by_when_it_booted(uptime_s: int, expected: bool) -> None:
    """It had just booted, five minutes ago, so that no uptime is below that of before."""
    booted = datetime.now(UTC) - timedelta(seconds=310)
    found = row(uptime_s=uptime_s)
    assert has_rebooted(found, 0, booted, Timing()) is expected
    assert not has_rebooted(found, 0, None, Timing())
    assert not has_rebooted(row(uptime_s=5000), 5000, datetime.now(UTC) - timedelta(hours=2), Timing())


@pytest.mark.parametrize(
    ("action", "found", "expected"),
    [
        ("unlock", row(task="Unlocking", action="unlock"), True),
        ("unlock", row(task="Applying manifest, please stand-by ..."), True),
        # The VIM refused it (400), and sysinv left the action standing: nothing is under way.
        ("unlock", row(action="unlock"), False),
        ("lock", row(**UNLOCKED, task="Locking-", action="lock"), True),
        ("lock", row(**UNLOCKED, action="lock"), False),
        ("swact", row(**UNLOCKED, active=True, task="Swact: In-Progress"), True),
        ("swact", row(**UNLOCKED, active=True, task="Swact: Failed"), False),
        ("lock", row(**UNLOCKED, task="Force Lock Reset in Progress"), True),
        ("reboot", row(task="Rebooting"), True),
    ],
)
def test_an_action_is_under_way_by_its_task(action: HostAction, found: HostRow, expected: bool) -> None:
    assert found.underway(action) is expected


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("VIM API Error or Timeout on action = unlock Please retry and if problem persists", NotYet),
        ("Operation Rejected: no response. retry.", NotYet),
        (
            "Can not unlock controller-0 while an application is being uploaded, applied",
            NotYet,
        ),
        ("PGs in recovery state, rejecting lock action", NotYet),
        ("controller-1 is not ready to take over: disk synchronization in progress.", NotYet),
        ("runtime config apply is pending. Please wait a few seconds and retry", NotYet),
        ("Can not unlock host controller-0 without an oam interface.", Refused),
        ("cgts-vg volume group on controller-0 does not contain any physical volumes", Refused),
        ("MTU must be between 576 and 9216 bytes.", Refused),
        ("Can not lock an active controller", Refused),
    ],
)
def test_only_what_passes_by_itself_is_asked_again(words: str, kind: type[Exception]) -> None:
    reply = Reply(method="PATCH", url="http://site/v1/ihosts/u", status=400, text="", headers={})
    failure = refused("unlock controller-0")(Rejected(reply, words))
    assert type(failure) is kind
    assert words in failure.message
