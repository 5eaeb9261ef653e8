"""The hosts of one cloud, moved as mtcAgent and the VIM move them.

Lock, unlock and swact are accepted at once and end later; between those moments administrative, operational,
availability and `task` pass through the values that mtce writes (metal, 2026-06). The unlock of the host
that serves the API, and a swact, take every listener of the site away: connections are refused, not
answered. Each movement takes a continuation, so that a strategy's step and a REST call share one code path.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

Then = Callable[[], None]


def nothing() -> None:
    """The continuation of a movement that nobody waits for."""


@dataclass(slots=True)
class Host:
    """One host as sysinv shows it. `active` is the controller that serves the APIs."""

    id: int
    uuid: str
    name: str
    personality: str
    bmc: str | None
    mac: str
    mgmt_ip: str
    active: bool = False
    subfunctions: str = "controller,worker"
    administrative: str = "unlocked"
    operational: str = "enabled"
    availability: str = "available"
    subfunction_oper: str = "enabled"
    subfunction_avail: str = "available"
    invprovision: str = "provisioned"
    ihost_action: str | None = None
    task: str = ""
    vim_progress_status: str | None = "services-enabled"
    inv_state: str | None = "inventoried"
    install_state: str | None = "completed"
    config_status: str | None = None
    bm_type: str | None = "redfish"
    bm_username: str | None = "root"
    free: dict[str, Any] = field(default_factory=dict)
    """Fields that a caller has set and that mean nothing here: location, console, boot devices."""
    moving: str = ""
    """The movement under way: lock, unlock, swact, reboot, or nothing."""

    @property
    def locked(self) -> bool:
        return self.administrative == "locked"

    @property
    def locked_online(self) -> bool:
        return self.locked and self.availability == "online" and not self.moving

    def enter(self, administrative: str, operational: str, availability: str, task: str) -> None:
        self.administrative, self.operational, self.availability = administrative, operational, availability
        self.subfunction_oper, self.subfunction_avail = operational, availability
        self.task = task


class Mtce:
    """Moves hosts. One per cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud

    def lock(self, host: Host, seconds: float, then: Then = nothing, action: str = "lock") -> None:
        host.moving, host.ihost_action = "lock", action
        host.task = {"force-lock": "Force Locking", "force-unsafe-lock": "Unsafely Force Locking"}.get(
            action, "Locking"
        )

        def end() -> None:
            host.moving, host.ihost_action = "", None
            host.enter("locked", "disabled", "online", "")
            host.vim_progress_status = "services-disabled"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.unlock")
            self.cloud.alarms.raise_("200.001", f"host={host.name}", host=host.name)
            if not self.cloud.simplex:
                self.cloud.lose_redundancy()
            then()

        self.cloud.clock.later(seconds, end)

    def unlock(self, host: Host, seconds: float, then: Then = nothing) -> None:
        host.moving, host.ihost_action = "unlock", "unlock"
        alone, host.task = host.active, "Unlocking"

        def applying() -> None:
            if alone:
                host.task = "Applying manifest, please stand-by ..."

        def unlocked() -> None:
            words = (
                "Unlocking, please stand-by while the system gracefully reboots"
                if alone
                else "Reboot Request"
            )
            host.enter("unlocked", "disabled", "offline", words)
            self.cloud.alarms.clear("200.001", f"host={host.name}")
            if alone:
                self.cloud.go_dark("reboot")

        def booting() -> None:
            host.task = "Booting"

        def back() -> None:
            if alone:
                self.cloud.come_back("reboot")
            host.enter("unlocked", "disabled", "intest", "Testing")

        def enabling() -> None:
            host.enter("unlocked", "disabled", "intest", "Enabling Worker Service")

        def enabled() -> None:
            host.moving, host.ihost_action = "", None
            host.enter("unlocked", "enabled", "available", "")
            host.vim_progress_status = "services-enabled"
            host.invprovision = "provisioned"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.lock")
            self.cloud.alarms.clear("900.020", f"host={host.name}")
            self.cloud.after_unlock()
            then()

        share = seconds / 20
        self.cloud.clock.sequence(
            [
                (share / 2, applying),
                (1.5 * share, unlocked),
                (4 * share, booting),
                (11 * share, back),
                (share, enabling),
            ]
        )
        self.cloud.clock.later(seconds, enabled)

    def swact(self, host: Host, seconds: float, then: Then = nothing, task: str = "Swacting") -> None:
        """Hand the active role from `host` to the other controller; nothing to do if it is not active."""
        peer = self.cloud.peer_of(host)
        host.task = task
        if not host.active or peer is None:

            def forgotten() -> None:
                host.task = ""
                then()

            self.cloud.clock.later(1, forgotten)
            return
        host.moving = "swact"

        def asking() -> None:
            host.task = "Swact: Request"

        def moving() -> None:
            host.task = "Swact: In-Progress"
            self.cloud.go_dark("swact")

        def moved() -> None:
            host.active, peer.active = False, True
            host.moving, host.task = "", ""
            self.cloud.life_ended(f"host/{peer.name}", "sysinv.host.swact")
            self.cloud.come_back("swact")
            then()

        share = seconds / 40
        self.cloud.clock.sequence([(share, asking), (share, moving), (38 * share, moved)])

    def cycle(self, host: Host, action: str, seconds: float) -> None:
        """Reboot, reset, power or reinstall a locked host."""
        host.moving, host.task = action, _CYCLE_TASKS.get(action, "Rebooting")
        if action == "reinstall":
            host.inv_state = "reinstalling"

        def down() -> None:
            host.availability = host.subfunction_avail = "offline"

        def end() -> None:
            host.inv_state = "inventoried"
            host.moving, host.task = "", ""
            host.availability = host.subfunction_avail = "power-off" if action == "power-off" else "online"
            self.cloud.life_ended(f"host/{host.name}", f"sysinv.host.{action}")

        self.cloud.clock.sequence([(seconds / 20, down), (seconds * 19 / 20, end)])


_CYCLE_TASKS = {
    "reboot": "Rebooting",
    "reset": "Resetting",
    "power-on": "Powering-on",
    "power-off": "Powering-off",
    "reinstall": "Reinstalling",
}
