"""What a deployment makes of the cloud at its site: bare, then bootstrapped, then in service.

The state machines of the cloud do the rest; here stands only which of them a phase moves.
"""

from typing import Any

from simulator.cloud.bootstrap import bootstrapped
from simulator.cloud.cloud import Cloud

BARE = "bare"
"""The reason for which a cloud without a system is dark."""


def becomes_bare(cloud: Cloud) -> None:
    """Its first controller is wiped: whatever answered there does so no more."""
    cloud.go_dark(BARE)
    for host in cloud.hosts:
        host.operational = host.subfunction_oper = "disabled"
        host.availability = host.subfunction_avail = "offline"


def land(cloud: Cloud, values: dict[str, Any]) -> None:
    """The bootstrap has ended well; what the site is called and how it is built is in the values."""
    cloud.identity.simplex = values["system_mode"] == "simplex"
    bootstrapped(cloud)
    # Its host may have been off when it was wiped.
    cloud.come_back("power")
    cloud.come_back(BARE)


def unlock_by_deployment_manager(cloud: Cloud) -> None:
    """It has configured the host and unlocks it; the reboot takes the site away for a while."""
    if cloud.active.locked and not cloud.active.moving:
        cloud.mtce.unlock(cloud.active, cloud.durations.reboot)
