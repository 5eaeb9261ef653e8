"""What dcmanager keeps in its database: subclouds, groups, VIM options, the one strategy.

Rows only. Whether a subcloud is online and in sync is not kept but read off the cloud (`availability`).
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.cloud import clock
from simulator.cloud.cloud import Cloud


@dataclass(slots=True)
class Subcloud:
    """One row of `subclouds`, with the cloud behind it."""

    id: int
    name: str
    cloud: Cloud
    description: str = "Simulated edge site"
    location: str = "Nowhere"
    management_state: str = "managed"
    deploy_status: str = "complete"
    prestage_status: str | None = None
    prestage_versions: str | None = None
    backup_status: str | None = None
    error_description: str = "No errors present"
    group_id: int = 1
    sync_unknown: bool = False
    """After unmanage, and until an audit, nothing is known of its sync."""
    offline: bool = False
    """Told to be offline, whatever its ports do."""
    sync: dict[str, str] = field(default_factory=dict)
    """Endpoints whose sync was set by a caller."""
    created_at: str = field(default_factory=clock.spaced)
    updated_at: str | None = None

    def touch(self) -> None:
        self.updated_at = clock.spaced()


@dataclass(slots=True)
class Group:
    """One row of `subcloud_groups`."""

    id: int
    name: str
    description: str
    update_apply_type: str
    max_parallel_subclouds: Any
    """An integer, but dcmanager stores whatever passes its comparison."""
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(slots=True)
class Options:
    """One row of `sw_update_opts`; subcloud_id None is the default."""

    id: int
    name: str
    subcloud_id: int | None
    values: dict[str, Any]
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(slots=True)
class StrategyStep:
    """One subcloud's way through the strategy."""

    id: int
    subcloud: Subcloud
    stage: str = "Create"
    state: str = "initial"
    details: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    created_at: str = field(default_factory=clock.spaced)
    updated_at: str | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("complete", "failed", "aborted")


@dataclass(slots=True)
class FleetStrategy:
    """The one sw-update-strategy."""

    id: int
    type: str
    apply_type: str | None
    max_parallel: int
    stop_on_failure: bool
    extra_args: dict[str, Any] | None
    steps: list[StrategyStep]
    state: str = "initial"
    created_at: str = field(default_factory=clock.tee)
    updated_at: str | None = None


DEFAULT_OPTIONS = {
    "storage-apply-type": "parallel",
    "worker-apply-type": "parallel",
    "max-parallel-workers": 10,
    "alarm-restriction-type": "relaxed",
    "default-instance-action": "migrate",
}


@dataclass(slots=True)
class Database:
    """Everything dcmanager knows."""

    controller: Cloud
    subclouds: list[Subcloud]
    groups: list[Group] = field(default_factory=list)
    options: list[Options] = field(default_factory=list)
    strategy: FleetStrategy | None = None
    serial: int = 1
    default_options_deleted: bool = False
    by_name: dict[str, Subcloud] = field(default_factory=dict)
    by_id: dict[int, Subcloud] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = self.groups or [Group(1, "Default", "Default Subcloud Group", "parallel", 2)]
        self.by_name = {row.name: row for row in self.subclouds}
        self.by_id = {row.id: row for row in self.subclouds}

    def subcloud(self, ref: str) -> Subcloud | None:
        """Digits are an id, anything else a name."""
        return self.by_id.get(int(ref)) if ref.isdigit() else self.by_name.get(ref)

    def group(self, ref: str) -> Group | None:
        if ref.isdigit():
            return next((row for row in self.groups if row.id == int(ref)), None)
        return next((row for row in self.groups if row.name == ref), None)

    def next_id(self) -> int:
        self.serial += 1
        return self.serial
