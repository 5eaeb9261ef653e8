"""The line that a plan of a restore ends with: what was planned, to be typed as it stands."""

from cli.backing_up import restore_command
from models.restore import RestoreSiteRequest


def test_a_plan_ends_with_all_that_was_said_for_it() -> None:
    assert restore_command(RestoreSiteRequest(site="edge-0001")) == "starflock site restore edge-0001"
    request = RestoreSiteRequest.model_validate(
        {
            "site": "edge-0001",
            "backup": "edge-0001/20261122T015112Z-platform-6f1d20c3",
            "install": False,
            "volumes": True,
            "manage": False,
            "replaced": {"storage-0": "02:00:5e:77:77:00", "02:00:5e:10:00:0c": "02:00:5e:77:77:01"},
            "leave_out": ["worker-3"],
            "wipe_osds": True,
        }
    )
    assert restore_command(request).split(" --") == [
        "starflock site restore edge-0001",
        "backup edge-0001/20261122T015112Z-platform-6f1d20c3",
        "no-install",
        "volumes",
        "no-manage",
        "replaced storage-0=02:00:5e:77:77:00",
        "replaced 02:00:5e:10:00:0c=02:00:5e:77:77:01",
        "leave-out worker-3",
        "wipe-osds",
    ]
