"""When what sysinv says of a host is a proof that it was installed just now."""

import pytest

from activities.starlingx.sysinv.installed import OTHERWISE, STALE, judged
from models.bmc import AwaitHostRequest, HostRef
from models.site import HostState


def wanted(host: str = "worker-0") -> AwaitHostRequest:
    return AwaitHostRequest(on=HostRef(site="alpha", host=host), until="host", within="1h", proof="sysinv")


def state(name: str = "worker-0", **more: str) -> HostState:
    usual = {
        "name": name,
        "personality": "worker",
        "administrative": "locked",
        "operational": "disabled",
        "availability": "online",
        "inv_state": "inventoried",
        "install_state": "completed",
    }
    return HostState.model_validate(usual | more)


def test_the_state_of_an_earlier_life_proves_nothing() -> None:
    sign = judged(wanted(), state(), "")
    assert (sign.installed, sign.seen) == (False, STALE)
    assert sign.words.endswith("inv_state inventoried, as before it was switched on")
    assert not judged(wanted(), state(), sign.seen).installed


@pytest.mark.parametrize(
    "between",
    [
        None,
        state(availability="offline"),
        state(install_state="installing"),
        state(install_state="failed"),
        state(install_state=""),
        state(inv_state="reinstalling"),
        state(inv_state=""),
    ],
)
def test_after_another_state_it_is_this_installation(between: HostState | None) -> None:
    seen = judged(wanted(), state(), "").seen
    look = judged(wanted(), between, seen)
    assert (look.installed, look.seen) == (False, OTHERWISE)
    sign = judged(wanted(), state(), look.seen)
    assert sign.installed
    assert sign.words == (
        "sysinv of alpha says worker-0 is locked-disabled-online, install_state completed, "
        "inv_state inventoried"
    )


def test_controller_0_was_installed_from_a_medium_and_sysinv_does_not_know_how() -> None:
    assert judged(wanted("controller-0"), state("controller-0", install_state=""), OTHERWISE).installed
    assert not judged(wanted("controller-1"), state("controller-1", install_state=""), OTHERWISE).installed
