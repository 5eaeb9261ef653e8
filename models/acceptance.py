"""Is a site accepted: each check with what was found and what was wanted."""

from datetime import datetime, timedelta

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.configuration import FoundSystem
from models.kubernetes import WantedCluster
from models.openstack import WantedOpenstack
from models.patch import CampaignRef
from models.site import Alarm, HostState


class VerifyRequest(Frozen):
    site: Name
    samples: int = Field(default=3, ge=1, le=20)
    """Looks that must all be good: storage and alarms come and go for minutes after a change."""
    apart: Duration = timedelta(seconds=30)
    certificate_days: int = Field(default=30, ge=0)
    """A certificate must be good for so many days."""
    probe: bool = False
    """Put pods, a claim and a VM into it and take them out again. Only under the site's lock."""
    swact: bool = False
    """Hand the active role to the other controller and back. Only under the site's lock."""
    namespace: Name = "default"
    """Where the probes are put. In kube-system a pod would run on the platform's CPUs."""
    ready_within: Duration = timedelta(minutes=30)
    """How long a probe or a swact waits until nobody else is at work."""
    image: str = ""
    """Of the probes, with `sh` and `grep`. Empty: the platform's pause image, which can only run."""
    storage_class: str = ""
    """Of the claim; empty: the cluster's default."""
    probe_within: Duration = timedelta(minutes=5)
    """From a probe's creation until it runs, and from its removal until it is gone."""
    campaign: CampaignRef | None = None
    """It is the site's one change then: nobody else's comes between its looks."""

    @property
    def changes(self) -> bool:
        return self.probe or self.swact


class Certificate(Frozen):
    name: str
    expires: datetime


class AcceptanceFacts(Frozen):
    """One look, for the checks; it stays inside the activity."""

    hosts: tuple[HostState, ...]
    system: FoundSystem
    """With applications and storage backends."""
    alarms: tuple[Alarm, ...]
    certificates: tuple[Certificate, ...]
    clock: datetime
    """The site's own."""


class Check(Frozen):
    name: str
    """What was asked, e.g. `host controller-0`."""
    group: str
    """hosts, profile, alarms, applications, storage, certificates, kubernetes, openstack or swact."""
    passed: bool
    found: str
    wanted: str


class AcceptanceReport(Frozen):
    site: str
    profile: str
    accepted: bool
    checks: tuple[Check, ...]
    not_asked: tuple[str, ...]
    """What this report says nothing about."""
    samples: int
    began: datetime
    ended: datetime
    attempt: int = 1
    cluster: WantedCluster | None = None
    """What the site's Kubernetes is held against, on its way to who looks there; no part of the report."""
    openstack: WantedOpenstack | None = None
    """Whether there is an OpenStack to ask, on its way as well. None: neither applied nor declared."""
