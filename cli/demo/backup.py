"""The scenarios `backup` and `restore`: sites into an archive, and back from it.

Both hold every site against its record afterwards, as `starflock site compare` does: nothing may differ. Then
somebody changes a few sites, and the comparison must name exactly that at exactly those, or it would prove
nothing. `restore` goes on from there: all sites are wiped, installed by their BMCs and restored, and nothing
may differ again.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from cli.demo.bringup import Topology
from cli.demo.scenario import Scenario, Stage, fault

if TYPE_CHECKING:
    from cli.demo.house import House
    from models.restore import SiteComparison

CHANGED_SITES = 3
LOCATION = "moved by somebody"
BACKUP = "demo-backup"


@dataclass(frozen=True)
class BackupScenario(Scenario):
    kind: ClassVar[str] = "backup"
    work_s: ClassVar[float] = 3.0
    """Each record is two dozen requests to a site, read three times over."""
    usual_sites: ClassVar[int] = 20
    width: ClassVar[int] = 20
    to_look_around: ClassVar[tuple[str, ...]] = (
        "backup list",
        "site compare edge-0001",
        "site restore edge-0001 --plan",
    )

    @property
    def simulator_options(self) -> tuple[str, ...]:
        return ("--install-values", "--bmc-flavours", "generic")

    @property
    def faults(self) -> list[dict[str, Any]]:
        return [
            fault(2, "dcmanager", "drop-after", times=1, mutating=True),
            fault(3, "backup.create", "fail", times=1),
            fault(4, "dcmanager", "drop-before", times=2, mutating=True),
            fault(5, "sysinv", "drop-before", times=3),
            fault(6, "site", "alarm"),
            fault(7, "site", "dark"),
        ]

    def stages(self, images: str) -> tuple[Stage, ...]:
        return (self._backup,)

    @property
    def _backup(self) -> Stage:
        waits = {"reachable_within": self.patience, "ready_within": self.patience}
        return Stage(BACKUP, "operation=backup", {"kind": "backup"} | waits, [{"count": 1}, {"percent": 100}])

    def declare(self, file: Path) -> None:
        """An archive in a directory, with a key of its own."""
        key = file.parent / "archive-key"
        key.touch(mode=0o600)
        key.write_text(base64.b64encode(hashlib.sha256(f"demo {self.seed}".encode()).digest()).decode())
        (file.parent / "archive").mkdir()
        document = yaml.safe_load(file.read_text())
        keys = [{"id": "demo-1", "secret": f"file:{key.name}"}]
        document["archives"] = [{"name": "demo", "directory": "archive", "keys": keys}]
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    async def after(self, stage: Stage, house: "House", good: Sequence[str]) -> list[str]:
        complaints = await _differ(house, good, [])
        if stage.name != BACKUP:
            return complaints
        changed = list(good[-CHANGED_SITES:])
        for site in changed:
            await house.region.post(f"/sites/{site}/system", {"location": LOCATION})
        return complaints + await _differ(house, good, changed)


@dataclass(frozen=True)
class RestoreScenario(BackupScenario):
    topology: Topology = "aio-sx"

    kind: ClassVar[str] = "restore"
    usual_sites: ClassVar[int] = 12
    usual_speed: ClassVar[float] = 240.0
    work_s: ClassVar[float] = 15.0
    width: ClassVar[int] = 12
    to_look_around: ClassVar[tuple[str, ...]] = ("site compare edge-0001", "backup show edge-0001")

    @property
    def simulator_options(self) -> tuple[str, ...]:
        ceph = ("--ceph", "bare-metal") if self.topology == "standard-storage" else ()
        return (*super().simulator_options, "--topology", self.topology, *ceph)

    @property
    def faults(self) -> list[dict[str, Any]]:
        return [
            fault(2, "dcmanager", "drop-after", times=1, mutating=True),
            fault(3, "backup.restore", "fail", times=1),
            fault(4, "bmc.insert", "fail", times=1),
            fault(5, "site", "alarm"),
            fault(6, "sysinv", "drop-before", times=3),
        ]

    def stages(self, images: str) -> tuple[Stage, ...]:
        sites = [f"edge-{number:04d}" for number in range(1, self.sites + 1)]
        waits = {"reachable_within": self.patience, "ready_within": self.patience}
        operation = {"kind": "restore", "wipe": sites} | waits
        waves = [{"count": 1}, {"percent": 100}]
        return self._backup, Stage("demo-restore", "operation=restore", operation, waves)

    def campaign(self, stage: Stage, leave_out: list[str]) -> dict[str, Any]:
        """Whoever is left out may not be named as wiped, either."""
        found = super().campaign(stage, leave_out)
        if "wipe" in stage.operation:
            kept = [site for site in stage.operation["wipe"] if site not in leave_out]
            found["operation"] = stage.operation | {"wipe": kept}
        return found


async def _differ(house: "House", sites: Sequence[str], changed: Sequence[str]) -> list[str]:
    """What speaks against the comparison: it must name what was changed there, and nothing anywhere else."""
    from cli.session import ask
    from models import contracts
    from models.restore import CompareSiteRequest, SiteComparison

    complaints = []
    for site in sites:
        request = CompareSiteRequest(site=site)
        found = await ask(house.client, contracts.COMPARE_SITE, site, request, SiteComparison)
        wanted = (f"system.location: none -> {LOCATION}",) if site in changed else ()
        complaints += [f"{site}: {words}" for words in _wrong(found, wanted)]
    return complaints


def _wrong(found: "SiteComparison", wanted: tuple[str, ...]) -> list[str]:
    if found.refusal:
        return [found.refusal]
    if found.differences != wanted:
        return [f"it differs in {', '.join(found.differences) or 'nothing'}; wanted {wanted or 'nothing'}"]
    return []
