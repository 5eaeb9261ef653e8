"""What `backup.yml` keeps of a cloud, and what `restore_platform.yml` makes of it.

The archive holds sysinv's database, the applications, the deployed releases and the system's own settings. A
restored cloud is its database again on hosts that have just been installed: controller-0 locked and online,
never unlocked since, every other host known, locked and offline until its machine boots; the applications
wait to be applied again, and the restore is in progress until sysinv is told that it is complete. Of
Kubernetes nothing is kept here: what ran there is as it was found. A host of which the system disk is to be
installed anew is heard of once that is done; a storage host whose OSDs are kept goes on as it is, and is
online as soon as controller-0 serves it, unless its server was replaced: of the old one nothing is heard.
"""

import copy
import io
import pickle
import random
import tarfile
import zlib
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from simulator.cloud.hosts import Host, of_before

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.tables import Tables

_OF_THE_MACHINE = frozenset(["watched_by", "booted_at", "moving", "bmc", "machine", "lost"])
"""Of a host: what no database knows, or what the server is and not what it was."""
_ROOK_RECOVERS_S = 900.0
"""After the playbook: its monitors are rebuilt from the OSDs that were kept."""
RESTORE_REQUESTED = "restore-requested"
CONTROLLER_0 = "host=controller-0"
_GZIP, _OURS = b"\x1f\x8b", "simulator.cloud."


@dataclass(frozen=True)
class Saved:
    """One cloud at one moment."""

    region: str
    system_uuid: str
    version: str
    simplex: bool
    standard: bool
    hosts: tuple[dict[str, Any], ...]
    tables: "Tables"
    applications: dict[str, str]
    application_versions: dict[str, str]
    overrides: dict[tuple[str, str, str], str]
    charts: dict[str, tuple[tuple[str, str], ...]]
    system: dict[str, Any]
    license: str
    releases: dict[str, str]


class UnreadableArchiveError(Exception):
    """The archive is no archive; the message is tar's."""


def pack(cloud: "Cloud") -> bytes:
    """The cloud as it stands."""
    kept = Saved(
        region=cloud.identity.region,
        version=cloud.usm.version,
        simplex=cloud.identity.simplex,
        standard=cloud.identity.standard,
        hosts=tuple(_row(host) for host in cloud.hosts),
        system_uuid=cloud.identity.system_uuid,
        tables=cloud.tables,
        applications=dict(cloud.apps.status),
        application_versions=dict(cloud.apps.versions),
        overrides=dict(cloud.apps.overrides),
        charts=dict(cloud.apps.charts),
        system=cloud.system,
        license=cloud.license,
        releases=dict(cloud.usm.states),
    )
    return zlib.compress(pickle.dumps(kept))


def unpack(content: bytes, as_built: bytes = b"") -> Saved:
    """Raises UnreadableArchiveError. Of an archive that a real platform has made the structure is read, and
    `as_built` stands for what is in it."""
    if content.startswith(_GZIP) and as_built:
        _require_members(content)
        content = as_built
    try:
        kept = _Unpickler(io.BytesIO(zlib.decompress(content))).load()
    except (zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise UnreadableArchiveError(f"gzip: stdin: invalid compressed data--{error}") from None
    if not isinstance(kept, Saved):
        raise UnreadableArchiveError("tar: This does not look like a tar archive")
    return kept


class _Unpickler(pickle.Unpickler):
    """Archives come from outside: nothing of one is called but what holds a simulated cloud's rows."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("random", "Random"):
            return random.Random
        found = super().find_class(module, name) if module.startswith(_OURS) and "." not in name else None
        if (
            isinstance(found, type)
            and found.__module__ == module
            and (is_dataclass(found) or name == "Tables")
        ):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} belongs into no archive")


def _require_members(content: bytes) -> None:
    """Raises UnreadableArchiveError."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            if next(iter(archive), None) is None:
                raise UnreadableArchiveError("tar: it is empty")
            archive.getmembers()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UnreadableArchiveError(f"tar: {error}") from None


def restore(cloud: "Cloud", saved: Saved, *, wipes_osds: bool = False) -> None:
    """The playbook has ended: sysinv serves the old database on a new system."""
    machines = {host.mac: host for host in cloud.machines}
    is_new = _stand_in(cloud, saved, machines)
    cloud.identity.region = cloud.alarms.region = saved.region
    cloud.identity.system_uuid = saved.system_uuid
    cloud.identity.simplex, cloud.identity.standard = saved.simplex, saved.standard
    hosts = [_back(machines.pop(row["mac"], None), row) for row in saved.hosts]
    cloud.hosts, cloud.unknown = hosts, list(machines.values())
    for host in hosts:
        goes_on = host.personality == "storage" and not wipes_osds and not host.is_taken_away
        _as_restored(host, kept=goes_on)
    cloud.osds_wiped += wipes_osds
    cloud.system, cloud.license = dict(saved.system), saved.license
    cloud.usm.states, cloud.usm.deployment = dict(saved.releases), None
    cloud.usm.runs.clear()
    cloud.usm.boots.clear()
    cloud.usm.spoken()
    cloud.vim.strategy = None
    apps = cloud.apps
    apps.status = {
        name: RESTORE_REQUESTED if status == "applied" else status
        for name, status in saved.applications.items()
    }
    apps.versions, apps.overrides = dict(saved.application_versions), dict(saved.overrides)
    apps.charts, apps.active = dict(saved.charts), set()
    apps.removed, apps.made_anew = set(), set()
    cloud.use_tables(saved.tables)
    cloud.hooks.reborn()
    cloud.alarms.rows.clear()
    for host in hosts:
        cloud.alarms.raise_("200.001", f"host={host.name}", host=host.name)
    cloud.alarms.raise_("210.002", CONTROLLER_0)
    cloud.restoring = True
    rook = saved.applications.get("rook-ceph") == "applied"
    # Kept OSDs of a machine that never had them are waited for in vain.
    recovers_s = float("inf") if is_new and not wipes_osds else _ROOK_RECOVERS_S
    cloud.recovering_until = cloud.clock.now() + recovers_s if rook else float("-inf")


def _stand_in(cloud: "Cloud", saved: Saved, machines: dict[str, Host]) -> bool:
    """Whether controller-0 is another machine: its agent has reported the MAC that it has."""
    row = next(row for row in saved.hosts if row["name"] == "controller-0")
    if row["mac"] in machines:
        return False
    first = next(host for host in cloud.machines if (host.machine or host.name) == "controller-0")
    row["mac"] = first.mac
    return True


def _row(host: Host) -> dict[str, Any]:
    names = [one.name for one in fields(host) if one.name not in _OF_THE_MACHINE]
    return {name: copy.deepcopy(getattr(host, name)) for name in names}


def _back(machine: Host | None, row: dict[str, Any]) -> Host:
    """The host on its machine; one whose machine has gone has none."""
    host = machine or Host(**{**row, "bmc": None, "machine": of_before(row["name"])})
    for name, value in row.items():
        setattr(host, name, value)
    return host


def _as_restored(host: Host, *, kept: bool) -> None:
    is_first = host.name == "controller-0"
    host.active = is_first
    host.moving, host.ihost_action, host.vim_progress_status = "", None, None
    host.enter("locked", "disabled", "online" if is_first else "offline", "")
    host.lost = not is_first and not kept
    if host.lost:
        host.install_state, host.booted_at = None, None
