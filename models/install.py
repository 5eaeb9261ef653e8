"""Request and result of `InstallHost`."""

from datetime import datetime, timedelta

from pydantic import model_validator

from models.base import Duration, Frozen, Name
from models.bmc import HostRef
from models.install_values import InstallValues
from models.operations import (
    BiosAttributes,
    HostPath,
    ImageUrl,
    Proof,
    Through,
    brings,
    check_proof,
    check_through,
)
from models.outcome import Outcome
from models.patch import CampaignRef


class InstallHostRequest(Frozen):
    site: Name
    host: Name
    image: ImageUrl | None = None
    """The boot image (ISO) that installs the host unattended. None: it is made, of the declared boot_images
    with the host's install values."""
    values: InstallValues = InstallValues()
    """Install values that hold for this run before those of the inventory; only for an image that is made."""
    release: str = ""
    """What it installs, for the records; the image's file name where empty."""
    through: Through = "redfish"
    wipe: HostPath | None = None
    """SITE/HOST: yes, what is on this host's disks may go. Without it the run waits for `approve_wipe`."""
    bios: BiosAttributes = {}
    """Attributes of the role profile."""
    secure_boot: bool | None = None
    """None: as it is."""
    over_what_runs: bool = False
    """Also where the host is in use: its site is restored, and what runs there is meant to go."""
    take_medium: bool = False
    """Eject a medium that somebody else has put in; recorded with the run."""
    proof: Proof = "ssh"
    """How it is known that the host is installed."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the host is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long an approval or a thaw is waited for before the host is `blocked`."""
    installed_within: Duration = timedelta(hours=2)
    """From power-on until the installed system answers."""
    campaign: CampaignRef | None = None

    @model_validator(mode="after")
    def _only_where_it_can(self) -> "InstallHostRequest":
        check_through(self.through, self.bios, self.secure_boot, self.host, self.image)
        check_proof(self.proof, self.image, self.through)
        if self.image is not None and self.values != InstallValues():
            raise ValueError("values are written into an image that is made: leave them out, or image")
        if self.through == "dcmanager" and self.values != InstallValues():
            raise ValueError("dcmanager installs by the site's install_values: leave values out")
        return self

    @property
    def path(self) -> str:
        return f"{self.site}/{self.host}"

    @property
    def brings(self) -> str:
        return self.release or brings(self.through, self.image)


class ApproveWipe(Frozen):
    """Update of a run that waits for it."""

    host: HostPath
    """SITE/HOST, written out."""
    owner: str


class DeclaredImageRequest(Frozen):
    """Asks how a host's own image is made, and whether it can be."""

    on: HostRef
    values: InstallValues = InstallValues()
    """Of the run, before those of the inventory."""
    proof: Proof = "ssh"


class DeclaredImage(Frozen):
    values: InstallValues
    """As they are in the end."""
    base: str
    """File name of the image that it is made of."""


class MakeImageRequest(Frozen):
    on: HostRef
    arguments: tuple[str, ...]
    """Words for the kernel command line; NAME=VALUE takes the place of any other NAME."""
    without: tuple[str, ...] = ()
    """Names that must not be on it."""


class MadeImage(Frozen):
    url: str
    """As the BMC reaches it."""
    made: bool
    """False: it was there already."""
    words: str = ""
    """What was written where, for the report."""
    attempt: int = 1


class ExpectCallRequest(Frozen):
    on: HostRef
    token: str
    """Not secret, but not to be guessed: by it a call is known to be this run's."""


class ExpectedCall(Frozen):
    url: str
    """Where the installed system is to call."""


class Sign(Frozen):
    """One look for the proof that a host is installed."""

    installed: bool
    words: str
    seen: str = ""
    """What the next look has to know of this one."""


class InstallResult(Frozen):
    site: str
    host: str
    outcome: Outcome
    reason: str
    image: str
    """Where it was fetched; empty where it was to be made and the run ended before."""
    bmc: str = ""
    """Who the BMC said it is."""
    left: tuple[str, ...] = ()
    """What could not be undone, in words."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None
