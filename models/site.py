"""What is read from a site: small facts, names and codes. Rules decide on these alone."""

import hashlib
from datetime import datetime
from typing import Literal

from models.base import Frozen
from models.holds import SiteHold
from models.inventory import Topology
from models.timing import Timing


class Alarm(Frozen):
    """One FM alarm; the same alarm is (alarm_id, entity), since its uuid changes on re-raise."""

    alarm_id: str
    entity: str
    severity: Literal["critical", "major", "minor", "warning"]
    mgmt_affecting: bool
    suppressed: bool = False

    @property
    def key(self) -> str:
        return f"{self.alarm_id} {self.entity}"


_AWAY = ("", "offline", "power-off", "failed", "offduty")


class HostState(Frozen):
    name: str
    personality: str
    administrative: str
    operational: str
    availability: str
    task: str = ""
    active_controller: bool = False
    inv_state: str = ""
    """`inventoried` once its agent has reported."""
    install_state: str = ""
    """`completed` once its installer has reported the end; empty for who was installed from a medium."""
    booted_lately: bool = False
    """Less than 20 minutes ago: mtce, starting there, takes that for the return of power."""

    @property
    def installed(self) -> bool:
        """As sysinv tells it. What controller-0 was installed by, sysinv does not know."""
        is_complete = self.install_state.startswith("completed") or self.name == "controller-0"
        return is_complete and self.inv_state == "inventoried" and self.availability not in _AWAY

    @property
    def in_service(self) -> bool:
        return (self.administrative, self.operational, self.availability) == (
            "unlocked",
            "enabled",
            "available",
        )

    @property
    def says(self) -> str:
        task = f" ({self.task})" if self.task else ""
        return f"{self.name} is {self.administrative}-{self.operational}-{self.availability}{task}"


class ReleaseState(Frozen):
    release: str
    state: str
    reboot_required: bool = False


class Deployment(Frozen):
    """A USM deployment in progress or left behind."""

    from_release: str
    to_release: str
    """USM leaves the product name out: 26.03.1, not starlingx-26.03.1."""
    state: str

    def is_to(self, release: str) -> bool:
        return self.to_release in (release, release.rsplit("-", 1)[-1])


class Strategy(Frozen):
    """The VIM's strategy of a cloud; there is at most one."""

    uuid: str
    name: str
    state: str
    release: str = ""
    phase: str = ""
    percent: int = 0
    stage: str = ""
    reason: str = ""
    content: dict[str, str] = {}
    """The parameters it was created with, as the VIM echoes them."""
    began: datetime | None = None
    """Start of its build phase by the site's clock."""


class AppState(Frozen):
    name: str
    status: str


class ControllerFacts(Frozen):
    """What the system controller says, of itself and of this subcloud."""

    name: str
    release_state: str = ""
    """State of the wanted release in the controller's own USM; empty when it has none such."""
    deployment: Deployment | None = None
    region: str = ""
    """The subcloud's region by dcmanager."""
    availability: str = ""
    management_state: str = ""
    deploy_status: str = ""
    software_sync: str = ""
    prestage_status: str = ""
    backup_time: datetime | None = None
    """When its last good backup by dcmanager ended."""
    strategy_step: str = ""
    """State of an unfinished dcmanager strategy step on this subcloud."""


class SiteFacts(Frozen):
    """What the site itself says."""

    region: str
    software_version: str
    dialect: Literal["12", "next"]
    clock: datetime
    """The site's own time at the reading (HTTP Date)."""
    releases: tuple[ReleaseState, ...] = ()
    """All that are not `unavailable`."""
    deployment: Deployment | None = None
    strategy: Strategy | None = None
    alarms: tuple[Alarm, ...] = ()
    alarms_total: int = 0
    hosts: tuple[HostState, ...] = ()
    apps_moving: tuple[AppState, ...] = ()
    """Applications that are not at rest."""
    hold: SiteHold | None = None
    """What its own people ask, where that is in force by its clock."""

    @property
    def version(self) -> str:
        """The newest deployed release."""
        found = [state.release for state in self.releases if state.state in ("deployed", "committed")]
        return max(found, key=_numbers, default="")

    def release_state(self, release: str) -> str:
        return next((r.state for r in self.releases if r.release == release), "")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.rsplit("-", 1)[-1].split(".") if part.isdigit())


class Observation(Frozen):
    """One look at a site. Silence is a fact: `site` is None and `silence` says what was tried."""

    topology: Topology
    controller: ControllerFacts | None
    site: SiteFacts | None
    silence: str = ""
    refusal: str = ""
    """The site answered but did not accept us: credentials, roles, an unknown API."""
    frozen: str = ""
    """Reason and owner while the whole fleet is frozen."""
    ours: tuple[str, ...] = ()
    """Uuids of strategies that our records say we created on this site."""
    applied_by_us: tuple[str, ...] = ()
    """Releases whose deployment here was started by a strategy of ours."""
    taken_out: tuple[str, ...] = ()
    """Hosts that runs of ours, by our records, have out of service."""
    in_inventory: bool = True
    vault_by_ssh: bool = False
    """The system controller is declared with ssh: what its dcmanager keeps can be read there."""
    own_by_ssh: bool = False
    """So is the site, for what it keeps itself."""
    label_region: str = ""
    """The site's label `region`, for search and reports."""
    attempt: int = 1
    """Which attempt of the activity made this look."""
    elsewhere: str = ""
    """Why whoever looks is not who works on the site: workers of another queue do, in words."""
    timing: Timing = Timing()

    @property
    def digest(self) -> str:
        """Of all that a verdict may depend on; the clock is not part of it."""
        clockless = self.model_copy(
            update={
                "site": self.site and self.site.model_copy(update={"clock": datetime.min}),
                "attempt": 1,
            }
        )
        return hashlib.sha256(clockless.model_dump_json().encode()).hexdigest()[:16]
