"""What a site declares to be added to its dcmanager with, and the values in those files.

Bootstrap values go on to Ansible, whose playbooks take far more than dcmanager looks at: here stands what
dcmanager and we judge, anything else passes as it is. Install values are dcmanager's own: all of them stand
here (distcloud 8ae01823, `dccommon/consts.py`), so that a misspelt one is told before a disk is wiped. What
must hold between values and with the inventory is judged in `inventory/deploy_checks.py`.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from models.base import Frozen
from models.install_values import IpAddress

ReleaseVersion = Annotated[str, StringConstraints(pattern=r"^\d{2}\.\d{2}$")]
"""Major release, e.g. 26.03."""
SubcloudName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
]
"""As dcmanager and Kubernetes take it."""


class DeployFiles(Frozen):
    """How dcmanager is to add the site: its files, relative to the inventory, and what goes with them."""

    bootstrap_values: str = Field(min_length=1)
    """Overrides of the bootstrap playbook. A password in it is a reference: env:NAME or file:PATH."""
    install_values: str | None = None
    """With which dcmanager installs controller-0 by its BMC. None: it is installed in another way before."""
    deploy_config: str | None = None
    """For the deployment manager, which configures and unlocks the hosts. None: it is configured in another
    way afterwards."""
    bootstrap_address: IpAddress | None = None
    """Where dcmanager reaches the installed controller-0; that of the install values where absent, else its
    `oam`."""
    description: str = ""
    location: str = ""
    group: str = "Default"
    """Subcloud group of dcmanager."""
    release: ReleaseVersion | None = None
    """What is installed; the system controller's own release where absent."""


class BootstrapValues(Frozen):
    """Of the bootstrap values, what dcmanager judges."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    name: SubcloudName
    system_mode: Literal["simplex", "duplex", "duplex-direct"]
    system_type: Literal["All-in-one", "Standard"] | None = None
    management_subnet: str
    management_start_address: str
    management_end_address: str
    management_gateway_address: str | None = None
    """Absent where there is an admin network."""
    admin_subnet: str | None = None
    admin_start_address: str | None = None
    admin_end_address: str | None = None
    admin_gateway_address: str | None = None
    systemcontroller_gateway_address: str
    external_oam_subnet: str
    external_oam_gateway_address: str
    external_oam_floating_address: str
    external_oam_node_0_address: str | None = None
    external_oam_node_1_address: str | None = None


class DeployInstallValues(Frozen):
    """dcmanager's install values; the BMC's password is none of them, it comes from the inventory."""

    bootstrap_interface: str
    bootstrap_address: IpAddress
    bootstrap_address_prefix: Annotated[int, Field(ge=1, le=128)]
    install_type: Annotated[int, Field(ge=0, le=5)]
    bmc_address: IpAddress
    bmc_username: str
    bmc_ciphersuite: int | None = None
    nexthop_gateway: IpAddress | None = None
    network_address: IpAddress | None = None
    network_mask: int | str | None = None
    console_type: str | None = None
    bootstrap_vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    rootfs_device: str | None = None
    boot_device: str | None = None
    ipv6dad_timeout: Annotated[int, Field(ge=1)] | None = Field(default=None, alias="rd.net.timeout.ipv6dad")
    no_check_certificate: bool | None = None
    persistent_size: Annotated[int, Field(ge=30_000)] | None = None
    """MB."""
    hw_settle: Annotated[int, Field(ge=0)] | None = None
    """Seconds."""
    extra_boot_params: str | None = Field(default=None, min_length=1)
    """Comma-separated words."""
    wipe_osds: bool | None = None
    software_version: str | float | None = None
    wait_for_timeout: Annotated[int, Field(ge=1)] | None = None
    """Seconds until the installed system answers."""
    boot_wait_time: Annotated[int, Field(ge=0)] | None = None
    rvmc_debug_level: Annotated[int, Field(ge=0, le=4)] | None = None

    model_config = {**Frozen.model_config, "populate_by_name": True, "serialize_by_alias": True}
