"""What a site's OpenStack shows, and the VM by which an acceptance tries it.

The marks are Nova's metadata: by whom, and for which run. A name alone marks nothing, since Nova takes the
same name any number of times.
"""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name

APPLICATION = "stx-openstack"
MANAGED = "managed-by"
PROBE_OF = "starflock-probe-of"
OURS = "starflock"
PREFIX = "starflock-probe-vm-"

Service = Literal["compute", "network", "volume"]


class WantedOpenstack(Frozen):
    """What is known of a site's OpenStack before anybody has asked it."""

    installed: bool
    """sysinv has the application applied."""
    auth_url: str = ""
    """Empty: nobody declared how it is reached."""
    vm: str = ""
    """Flavor, image and network of the test VM in words; empty where none is declared."""


class OpenstackRequest(Frozen):
    site: Name
    samples: int = Field(default=3, ge=1, le=20)
    apart: Duration = timedelta(seconds=30)


class FoundService(Frozen):
    """A service of Nova or Cinder, or an agent of Neutron."""

    of: Service
    name: str
    """`nova-compute on controller-0`"""
    says: str
    """`up, enabled`, or what it is instead, with the reason that somebody gave."""


class OpenstackLook(Frozen):
    services: tuple[FoundService, ...]
    missing: tuple[Service, ...] = ()
    """Of which the catalog has no endpoint."""


class OpenstackFacts(Frozen):
    looks: tuple[OpenstackLook, ...]
    """Those that differ from the one before."""
    samples: int
    attempt: int = 1


class VmRequest(Frozen):
    """One VM to create; what it is made of stands in the inventory."""

    site: Name
    run_id: str
    """Of the workflow: part of the name and in our mark."""

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.run_id[:8]}"


class AwaitVmRequest(Frozen):
    site: Name
    vm: str
    """Its id."""
    within: Duration


class VmLeftover(Frozen):
    """A VM with our mark."""

    name: str
    id: str


class VmLeftoversRequest(Frozen):
    site: Name


class VmLeftovers(Frozen):
    found: tuple[VmLeftover, ...]
    attempt: int = 1


class RemoveVmRequest(Frozen):
    site: Name
    vm: VmLeftover


class VmEnd(Frozen):
    """How a wait for a VM ended."""

    how: Literal["so", "failed", "late", "gone", "silent"]
    words: str = ""
    """Nova's own."""
    host: str = ""
    """Where it runs."""
    attempt: int = 1


class VmStep(Frozen):
    did: bool
    vm: str = ""
    """Its id."""
    attempt: int = 1
