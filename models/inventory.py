"""What operators declare: system controllers, sites, hosts. The shape of `inventory.yaml`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.base import Frozen, Name

Topology = Literal["AIO-SX", "AIO-DX", "Standard"]
Dialect = Literal["auto", "12", "next"]
SecretRef = Annotated[str, StringConstraints(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$")]
"""`env:NAME` or `file:PATH` (relative to the inventory file); the secret itself never stands in a file."""
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^sha256:([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$")]
Mac = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")]


class Credential(Frozen):
    """Who Starflock is at a system controller and, since the platform replicates it, at its subclouds."""

    username: str = "admin"
    password: SecretRef
    project: str = "admin"
    domain: str = "Default"
    sysadmin_password: SecretRef | None = None
    """The `sysadmin` account of the subclouds; dcmanager asks for it to prestage a release."""


class SystemController(Frozen):
    name: Name
    auth_url: Url
    """Keystone v3 of the system controller, e.g. https://10.10.10.2:5000/v3."""
    region: str = "RegionOne"
    ca_bundle: str | None = None
    """PEM file, relative to the inventory; trusted for the controller and its subclouds' admin endpoints."""
    fingerprint: Fingerprint | None = None
    """Pins the controller's own certificate instead of a CA."""
    dialect: Dialect = "auto"
    credential: Credential


class Endpoints(Frozen):
    """Overrides of what dcmanager says, for sites behind a translated address."""

    keystone: Url | None = None
    sysinv: Url | None = None
    usm: Url | None = None
    vim: Url | None = None
    fm: Url | None = None


class Host(Frozen):
    name: Name
    personality: Literal["controller", "worker", "storage"]
    bmc: str | None = None
    """Address of the host's BMC."""
    mac: Mac | None = None
    """MAC of the management interface."""


class Site(Frozen):
    name: Name
    subcloud: str = ""
    """dcmanager's name of the site; the inventory name where empty."""
    system_controller: Name
    labels: dict[str, str] = {}
    timezone: str = "UTC"
    """IANA name, e.g. Europe/Berlin."""
    topology: Topology = "AIO-SX"
    endpoints: Endpoints = Endpoints()
    hosts: tuple[Host, ...] = ()

    @property
    def subcloud_name(self) -> str:
        return self.subcloud or self.name


class InventoryFile(Frozen):
    system_controllers: tuple[SystemController, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = ()
