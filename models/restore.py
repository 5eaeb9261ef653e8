"""Requests and results of `RestoreSite` and `PlanRestore`, and of what they ask of dcmanager and the site."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from models.archive import BackupText, Origin
from models.base import Duration, Frozen, Name
from models.configuration import FoundHost
from models.inventory import Host, Mac
from models.operations import ImageUrl
from models.outcome import Outcome
from models.patch import CampaignRef
from models.platform import OwnArchive
from models.site_record import SiteRecord
from models.timing import Timing

LATEST = "latest"
ROOK = "ceph-rook"


class RestoreSiteRequest(Frozen):
    """Put a site back as a backup has it: whatever came after that is gone."""

    site: Name
    backup: BackupText | Literal["latest"] = LATEST
    """latest: the newest in the archive that is whole and that dcmanager still has."""
    wipe: Name | None = None
    """The site, written out again: yes, what is there now may go. Without it the run waits for
    `approve_wipe`."""
    install: bool = True
    """dcmanager installs controller-0 by its BMC first. Without it somebody has installed the release that
    the backup is of, and nothing else."""
    image: ImageUrl | None = None
    """The boot image that installs controller-0, of a backup by the site's own playbook; made where absent,
    of the declared boot_images. dcmanager has its own."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy system controller, an approval or a thaw is waited for before the site is `blocked`."""
    restored_within: Duration = timedelta(hours=5)
    """Installation and dcmanager's playbook together; the playbook alone may take 90 minutes."""
    completed_within: Duration = timedelta(hours=1)
    """From there until applications have recovered and sysinv says that the restore is complete."""
    online_within: Duration = timedelta(hours=1)
    volumes: bool = False
    """Ceph's volumes that the backup has, too: where their OSDs were wiped or are others. A volume that is
    there is never written over."""
    manage: bool = True
    replaced: dict[str, Mac] = {}
    """Hosts whose hardware is another one now, by name or by the MAC that the record has of them, to the MAC
    that they have now. It decides whether Ceph's OSDs are wiped, and what comes in anew by the profile."""
    leave_out: tuple[Name, ...] = ()
    """Workers that are gone: they are not brought back, and the result says so."""
    wipe_osds: bool = False
    """All of Ceph's data is given up, even where OSDs could be kept. Without it they are wiped only where the
    hardware that was replaced leaves no choice; the plan says."""
    workers_at_once: int = Field(default=5, ge=1, le=20)
    """Workers that are installed and unlocked at a time; with many more sysinv's conductor stalls."""
    campaign: CampaignRef | None = None
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; empty: it is not."""


class RestoreResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    backup: str = ""
    release: str = ""
    compared: int = 0
    """Facts of the record that were held against the restored site."""
    differences: tuple[str, ...] = ()
    """Between the record and the restored site, the first of them."""
    hosts: tuple[str, ...] = ()
    """Beside controller-0, brought back into service."""
    left_out: tuple[str, ...] = ()
    """Hosts of the record that were not brought back."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class RestoreStep(Frozen):
    """One step of a plan."""

    what: str
    destroys: str = ""
    """What is gone after it; empty where nothing is."""


class RestorePlan(Frozen):
    """The answer to `PlanRestore`: what would be done, and what would be destroyed."""

    site: str
    backup: str = ""
    refusal: str = ""
    """Why nothing would be done at all."""
    steps: tuple[RestoreStep, ...] = ()
    wipe_ceph_osds: bool | None = None
    """What dcmanager would be told; None: nothing, and OSDs are kept."""
    confirm: str = ""
    """What has to be written out for it."""


class CompareSiteRequest(Frozen):
    """Hold a site against the record of a backup; nothing is changed."""

    site: Name
    backup: BackupText | Literal["latest"] = LATEST


class SiteComparison(Frozen):
    """The answer to `CompareSite`."""

    site: str
    backup: str = ""
    refusal: str = ""
    """Why there is nothing to compare with."""
    recorded: datetime | None = None
    compared: int = 0
    count: int = 0
    """How many facts differ."""
    differences: tuple[str, ...] = ()
    """The first of them, one a line."""
    remarks: tuple[str, ...] = ()
    """What is else than recorded and no difference, or could not be compared; the first of it."""


# -- activities


class ExamineBackupRequest(Frozen):
    site: Name
    backup: BackupText | Literal["latest"]


class RecordedHost(Frozen):
    """A host of the record, and what the inventory says of it today."""

    name: str
    personality: str
    mac: str = ""
    """Of its management interface when the backup was made; empty in records that have none."""
    osds: int = 0
    """Disks of it that carry OSDs."""
    group: str = ""
    """Replication group of bare-metal Ceph: all copies of its data are on the group's hosts. Empty where
    there is none, or where the record does not say."""
    rook: bool = False
    """It has OSDs of rook-ceph, or the file system of its monitors: sysinv deletes no such host."""
    declared_mac: str = ""
    has_bmc: bool = False
    """It can be switched on from the network; others by hand."""


def recorded_hosts(record: SiteRecord, declared: tuple[Host, ...]) -> tuple[RecordedHost, ...]:
    """`declared`: the site's hosts as the inventory has them today."""
    known = {host.name: host for host in declared}
    return tuple(
        RecordedHost(
            name=host.name,
            personality=host.personality,
            mac=record.macs.get(host.name, ""),
            osds=sum(disk.used_by == "osd" for disk in host.disks or ()),
            rook=_has_rook(record, host),
            group=(record.groups or {}).get(host.name, ""),
            declared_mac=((now.mac if now else None) or "").lower(),
            has_bmc=now is not None and now.bmc is not None,
        )
        for host in record.hosts
        for now in (known.get(host.name),)
    )


def _has_rook(record: SiteRecord, host: FoundHost) -> bool:
    if ROOK not in (record.system.backends or ()):
        return False
    carries = any(disk.used_by == "osd" for disk in host.disks or ())
    return carries or any(each.name == "ceph" for each in host.filesystems or ())


class BackupFacts(Frozen):
    """What a backup is, as far as a restore has to know it."""

    backup: str = ""
    """Empty where the site has none."""
    origin: Origin | None = None
    taken: datetime | None = None
    """When dcmanager's archive was made."""
    local: bool = False
    registry_images: bool = False
    hosts: tuple[RecordedHost, ...] = ()
    copies: int = 0
    """How often Ceph keeps data, each copy on another host; 0 where it has no Ceph, or none that says so."""
    pools_by: str = ""
    """Application that makes the pools of bare-metal Ceph; empty where there is none."""
    profiled: bool = False
    """The inventory has a profile for the site, by which a host can be configured anew."""
    platform: str = ""
    """The object with the platform's archive, where it can be put back into dcmanager's vault."""
    faults: tuple[str, ...] = ()
    """What is wrong with it: nothing is restored of one that has any."""
    own: tuple[OwnArchive, ...] = ()
    """What the site's own backup.yml has made; empty where dcmanager has made the backup."""
    recorded: bool = True
    """It has a record of what the site was; those that the site's own playbook made before had none."""
    attempt: int = 1


class BeginRestoreRequest(Frozen):
    site: Name
    region: str
    backup: BackupText
    status: str
    """Its deploy status when this was decided."""
    updated: datetime | None
    """When its row had been written last as this was decided."""
    taken: datetime | None
    """When the backup had ended by dcmanager: the one that it keeps must be that one."""
    with_install: bool
    local: bool
    registry_images: bool
    wipe_ceph_osds: bool | None = None
    """None: what dcmanager does by itself, which is to keep them."""


class RestoreMarks(Frozen):
    backups: tuple[str, ...] = ()


class MarkRestoreRequest(Frozen):
    site: Name
    backup: BackupText


class RestoreRef(Frozen):
    site: Name
    region: str


# -- hosts beside controller-0


class RestoreHostRequest(Frozen):
    """One host of a restored site, whose workflow, the parent, holds the lock."""

    site: Name
    host: Name
    region: str
    reinstall: bool
    """Its system disk is written anew from the network; without it the host goes on with what is there."""
    old_mac: str = ""
    """It is another machine now: what sysinv knows by this MAC is deleted, and the host added by its own and
    configured as the site's profile says."""
    has_bmc: bool
    reachable_within: Duration
    installed_within: Duration = timedelta(minutes=75)
    """From the boot over the network until it is locked and online: mtce's 2,400 s and a boot."""
    timing: Timing


class ForgetHostRequest(Frozen):
    site: Name
    region: str
    host: Name
    mac: str
    """Only the host that sysinv knows by this one."""
