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


def of_before(name: str) -> str:
    """What the server is called that a host had, once another one has its name."""
    return f"{name} of before"


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
    invprovision: str | None = "provisioned"
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
    lost: bool = False
    """Restored, and the system on its disk is none of this platform: it counts once it is installed anew."""
    machine: str = ""
    """The name of the server that the host runs on, where it is not the host's own."""
    kernel_provisioned: str = "standard"
    kernel_running: str = "standard"
    moving: str = ""
    """The movement under way: lock, unlock, swact, reboot, or nothing."""
    booted_at: float | None = -86400.0
    """On the cloud's clock; None while it is down."""
    watched_by: list[Callable[["Host"], None]] = field(default_factory=list)
    """Who hears whenever the host goes out of service or comes back: what runs on it."""

    @property
    def title(self) -> str:
        """The name as sysinv's texts have it: a host without one is called None."""
        return self.name or "None"

    @property
    def is_taken_away(self) -> bool:
        """Another server stands in its place, and sysinv knows it still."""
        return self.machine == of_before(self.name)

    @property
    def locked(self) -> bool:
        return self.administrative == "locked"

    @property
    def locked_online(self) -> bool:
        return self.locked and self.availability == "online" and not self.moving

    def uptime(self, now: float) -> int:
        """As mtce writes it: 0 while the host is down."""
        return 0 if self.booted_at is None else int(now - self.booted_at)

    def provision_kernel(self, kernel: str) -> None:
        """The kernel that the next boot takes; the low-latency one shows among the subfunctions."""
        self.kernel_provisioned = kernel
        parts = [part for part in self.subfunctions.split(",") if part != "lowlatency"]
        self.subfunctions = ",".join([*parts, "lowlatency"] if kernel == "lowlatency" else parts)

    def enter(self, administrative: str, operational: str, availability: str, task: str) -> None:
        self.administrative, self.operational, self.availability = administrative, operational, availability
        self.subfunction_oper, self.subfunction_avail = operational, availability
        self.task = task
        self.tell()

    def tell(self) -> None:
        for hear in self.watched_by:
            hear(self)


class Mtce:
    """Moves hosts. One per cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.refusal = ""
        """What maintenance answers to everything; empty when it takes requests."""
        self.vim_is_silent = False
        """Whether the VIM, which has to agree to locks and unlocks, cannot be reached."""

    def lock(self, host: Host, seconds: float, then: Then = nothing, action: str = "lock") -> None:
        host.moving, host.ihost_action = "lock", action
        host.task = {"force-lock": "Force Locking", "force-unsafe-lock": "Unsafely Force Locking"}.get(
            action, "Locking"
        )
        host.tell()

        def end() -> None:
            host.moving, host.ihost_action = "", None
            if then is nothing and action not in _BY_FORCE and self.cloud.hooks.fails("host.lock"):
                host.task, host.vim_progress_status = "", "services-disable-failed"
                self.cloud.life_ended(f"host/{host.name}", f"sysinv.host.{action}")
                return
            if action in _BY_FORCE:
                host.booted_at = self.cloud.clock.now()
                self.cloud.usm.booted(host)
            host.enter("locked", "disabled", "online", "")
            host.vim_progress_status = "services-disabled"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.unlock")
            self.cloud.alarms.raise_("200.001", f"host={host.name}", host=host.name)
            if not self.cloud.simplex and host.personality == "controller":
                self.cloud.lose_redundancy()
            then()

        self.cloud.clock.later(seconds, end)

    def unlock(self, host: Host, seconds: float, then: Then = nothing) -> None:
        host.moving, host.ihost_action = "unlock", "unlock"
        alone, host.task = host.active, "Unlocking"
        first = host.invprovision != "provisioned"
        reverts = then is nothing and self.cloud.hooks.fails("host.unlock")

        def applying() -> None:
            if alone:
                host.task = "Applying manifest, please stand-by ..."

        def reverted() -> None:
            host.moving, host.ihost_action = "", None
            host.task = "Manifest apply timeout ; Unlock to retry"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.unlock")

        def unlocked() -> None:
            words = (
                "Unlocking, please stand-by while the system gracefully reboots"
                if alone
                else "Reboot Request"
            )
            host.booted_at = None
            host.enter("unlocked", "disabled", "offline", words)
            if host.invprovision != "provisioned":
                host.invprovision = "provisioning"
            self.cloud.alarms.clear("200.001", f"host={host.name}")
            self.cloud.hooks.cycled(host, "reboot")
            if alone:
                self.cloud.go_dark("reboot")

        def booting() -> None:
            host.task = "Booting"

        def back() -> None:
            host.booted_at = self.cloud.clock.now()
            self.cloud.usm.booted(host)
            if alone:
                self.cloud.come_back("reboot")
            host.enter("unlocked", "disabled", "intest", "Testing")

        def enabling() -> None:
            host.enter("unlocked", "disabled", "intest", "Enabling Worker Service")

        def enabled() -> None:
            host.moving, host.ihost_action = "", None
            if then is nothing and self.cloud.hooks.fails("host.enable"):
                host.enter("unlocked", "disabled", "failed", _GIVEN_UP)
                self.cloud.life_ended(f"host/{host.name}", "sysinv.host.lock")
                return
            host.enter("unlocked", "enabled", "available", "")
            host.vim_progress_status = "services-enabled"
            host.invprovision = "provisioned"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.lock")
            self.cloud.alarms.clear("900.020", f"host={host.name}")
            self.cloud.after_unlock(host)
            if first and host.personality == "controller" and not host.active:
                self.cloud.synchronize()
            then()

        share = seconds / 20
        if reverts:
            self.cloud.clock.sequence([(share / 2, applying), (3 * share, reverted)])
            return
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

        def failed() -> None:
            host.moving, host.task = "", "Swact: Failed"
            self.cloud.life_ended(f"host/{host.name}", "sysinv.host.swact")

        def moving() -> None:
            host.task = "Swact: In-Progress"
            self.cloud.go_dark("swact")

        def moved() -> None:
            host.active, peer.active = False, True
            self.cloud.usm.spoken()
            host.moving, host.task = "", ""
            self.cloud.life_ended(f"host/{peer.name}", "sysinv.host.swact")
            self.cloud.come_back("swact")
            then()

        share = seconds / 40
        if then is nothing and self.cloud.hooks.fails("host.swact"):
            self.cloud.clock.sequence([(share, asking), (10 * share, failed)])
            return
        self.cloud.clock.sequence([(share, asking), (share, moving), (38 * share, moved)])

    def cycle(self, host: Host, action: str, seconds: float) -> None:
        """Reboot, reset, power or reinstall a locked host."""
        host.moving, host.task = action, _CYCLE_TASKS.get(action, "Rebooting")
        if action == "reinstall":
            host.inv_state = "reinstalling"

        def down() -> None:
            host.booted_at = None
            host.availability = host.subfunction_avail = "offline"
            self.cloud.hooks.cycled(host, action)

        def failed() -> None:
            host.moving, host.task = "", "Reboot Failed, try again when host is 'online'"
            self.cloud.life_ended(f"host/{host.name}", f"sysinv.host.{action}")

        def end() -> None:
            host.inv_state = "inventoried"
            host.booted_at = None if action == "power-off" else self.cloud.clock.now()
            self.cloud.usm.booted(host)
            if action == "reinstall":
                host.install_state = "completed"
            host.moving, host.task = "", ""
            host.availability = host.subfunction_avail = "power-off" if action == "power-off" else "online"
            self.cloud.life_ended(f"host/{host.name}", f"sysinv.host.{action}")

        if action == "reboot" and self.cloud.hooks.fails("host.reboot"):
            self.cloud.clock.later(seconds / 20, failed)
            return
        self.cloud.clock.sequence([(seconds / 20, down), (seconds * 19 / 20, end)])

    def power_returns(self, seconds: float | None) -> None:
        """All hosts have lost their power; those beside the active controller take so long to come back."""
        cloud = self.cloud
        unlocked = [host for host in cloud.hosts if not host.locked]
        serving = cloud.active

        def away(host: Host) -> None:
            host.booted_at = None
            host.enter("unlocked", "disabled", "offline", "Graceful Recovery Wait")

        def back(host: Host) -> None:
            host.booted_at = cloud.clock.now()
            cloud.usm.booted(host)
            host.enter("unlocked", "enabled", "available", "")

        def serves() -> None:
            back(serving)
            cloud.come_back("power")

        def others() -> None:
            for host in unlocked:
                if host is not serving:
                    back(host)

        for host in unlocked:
            away(host)
        cloud.go_dark("power")
        cloud.clock.sequence([(cloud.durations.reboot / 2, serves), (seconds or _DEAD_OFFICE_S, others)])


_DEAD_OFFICE_S = 300.0
_BY_FORCE = ("force-lock", "force-unsafe-lock")
"""They do not ask the VIM, and reset the host."""
_GIVEN_UP = "Configuration failure, threshold reached, Lock/Unlock to retry"
"""Maintenance has tried twice and tries no more."""
_CYCLE_TASKS = {
    "reboot": "Rebooting",
    "reset": "Resetting",
    "power-on": "Powering-on",
    "power-off": "Powering-off",
    "reinstall": "Reinstalling",
}
