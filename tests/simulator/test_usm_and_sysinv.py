"""What sysinv lets be done with a host while a deployment stands, and what it says otherwise."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.cloud.hosts import Host
from simulator.services.sysinv import deploying
from simulator.wire.http import Refusal

from .usm_table import Usm


def words(check: Callable[[], None]) -> str:
    """Why it says no; nothing when it does not."""
    try:
        check()
    except Refusal as refused:
        return str(json.loads(json.loads(refused.reply.body)["error_message"])["faultstring"])
    return ""


def pair(usm: Usm) -> tuple[Host, Host]:
    first, second = usm.cloud.hosts
    return first, second


@pytest.mark.parametrize("state", ["start", "activate", "activate-rollback"])
async def test_no_controller_is_locked_or_swact_while_the_whole_works(tmp_path: Path, state: str) -> None:
    usm = Usm(tmp_path, "aio-dx")
    first, second = pair(usm)
    usm.in_state(state)
    no_lock = f"host-lock controller-1 is not allowed during upgrade state '{state}'"
    no_swact = f"Swact is not allowed. Upgrade in progress with '{state}' state."
    assert words(lambda: deploying.check_lock(usm.cloud, second)) == no_lock
    assert words(lambda: deploying.check_swact(usm.cloud, first, second)) == no_swact
    usm.in_state("host-done")
    assert words(lambda: deploying.check_lock(usm.cloud, second)) == ""
    assert words(lambda: deploying.check_swact(usm.cloud, first, second)) == ""


@pytest.mark.parametrize(
    ("there", "here", "allowed"),
    [
        ("pending", "pending", True),
        ("deployed", "pending", True),
        ("pending", "deployed", False),
        ("failed", "pending", False),
        ("rollback-pending", "rollback-pending", True),
        ("rollback-pending", "rollback-deployed", False),
        ("rollback-deployed", "rollback-pending", True),
    ],
)
async def test_the_active_role_follows_the_software(
    tmp_path: Path, there: str, here: str, allowed: bool
) -> None:
    usm = Usm(tmp_path, "aio-dx")
    first, second = pair(usm)
    state = "host-rollback" if "rollback" in there else "host"
    usm.in_state(state, usm.major, controller_0=here, controller_1=there)
    no = "" if allowed else "Swact is not allowed. New release has not been deployed to controller-1"
    assert words(lambda: deploying.check_swact(usm.cloud, first, second)) == no


@pytest.mark.parametrize("state", ["pending", "deploying", "failed"])
async def test_the_host_that_is_next_is_not_unlocked_before_it_is_deployed(
    tmp_path: Path, state: str
) -> None:
    usm = Usm(tmp_path, "aio-dx")
    first, second = pair(usm)
    usm.in_state("host", usm.major, controller_1=state, controller_0="pending")
    no = "host-unlock rejected: software deploy to controller-1 has not completed"
    assert words(lambda: deploying.check_unlock(usm.cloud, second)) == no
    assert words(lambda: deploying.check_unlock(usm.cloud, first)) == ""
    usm.in_state("host", usm.major, controller_1="deployed", controller_0="pending")
    assert words(lambda: deploying.check_unlock(usm.cloud, second)) == ""


async def test_an_abort_lets_a_host_that_was_not_reached_be_unlocked(tmp_path: Path) -> None:
    usm = Usm(tmp_path, "aio-dx")
    first, _ = pair(usm)
    usm.in_state("host", usm.major, controller_1="deployed", controller_0="pending")
    assert "has not completed" in words(lambda: deploying.check_unlock(usm.cloud, first))
    usm.ask("POST", "/deploy/abort", {})
    assert words(lambda: deploying.check_unlock(usm.cloud, first)) == ""


async def test_of_a_simplex_site_the_host_is_next_with_a_patch_alone(tmp_path: Path) -> None:
    usm = Usm(tmp_path)
    (host,) = usm.cloud.hosts
    usm.in_state("start-done")
    assert "has not completed" in words(lambda: deploying.check_unlock(usm.cloud, host))
    usm.in_state("start-done", usm.major)
    assert words(lambda: deploying.check_unlock(usm.cloud, host)) == ""
