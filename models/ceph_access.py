"""How a site's Ceph is reached: by Rook's toolbox pod, or by SSH to the controller of bare-metal Ceph."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import Frozen, HostPort
from models.bootstrap_files import HostKey, SshCredential
from models.volumes import VolumePolicy

CephUser = Annotated[str, StringConstraints(pattern=r"^client\.[A-Za-z0-9_.-]+$")]


class CephAccess(Frozen):
    """Commands of the `ceph` program are run where its configuration and its keyring are."""

    kind: Literal["rook", "bare-metal"]
    user: CephUser = "client.admin"
    """As whom; the toolbox and StarlingX's controllers have a keyring of client.admin."""
    namespace: str = Field(default="rook-ceph", min_length=1)
    """rook: of the toolbox."""
    toolbox: str = Field(default="app=rook-ceph-tools", min_length=1)
    """rook: labels of the toolbox pod, through the site's `kubernetes`."""
    address: HostPort | None = None
    """bare-metal: HOST[:PORT] of the active controller, the floating OAM address where there are two; the
    `bootstrap` address or `oam` of controller-0 where absent."""
    credential: SshCredential | None = None
    """bare-metal: that of `bootstrap` where absent."""
    host_key: HostKey | None = None
    """bare-metal: the controllers prove themselves by this key."""
    known_hosts: str | None = None
    """Or by one in this file, relative to the inventory; as `bootstrap` says where both are absent."""
    volumes: VolumePolicy | None = None
    """Which volumes a backup of the site has; without it a backup has none."""

    @model_validator(mode="after")
    def _proves_itself_once(self) -> "CephAccess":
        if self.host_key is not None and self.known_hosts is not None:
            raise ValueError("expected one of host_key and known_hosts, found both")
        return self
