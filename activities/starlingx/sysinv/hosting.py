"""A host's way through lock, unlock and installation, as sysinv and mtce tell it (config and metal, 2026-08).

An accepted action says nothing of its end. Whether it came, went back silently or was given up stands in the
states and in `task`, a literal text that mtce writes; the texts here are those that end a wait.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from activities.starlingx.session import Cloud, listing
from models.base import Frozen
from models.bringup import HostAction, HostGoal
from models.inventory import Host
from models.timing import Timing

UNLOCK_REVERTED = re.compile(r"Manifest apply timeout|Unlock to retry$|Unlock Operation Failed")
GIVEN_UP = re.compile(r"threshold reached|Critical failure")
LOCK_REFUSED = re.compile(r"Lock Rejected|Lock Failed|Insufficient Enabled Resources")
SWACT_FAILED = re.compile(
    r"Swact: (Failed|Timeout|No active services|Query Services Failed|Did Not Complete)"
)
REBOOT_FAILED = re.compile(r"Reboot Failed, try again|Reboot/Reset Timeout")
LOCKING = ("Locking", "Migrating Instances", "Disabling", "Force Lock", "Force-Lock", "Unsafely Force")
UNDERWAY: dict[HostAction, tuple[str, ...]] = {
    "lock": LOCKING,
    "force-lock": ("Force Lock", "Force-Lock"),
    "reboot": ("Reboot", "Resetting"),
    "unlock": ("Unlocking", "Applying manifest"),
    "swact": ("Swact",),
}
"""How `task` begins while the states have not changed yet."""
SERVICES_AT_WORK = frozenset({"", "services-enabled", "services-disabled", "services-disable-extend"})
"""Else the VIM gave up: services-disable-failed, or the reason in its own words."""
NO_INSTALL = "failed"
HARDLY_UP_S = 600
UPTIME_LAGS = timedelta(seconds=90)
"""mtce writes it once a minute; no server reboots within that."""


class HostRow(Frozen):
    """A host as far as its life cycle goes."""

    uuid: str
    name: str
    """Empty for a host that was discovered and not named yet."""
    personality: str
    administrative: str
    operational: str
    availability: str
    subfunction: str
    """Availability of an AIO controller's worker part; empty elsewhere."""
    task: str
    action: str
    """The action under way: lock, unlock, or empty."""
    inventory: str
    install: str
    services: str
    """What the VIM says of the host's services."""
    mac: str
    active: bool
    group: str = ""
    """Replication group of bare-metal Ceph."""
    uptime_s: int = 0
    """0 while it is down; mtce writes it once a minute."""

    @property
    def says(self) -> str:
        task = f" ({self.task})" if self.task else ""
        return f"{self.name} is {self.administrative}-{self.operational}-{self.availability}{task}"

    def says_of(self, goal: HostGoal) -> str:
        """A lock may fail without a word of sysinv or mtce; then the VIM has one."""
        stuck = goal == "locked" and self.services not in SERVICES_AT_WORK and not self.action
        return f"{self.says}; the VIM says {self.services}" if stuck else self.says

    @property
    def locked(self) -> bool:
        return self.administrative == "locked"

    @property
    def in_service(self) -> bool:
        states = (self.administrative, self.operational, self.availability)
        return states == ("unlocked", "enabled", "available") and not self.task

    def underway(self, action: HostAction) -> bool:
        """By `task` alone: a refusal of the VIM or of mtce leaves `ihost_action` as if it were."""
        return self.task.startswith(UNDERWAY[action]) and not SWACT_FAILED.search(self.task)


async def rows(cloud: Cloud) -> tuple[HostRow, ...]:
    return tuple(_row(each) for each in listing(await cloud.get("sysinv", "/ihosts"), "ihosts"))


def _row(row: dict[str, Any]) -> HostRow:
    return HostRow(
        uuid=row["uuid"],
        name=row.get("hostname") or "",
        personality=row.get("personality") or "",
        administrative=row.get("administrative") or "",
        operational=row.get("operational") or "",
        availability=row.get("availability") or "",
        subfunction=row.get("subfunction_avail") or "",
        task=row.get("task") or "",
        action=row.get("ihost_action") or "",
        inventory=row.get("inv_state") or "",
        install=row.get("install_state") or "",
        services=row.get("vim_progress_status") or "",
        mac=(row.get("mgmt_mac") or "").lower(),
        active=(row.get("capabilities") or {}).get("Personality") == "Controller-Active",
        group=(row.get("peers") or {}).get("name") or "",
        uptime_s=int(row.get("uptime") or 0),
    )


async def act(cloud: Cloud, host: HostRow, action: HostAction) -> None:
    """PATCH action; the answer is the host as it was."""
    body = [{"op": "replace", "path": "/action", "value": action}]
    await cloud.send("sysinv", "PATCH", f"/ihosts/{host.uuid}", body=body)


def booted(row: HostRow, timing: Timing) -> datetime:
    """The latest moment at which it can have booted, as far as its uptime tells."""
    return datetime.now(UTC) - timing.paced(timedelta(seconds=row.uptime_s))


def has_rebooted(row: HostRow, uptime_s: int, before: datetime | None, timing: Timing) -> bool:
    """Since it had been up for so long, booted `before`. One that had hardly been up is soon up for longer
    again, and is told by the moment at which it booted."""
    if row.uptime_s < uptime_s:
        return True
    if before is None or uptime_s > HARDLY_UP_S:
        return False
    return booted(row, timing) - timing.paced(UPTIME_LAGS) > before


def verdict(goal: HostGoal, row: HostRow, rebooted: bool = False) -> Literal["so", "reverted", "failed", ""]:
    """Empty while it is on its way; `rebooted` since it was asked to."""
    if goal == "in service":
        if row.locked and UNLOCK_REVERTED.search(row.task):
            return "reverted"
        if GIVEN_UP.search(row.task):
            return "failed"
        return "so" if row.in_service else ""
    if goal == "standby":
        if SWACT_FAILED.search(row.task):
            return "failed"
        return "so" if row.in_service and not row.active else ""
    if goal == "locked":
        if row.locked and row.availability == "online" and not row.task:
            return "so"
        stuck = row.services not in SERVICES_AT_WORK or LOCK_REFUSED.search(row.task)
        return "reverted" if stuck and not row.action and not row.locked else ""
    if goal == "rebooted" and REBOOT_FAILED.search(row.task):
        return "failed"
    if goal == "rebooted" and not rebooted:
        return ""
    if row.install == NO_INSTALL:
        return "failed"
    ready = row.locked and row.availability == "online" and row.inventory == "inventoried" and not row.task
    return "so" if ready else ""


async def delete(cloud: Cloud, host: HostRow) -> None:
    """DELETE ihosts: 204 before a provisioned host is gone."""
    await cloud.send("sysinv", "DELETE", f"/ihosts/{host.uuid}")


async def add(cloud: Cloud, host: Host) -> None:
    """POST ihosts. sysinv names controllers and storage hosts by itself, in order; the name is sent to be
    held against that. No BMC password: sysinv would keep it."""
    body = {"personality": host.personality, "mgmt_mac": host.mac, "hostname": host.name}
    await cloud.send("sysinv", "POST", "/ihosts", body=body)


async def adopt(cloud: Cloud, row: HostRow, host: Host) -> None:
    """Gives a discovered host its personality, and its name where sysinv does not give one itself."""
    fields = {"personality": host.personality} | (
        {"hostname": host.name} if host.personality == "worker" else {}
    )
    body = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in fields.items()]
    await cloud.send("sysinv", "PATCH", f"/ihosts/{row.uuid}", body=body)
