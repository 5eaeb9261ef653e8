"""When a move is over: by its own migration and by the host, never by one of them."""

from datetime import timedelta
from typing import Any

import pytest

from activities.openstack.moving import judged
from models.compute import AwaitMoveRequest

HOST, OTHER = "controller-0", "controller-1"
ASKED = AwaitMoveRequest(
    site="edge", host=HOST, vm="1", name="web", migration=7, kind="live", within=timedelta(hours=1)
)


def migration(status: str) -> dict[str, Any]:
    return {"id": 7, "status": status, "dest_compute": OTHER}


def server(status: str = "ACTIVE", host: str = HOST, task: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-STS:task_state": task,
        **more,
    }


@pytest.mark.parametrize(
    ("own", "now", "how"),
    [
        ("queued", server(task="migrating"), "late"),
        ("running", server(task="migrating"), "late"),
        # The host is new and the task gone while the migration still runs (nova 34).
        ("running", server(host=OTHER), "late"),
        ("completed", server(host=OTHER), "moved"),
        ("completed", server("PAUSED", host=OTHER), "moved"),
        # It says that it is over, and the server is where it was.
        ("completed", server(), "failed"),
        ("error", server(), "failed"),
        ("error", server(task="migrating"), "late"),
        ("failed", server(), "failed"),
        ("cancelled", server(), "cancelled"),
        ("finished", server("VERIFY_RESIZE", host=OTHER), "to confirm"),
        ("confirming", server("VERIFY_RESIZE", host=OTHER), "late"),
        ("confirmed", server("SHUTOFF", host=OTHER), "moved"),
        ("reverted", server(), "failed"),
        ("error", server("ERROR", fault={"message": "the domain  is gone"}), "error"),
        # Nobody's migration shows nothing: ours is waited for.
        (None, server(host=OTHER), "late"),
    ],
)
def test_a_move_is_judged_by_its_migration_and_the_host(
    own: str | None, now: dict[str, Any], how: str
) -> None:
    end = judged(ASKED, migration(own) if own else None, now)
    assert end.how == how
    assert end.host == now["OS-EXT-SRV-ATTR:host"]
    if how == "error":
        assert end.words == "the domain is gone"


def test_a_server_that_was_deleted_needs_no_move() -> None:
    assert judged(ASKED, migration("running"), None).how == "gone"
