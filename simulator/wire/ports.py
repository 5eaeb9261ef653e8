"""Which service listens where. Fixed, as in production: admin endpoints are the service's port plus one.

A subcloud shows only its admin endpoints, which is what the system controller uses; the system controller
shows its own. The Kubernetes API and OpenStack's are at a subcloud's one address here; in production they are
on its OAM address, OpenStack's services told apart by their hosts' names instead of by paths.
"""

from dataclasses import dataclass, replace
from functools import cache

from simulator.cloud.cloud import Identity


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one kind of cloud; None where it has no such service."""

    keystone: int
    sysinv: int
    usm: int
    vim: int
    fm: int
    dcmanager: int | None = None
    usm_public: int | None = None
    images: int | None = None
    """The web server that holds boot images."""
    kubernetes: int | None = None
    openstack: int | None = None

    def listening(self) -> dict[int, str]:
        """Port to service name."""
        pairs = {
            self.keystone: "keystone",
            self.sysinv: "sysinv",
            self.usm: "usm",
            self.vim: "vim",
            self.fm: "fm",
        }
        if self.dcmanager is not None:
            pairs[self.dcmanager] = "dcmanager"
        if self.usm_public is not None:
            pairs[self.usm_public] = "usm"
        if self.images is not None:
            pairs[self.images] = "images"
        if self.kubernetes is not None:
            pairs[self.kubernetes] = "kubernetes"
        if self.openstack is not None:
            pairs[self.openstack] = "openstack"
        return pairs


SUBCLOUD = Ports(keystone=5001, sysinv=6386, usm=5498, vim=4546, fm=18003)
CONTROLLER = Ports(
    keystone=5000,
    sysinv=6385,
    usm=5497,
    vim=4545,
    fm=18002,
    dcmanager=8119,
    usm_public=15497,
    images=8443,
)

KUBERNETES = 6443
OPENSTACK = 8780

CATALOG = (
    ("keystone", "identity", "keystone", "/v3"),
    ("sysinv", "platform", "sysinv", "/v1"),
    ("fm", "faultmanagement", "fm", ""),
    ("vim", "nfv", "vim", ""),
    ("usm", "usm", "usm", ""),
    ("dcmanager", "dcmanager", "dcmanager", "/v1.0"),
)
"""Name, type, service, path: sysinv's URL ends with /v1, FM's does not."""


def ports_of(identity: Identity) -> Ports:
    if identity.role != "subcloud":
        return CONTROLLER
    return _subcloud(identity.kubernetes, identity.openstack)


@cache
def _subcloud(kubernetes: bool, openstack: bool) -> Ports:
    return replace(
        SUBCLOUD, kubernetes=KUBERNETES if kubernetes else None, openstack=OPENSTACK if openstack else None
    )
