"""What a host's maintenance is asked for: whose workloads may be moved how, and how long anybody waits.

The same policies serve a maintenance by hand, an upgrade, a reinstallation and a change of firmware. What a
policy does not allow is said before anything is touched.
"""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name

HoldName = Literal["VMs", "pods", "Ceph"]
HOLDS: tuple[HoldName, ...] = ("VMs", "pods", "Ceph")
"""What may hold a host, in the order in which it is taken."""
VmMethod = Literal["live", "cold", "stop-start", "leave", "ask"]
"""live, cold: migrated; stop-start: stopped for the time of the maintenance, where it is; leave: it may go
down with its host; ask: a person has to say, so the host is not touched."""
HostAct = Literal["maintain", "reboot", "lock", "unlock", "swact"]
"""maintain: emptied and locked until somebody says that the work is done, then given back; reboot: the same
with a reboot in between; lock: emptied, locked and left so; unlock: given back; swact: it hands over."""


class VmRule(Frozen):
    """Which VMs may be treated how; all that is given has to fit."""

    name: str = ""
    """Shell pattern of the server's name, e.g. db-*; empty: any."""
    project: str = ""
    """Id of the project; empty: any."""
    metadata: dict[str, str] = {}
    """Of the server: every pair has to be there."""
    method: VmMethod


class VmPolicy(Frozen):
    """For VMs. Where a rule gives a method that Nova would refuse, the host is not touched."""

    rules: tuple[VmRule, ...] = ()
    """The first that fits decides."""
    immovable: VmMethod = "ask"
    """For those that run and cannot be migrated live. Never cold by itself: that stops the guest."""
    shut_off: Literal["cold", "leave"] = "leave"
    at_once: int = Field(default=1, ge=1, le=10)
    """Migrations submitted at a time; Nova runs one at a time for each source unless told otherwise."""
    other_target: bool = True
    """Another host is tried where the first one fails."""
    within: Duration = timedelta(hours=2)
    """For one migration: Nova alone gives 800 s for each GiB of a guest."""


class PodPolicy(Frozen):
    """For pods of a site's Kubernetes."""

    local_data: Literal["delete", "ask"] = "delete"
    """Pods with emptyDir volumes lose what is in them."""
    bare: Literal["delete", "ask"] = "ask"
    """Pods without a controller do not come back."""
    within: Duration = timedelta(minutes=30)
    """Until every pod has left; then the host is given back."""


class CephPolicy(Frozen):
    """For a site's Ceph."""

    steady: Duration = timedelta(seconds=30)
    """Good in all looks for so long, before and after."""
    recovered_within: Duration = timedelta(hours=1)


class MaintenancePolicy(Frozen):
    vms: VmPolicy = VmPolicy()
    pods: PodPolicy = PodPolicy()
    ceph: CephPolicy = CephPolicy()
    force_lock: str = ""
    """Why the host may be locked by force, where sysinv or the VIM refuse; an operator's own words, recorded
    with the run. Empty: never."""


class MaintainHostRequest(Frozen):
    site: Name
    host: Name
    act: HostAct
    policy: MaintenancePolicy = MaintenancePolicy()
    ready_within: Duration = timedelta(hours=2)
    """How long a busy, silent or frozen site is waited for before the run is `blocked` or `unreachable`."""
    work_within: Duration = timedelta(hours=4)
    """maintain: how long the host stays out of service without a word before it is given back."""
    swact_back: bool = False
    """Hand the site back to the host that served it before. Left out, the other controller goes on: a second
    swact is a second minute without APIs, and a site runs as well from either."""
    by: str = ""
    """Who asked."""
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; empty: it is not."""

    @property
    def path(self) -> str:
        return f"{self.site}/{self.host}"


class HoldPlan(Frozen):
    """What one kind of workload needs before its host is taken out."""

    steps: tuple[str, ...] = ()
    """What will be done, in words and in order."""
    blockers: tuple[str, ...] = ()
    """Why it must not be begun; a person has to do something."""
