"""What can be done to a site, as a campaign or a person declares it: one model a kind."""

from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name
from models.inventory import Mac
from models.maintenance import MaintenancePolicy

ReleaseId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*-\d+\.\d+\.\d+$")]
"""USM's form, e.g. starlingx-26.03.1."""
AlarmId = Annotated[str, StringConstraints(pattern=r"^\d{3}\.\d{3}$")]
ImageUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+/[^\s@]+$")]
"""Fetched by the BMC itself; without user and password."""
HostPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")
]
"""SITE/HOST"""
BiosAttributes = dict[str, str | int | bool]
"""By the vendor's names, e.g. {"ProcVirtualization": "Enabled"}."""
Through = Literal["redfish", "ironic", "dcmanager"]
"""redfish: Starflock drives the BMC itself; ironic: the Ironic that the inventory declares deploys;
dcmanager: the site's system controller makes the image and boots it, by the site's install_values."""
Proof = Literal["ssh", "phone-home", "sysinv"]
"""ssh: it answers at its oam address; phone-home: it calls; sysinv: its site has it as installed."""
PHONE_HOME = "{phone_home}"
"""In the URL of a given image: where what it installs is to call."""
MADE = "boot image made for the host"
"""What is said to be installed where neither release nor image is named."""
DCMANAGERS_HOST = "controller-0"
"""The one that dcmanager installs."""


ITS_PROFILE = "its profile"
"""Each site has its own."""


class PatchOperation(Frozen):
    """Bring a site to a release through its own VIM."""

    kind: Literal["patch"]
    release: ReleaseId
    instance_action: Literal["auto", "migrate", "stop-start"] = "auto"
    """What VIM does to VMs on a host it locks; auto: stop-start on AIO-SX, migrate elsewhere."""
    alarm_restrictions: Literal["strict", "relaxed"] = "relaxed"
    """relaxed: only management-affecting alarms hold; strict: any alarm holds."""
    ignore_alarms: tuple[AlarmId, ...] = ()
    """Alarm ids that never hold this operation, on top of the built-in list of the phase."""
    prestage: bool = True
    """Let dcmanager bring the release to a site that lacks it."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site is waited for before it is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.release


class InstallOperation(Frozen):
    """Install one host of each site from its BMC."""

    kind: Literal["install"]
    image: ImageUrl | None = None
    """The boot image (ISO) that installs the host unattended; {site} and {host} stand for their names.
    Without it one is made for each host, of the declared boot_images with the host's install values."""
    host: Name = "controller-0"
    """Which host of each site."""
    through: Through = "redfish"
    release: str = ""
    """What the image installs, for the records; the image's file name where empty."""
    wipe: tuple[HostPath, ...] = ()
    """SITE/HOST of every host whose disks may go. A host that is not named waits for `approve_wipe`."""
    bios: BiosAttributes = {}
    """Attributes of the role profile."""
    secure_boot: bool | None = None
    """As it is where absent."""
    proof: Proof = "ssh"
    """How it is known that a host is installed."""
    take_medium: bool = False
    """Eject a medium that somebody else has put in; recorded with the run."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the host is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy site, an approval or a thaw is waited for before the host is `blocked`."""
    installed_within: Duration = timedelta(hours=2)
    """From power-on until the installed system answers."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.release or brings(self.through, self.image)

    @model_validator(mode="after")
    def _only_where_it_can(self) -> "InstallOperation":
        check_through(self.through, self.bios, self.secure_boot, self.host, self.image)
        check_proof(self.proof, self.image, self.through)
        return self


class FirmwareComponent(Frozen):
    """One piece of a host's firmware as it shall be."""

    name: str = Field(min_length=1)
    """As the BMC's firmware inventory calls it, e.g. BIOS."""
    version: str = Field(min_length=1)
    image: ImageUrl
    """Fetched by the BMC itself."""
    after: tuple[str, ...] = ()
    """Components that must have their version before."""


class FirmwareOperation(Frozen):
    """Bring the firmware of each site's hosts to a baseline, one host of a site at a time."""

    kind: Literal["firmware"]
    baseline: Name
    """What the set of versions is called, e.g. 2026-q4."""
    components: tuple[FirmwareComponent, ...] = Field(min_length=1)
    """In order, where `after` does not say otherwise."""
    hosts: tuple[Name, ...] = ()
    """Which hosts of each site; none: all that have a bmc."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or frozen site is waited for before it is `blocked`."""
    updated_within: Duration = timedelta(hours=1)
    """For each component, from the request until its version is in force or waits for a boot."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.baseline

    @model_validator(mode="after")
    def _can_be_ordered(self) -> "FirmwareOperation":
        names = [each.name for each in self.components]
        twice = [name for number, name in enumerate(names) if name in names[:number]]
        if twice:
            raise ValueError(f"component {twice[0]} stands twice")
        for each in self.components:
            for before in each.after:
                if before not in names:
                    raise ValueError(
                        f"{each.name} comes after {before}, which is no component of this baseline"
                    )
        try:
            TopologicalSorter({each.name: each.after for each in self.components}).prepare()
        except CycleError as error:
            raise ValueError(f"components wait for each other: {' after '.join(error.args[1])}") from None
        return self


class AddSubcloudOperation(Frozen):
    """Add sites to their dcmanagers by phased deploy, with the files that are declared for each."""

    kind: Literal["add-subcloud"]
    install: Literal["auto", "dcmanager", "none"] = "auto"
    """dcmanager: by the declared install values; none: controller-0 is installed already; auto: by whether
    install values are declared."""
    wipe: tuple[HostPath, ...] = ()
    """SITE/controller-0 of every site whose disks may go. One that is not named, and is to be installed,
    waits for `approve_wipe`."""
    enroll: bool = False
    """They are systems that run on their own: dcmanager takes them in as they are."""
    on_site: bool = False
    """Of an enrolment: somebody there presents the seed image, so dcmanager leaves the BMCs alone."""
    manage: bool = True
    """Let dcmanager manage the subclouds once they are online."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy system controller, an approval or a thaw is waited for before the site is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return "dcmanager"

    @model_validator(mode="after")
    def _holds_together(self) -> "AddSubcloudOperation":
        check_enrolment(self.enroll, self.on_site, self.install, bool(self.wipe))
        return self


class BringUpOperation(Frozen):
    """Configure freshly bootstrapped sites as their profiles say and put them in service."""

    kind: Literal["bring-up"]
    wipe: tuple[HostPath, ...] = ()
    """SITE/HOST of every host beside controller-0 whose disks may go: it is installed over the network."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy, silent or frozen site is waited for before it is `blocked` or `unreachable`."""
    settled_within: Duration = timedelta(hours=1)
    """For applications, storage and alarms, once all hosts are in service."""
    manage: bool = True
    """Let dcmanager manage the subclouds in the end, where it does not yet."""
    workers_at_once: int = Field(default=5, ge=1, le=20)
    """Workers of a site installed and unlocked at a time; with many more sysinv's conductor stalls."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return ITS_PROFILE


class ConfigureOperation(Frozen):
    """Bring sites in service to their profiles again."""

    kind: Literal["configure"]
    lock: bool = False
    """Hosts may be locked and unlocked for it, one of a site at a time. On AIO-SX that takes the site out of
    service."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy, silent or frozen site is waited for before it is `blocked` or `unreachable`."""
    settled_within: Duration = timedelta(hours=1)
    """For applications, storage and alarms, after hosts were unlocked."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return ITS_PROFILE


class UpgradeOperation(Frozen):
    """Bring a site to a release host by host, its workloads kept alive where the site can."""

    kind: Literal["upgrade"]
    release: ReleaseId
    """A patch or a major release."""
    engine: Literal["auto", "direct", "vim"] = "auto"
    """direct: Starflock drives USM host by host; vim: the site's own orchestration; auto: direct."""
    workers_at_once: int = Field(default=1, ge=1, le=10)
    """Workers that are out of service at a time, where their VMs, pods and storage allow it."""
    worker_fails: Literal["skip", "stop", "roll-back"] = "stop"
    """A worker that fails in all its tries. skip: the other hosts are brought to the release; the site runs
    both and is reported so."""
    controller_fails: Literal["stop", "roll-back"] = "stop"
    """The start, a controller, storage or the activation fails in all its tries."""
    approve_before: tuple[Literal["activate", "complete"], ...] = ()
    """Steps that wait for a person."""
    soak: Duration = timedelta(0)
    """Between activate and complete: the last time from which hosts can be taken back."""
    delete: bool = True
    """Delete the deployment in the end; after that there is no way back. Without it the site cannot take a
    next release before somebody does."""
    policy: MaintenancePolicy = MaintenancePolicy()
    alarm_restrictions: Literal["strict", "relaxed"] = "relaxed"
    """relaxed: only management-affecting alarms hold; strict: any alarm holds."""
    ignore_alarms: tuple[AlarmId, ...] = ()
    """Alarm ids that never hold this operation, on top of the built-in list of the phase."""
    backup_within: Duration | None = None
    """The site's last backup by its dcmanager must be so young at most; where absent, nobody asks."""
    prestage: bool = True
    """Let dcmanager bring the release to a site that lacks it."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site, or an approval, is waited for before the site is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.release


class PrestageOperation(Frozen):
    """Bring a release to a site by its dcmanager, so that a later upgrade finds it there."""

    kind: Literal["prestage"]
    release: ReleaseId
    alarm_restrictions: Literal["strict", "relaxed"] = "relaxed"
    """relaxed: only management-affecting alarms hold; strict: any alarm holds."""
    ignore_alarms: tuple[AlarmId, ...] = ()
    """Alarm ids that never hold this operation, on top of the built-in list of the phase."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site is waited for before it is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.release


class VerifyStep(Frozen):
    """Examine a site as `starflock site verify` does; nothing is put into it."""

    kind: Literal["verify"]
    samples: int = Field(default=3, ge=1, le=20)
    """Looks that must all be good."""
    apart: Duration = timedelta(seconds=30)
    certificate_days: int = Field(default=30, ge=0)
    """A certificate must be good for so many days."""


JourneyStep = Annotated[PrestageOperation | UpgradeOperation | VerifyStep, Field(discriminator="kind")]
JOURNEY = ("prestage", "upgrade", "verify")


class JourneyOperation(Frozen):
    """Several steps at each site, one after the other, under one lock."""

    kind: Literal["journey"]
    steps: tuple[JourneyStep, ...]
    """prestage, upgrade, verify: in this order, upgrade always."""

    @property
    def upgrade(self) -> UpgradeOperation:
        """As its neighbours let it: without a step that prestages, a site must have the release."""
        (found,) = (step for step in self.steps if isinstance(step, UpgradeOperation))
        return found.model_copy(update={"prestage": self.prestages})

    @property
    def prestages(self) -> bool:
        return any(isinstance(step, PrestageOperation) for step in self.steps)

    @property
    def verify(self) -> VerifyStep | None:
        return next((step for step in self.steps if isinstance(step, VerifyStep)), None)

    @property
    def ignore_alarms(self) -> tuple[AlarmId, ...]:
        return self.upgrade.ignore_alarms

    @property
    def ready_within(self) -> timedelta:
        return self.upgrade.ready_within

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return self.upgrade.release

    @model_validator(mode="after")
    def _is_a_way(self) -> "JourneyOperation":
        kinds = [step.kind for step in self.steps]
        if kinds != [kind for kind in JOURNEY if kind in kinds] or "upgrade" not in kinds:
            said = ", ".join(kinds) or "nothing"
            raise ValueError(f"steps are {', '.join(JOURNEY)}, in this order, upgrade always; found {said}")
        releases = {step.release for step in self.steps if not isinstance(step, VerifyStep)}
        if len(releases) > 1:
            raise ValueError(f"all steps are about one release; found {', '.join(sorted(releases))}")
        if self.upgrade.engine == "vim":
            raise ValueError("engine vim ends with the VIM's own work; a journey goes on: leave engine out")
        return self


class BackupOperation(Frozen):
    """Back up the platform of each site through its dcmanager, with a record of what the site is."""

    kind: Literal["backup"]
    local: bool = False
    """The archives stay on the sites themselves; otherwise their system controllers keep them."""
    registry_images: bool = False
    """With the images of the sites' registries; only where the archives stay there."""
    verify: bool = False
    """Read each backup back from the archive in the end; one that is not as it was put has failed."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site is waited for before it is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return "archive"

    @model_validator(mode="after")
    def _images_stay(self) -> "BackupOperation":
        check_images(self.local, self.registry_images)
        return self


class RestoredSite(Frozen):
    """What is to be known of one site of a campaign that restores; as `site restore` is told it."""

    replaced: dict[str, Mac] = {}
    """Hosts whose hardware is another one now, by name or by the MAC that the record has of them, to the MAC
    that they have now."""
    leave_out: tuple[Name, ...] = ()
    """Workers that are gone: they are not brought back."""
    wipe_osds: bool = False
    """All of its Ceph's data is given up, even where OSDs could be kept."""


class RestoreOperation(Frozen):
    """Put sites back as their newest backups have them."""

    kind: Literal["restore"]
    wipe: tuple[Name, ...] = ()
    """Every site that may be wiped, written out. One that is not named waits for `approve_wipe`."""
    sites: dict[Name, RestoredSite] = {}
    """By name, those of which there is more to say than of all."""
    install: bool = True
    """dcmanager installs controller-0 by its BMC first."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy system controller, an approval or a thaw is waited for before the site is `blocked`."""
    manage: bool = True
    """Let dcmanager manage the subclouds again once they are online."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return "its backup"


class VerifyOperation(VerifyStep):
    """Examine each site against its profile, under its lock; with `probe` or `swact` try it as well."""

    probe: bool = False
    """Put pods, a claim and a VM into it and take them out again."""
    swact: bool = False
    """Hand the active role to the other controller and back."""
    image: str = ""
    """Of the probes, with `sh` and `grep`. Empty: the platform's pause image, which can only run."""
    storage_class: str = ""
    """Of the claim; empty: the cluster's default."""
    ready_within: Duration = timedelta(minutes=30)
    """How long a busy site is waited for before it is `blocked`."""

    @property
    def target(self) -> str:
        """What it brings a site to, for search and records."""
        return "acceptance"


Operation = Annotated[
    PatchOperation
    | InstallOperation
    | FirmwareOperation
    | AddSubcloudOperation
    | BringUpOperation
    | ConfigureOperation
    | UpgradeOperation
    | PrestageOperation
    | JourneyOperation
    | BackupOperation
    | RestoreOperation
    | VerifyOperation,
    Field(discriminator="kind"),
]


def check_images(local: bool, registry_images: bool) -> None:
    """Raises ValueError."""
    if registry_images and not local:
        raise ValueError("registry_images goes with local: dcmanager keeps images on the site only")


def check_enrolment(enroll: bool, on_site: bool, install: str, wipes: bool) -> None:
    """Raises ValueError for what an enrolment cannot be told."""
    if on_site and not enroll:
        raise ValueError("on_site goes with enroll only")
    if enroll and (install == "dcmanager" or wipes):
        raise ValueError("enroll takes a running system in as it is: nothing is installed or wiped")


def check_through(
    through: Through, bios: BiosAttributes, secure_boot: bool | None, host: str, image: str | None
) -> None:
    """Raises ValueError for what an installation through Ironic or dcmanager cannot be told."""
    if through != "redfish" and (bios or secure_boot is not None):
        raise ValueError(
            f"bios and secure_boot are set through redfish only; leave them out, or through: {through}"
        )
    if through == "dcmanager" and host != DCMANAGERS_HOST:
        raise ValueError(f"dcmanager installs {DCMANAGERS_HOST} only, not {host}")
    if through == "dcmanager" and image is not None:
        raise ValueError("dcmanager makes the image itself; leave image out, or through: dcmanager")


def check_proof(proof: Proof, image: str | None, through: Through) -> None:
    """Raises ValueError where what is installed cannot know where to call."""
    if proof == "phone-home" and through == "dcmanager":
        raise ValueError("dcmanager's image calls nobody; let the proof be ssh")
    if proof == "phone-home" and image is not None and PHONE_HOME not in image:
        raise ValueError(
            f"an image that is to call home has to know where: write {PHONE_HOME} in its URL for a server "
            "that makes it so, or leave image out, and it is made"
        )


def file_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def brings(through: Through, image: str | None) -> str:
    """What is said to be installed where no release is named."""
    if image is not None:
        return file_name(image)
    return "dcmanager's boot image" if through == "dcmanager" else MADE
