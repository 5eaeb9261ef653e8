"""Which service listens where. Fixed, as in production: admin endpoints are the service's port plus one.

A subcloud shows only its admin endpoints, which is what the system controller uses; the system controller
shows its own.
"""

from dataclasses import dataclass


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
        return pairs


SUBCLOUD = Ports(keystone=5001, sysinv=6386, usm=5498, vim=4546, fm=18003)
CONTROLLER = Ports(keystone=5000, sysinv=6385, usm=5497, vim=4545, fm=18002, dcmanager=8119, usm_public=15497)

CATALOG = (
    ("keystone", "identity", "keystone", "/v3"),
    ("sysinv", "platform", "sysinv", "/v1"),
    ("fm", "faultmanagement", "fm", ""),
    ("vim", "nfv", "vim", ""),
    ("usm", "usm", "usm", ""),
    ("dcmanager", "dcmanager", "dcmanager", "/v1.0"),
)
"""Name, type, service, path: sysinv's URL ends with /v1, FM's does not."""


def ports_of(role: str) -> Ports:
    return SUBCLOUD if role == "subcloud" else CONTROLLER
