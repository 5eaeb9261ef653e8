"""What dcmanager keeps in its database: subclouds, groups, VIM options, the one strategy.

Rows only. Whether a subcloud is online and in sync is not kept but read off the cloud (`availability`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.cloud import clock
from simulator.cloud.cloud import Cloud


@dataclass(slots=True)
class Deployment:
    """What dcmanager keeps of a subcloud that it has added: the values of its files."""

    bootstrap: dict[str, Any]
    install: dict[str, Any] | None
    config: str | None
    address: str
    """bootstrap-address: where the installed system is reached before it has a site's addresses."""
    version: str
    on_site: bool = False
    """It is enrolled by somebody on the spot: dcmanager leaves its BMC alone."""
    initial: bool = True
    """Until it is complete; only then may it be aborted or resumed."""


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
    backup_time: str | None = None
    error_description: str = "No errors present"
    group_id: int = 1
    sync_unknown: bool = False
    """After unmanage, and until an audit, nothing is known of its sync."""
    offline: bool = False
    """Told to be offline, whatever its ports do."""
    sync: dict[str, str] = field(default_factory=dict)
    """Endpoints whose sync was set by a caller."""
    deployment: Deployment | None = None
    """None for those that were there before the simulator began."""
    made_region: str = ""
    """Made for it when it was added, until the site has it, or turns out to have one of its own."""
    created_at: str = field(default_factory=clock.spaced)
    updated_at: str | None = None

    def touch(self) -> None:
        self.updated_at = clock.spaced()

    @property
    def region(self) -> str:
        return self.made_region or self.cloud.identity.region

    @property
    def subnet(self) -> str:
        if self.deployment is not None:
            return str(self.deployment.bootstrap["management_subnet"])
        return f"{self.cloud.identity.address.rsplit('.', 1)[0]}.0/24"

    @property
    def range(self) -> tuple[str, str]:
        """First and last management address."""
        if self.deployment is None:
            return self.cloud.identity.address, self.cloud.identity.address
        values = self.deployment.bootstrap
        return str(values["management_start_address"]), str(values["management_end_address"])

    @property
    def gateway(self) -> str:
        if self.deployment is not None:
            return str(self.deployment.bootstrap["management_gateway_address"])
        return f"{self.cloud.identity.address.rsplit('.', 1)[0]}.254"


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


def _nowhere(name: str) -> Cloud:
    raise LookupError(name)


@dataclass(slots=True)
class Database:
    """Everything dcmanager knows."""

    controller: Cloud
    subclouds: list[Subcloud]
    grounds: dict[str, Cloud] = field(default_factory=dict)
    """What stands at the sites, by subcloud name, whether dcmanager knows of it or not."""
    nowhere: Callable[[str], Cloud] = _nowhere
    """Makes what stands behind a subcloud of any other name: nothing that ever answers."""
    version: str = ""
    """Of new subclouds; the system controller's."""
    groups: list[Group] = field(default_factory=list)
    options: list[Options] = field(default_factory=list)
    strategy: FleetStrategy | None = None
    serial: int = 1
    default_options_deleted: bool = False
    by_name: dict[str, Subcloud] = field(default_factory=dict)
    by_id: dict[int, Subcloud] = field(default_factory=dict)
    last_subcloud: int = 0

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

    def cloud_of(self, ref: str) -> Cloud | None:
        """Of a subcloud by id or name, also of one that is not added yet or not any more."""
        row = self.subcloud(ref)
        return row.cloud if row is not None else self.grounds.get(ref)

    def add(self, row: Subcloud) -> None:
        self.subclouds.append(row)
        self.by_name[row.name] = row
        self.by_id[row.id] = row

    def remove(self, row: Subcloud) -> None:
        self.subclouds.remove(row)
        del self.by_name[row.name], self.by_id[row.id]

    def next_subcloud(self) -> int:
        self.last_subcloud = max(self.last_subcloud, *self.by_id, 0) + 1
        return self.last_subcloud

    def next_id(self) -> int:
        self.serial += 1
        return self.serial
