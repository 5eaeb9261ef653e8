"""What operators declare: system controllers, sites, hosts. The shape of `inventory.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
)

from models.archive_access import ArchiveTarget
from models.base import BMC_ENDING, DRILL_QUEUE, Frozen, HostPort, Name, SecretRef
from models.bootstrap_files import BootstrapAccess, SshAccess
from models.ceph_access import CephAccess
from models.deploy_files import DeployFiles
from models.install_values import InstallValues
from models.notices import NotifyTarget
from models.profile import SiteProfile
from models.windows import Blackout, MaintenanceWindow

Topology = Literal["AIO-SX", "AIO-DX", "Standard"]
Dialect = Literal["auto", "12", "next"]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^sha256:([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$")]
Mac = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")]
HardwareUuid = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
]
BmcAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d{1,5})?/?$"
    ),
]
RedfishPath = Annotated[str, StringConstraints(pattern=r"^/redfish/v1/Systems/[^\s/?#]+/?$")]


class Credential(Frozen):
    """Who Starflock is at a system controller and, since the platform replicates it, at its subclouds."""

    username: str = "admin"
    password: SecretRef
    project: str = "admin"
    domain: str = "Default"
    sysadmin_password: SecretRef | None = None
    """The `sysadmin` account of the subclouds; dcmanager asks for it to prestage a release."""


class BmcCredential(Frozen):
    """Who Starflock is at a BMC."""

    username: str
    password: SecretRef


class BmcAccess(Frozen):
    """How BMCs are logged in to and how they prove themselves; the nearest to the host wins, credential and
    trust each as a whole."""

    credential: BmcCredential | None = None
    ca_bundle: str | None = None
    """PEM file, relative to the inventory, that signed the BMC's certificate. None of the three: the system's
    CAs."""
    fingerprint: Fingerprint | None = None
    """Pins the certificate instead of a CA."""
    unverified: bool = False
    """Whoever answers is believed, password and all; said in every report."""

    @property
    def has_trust(self) -> bool:
        return bool(self.ca_bundle or self.fingerprint or self.unverified)


class Bmc(BmcAccess):
    """A host's BMC; in a file a bare address stands for a mapping that holds nothing else."""

    address: BmcAddress
    """https://10.20.17.10:8443, or HOST[:PORT] for https."""
    system: RedfishPath | None = None
    """Which one, where the service has several, e.g. /redfish/v1/Systems/1."""

    @property
    def url(self) -> str:
        address = self.address.rstrip("/")
        return address if "://" in address else f"https://{address}"

    @model_serializer(mode="wrap")
    def _as_written(self, full: SerializerFunctionWrapHandler) -> Any:
        fields = full(self)
        return self.address if set(fields) == {"address"} else {"address": self.address, **fields}


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return {"address": value}
    if value is None or isinstance(value, dict | Bmc):
        return value
    raise ValueError("expected an address such as https://10.20.17.10, or a mapping")


class IronicCredential(Frozen):
    """Who Starflock is at an Ironic API; project and domain matter to Keystone only."""

    username: str
    password: SecretRef
    project: str = "admin"
    domain: str = "Default"


class IronicService(Frozen):
    """The Ironic that manages the hosts' BMCs, and what it is to do with them."""

    url: Url
    """Its API, e.g. https://10.10.10.3:6385."""
    auth_url: Url | None = None
    """Keystone v3. Without it the credential is HTTP basic, and without a credential nobody is asked."""
    credential: IronicCredential | None = None
    ca_bundle: str | None = None
    """PEM file, relative to the inventory, for the API and Keystone. None of the three: the system's CAs."""
    fingerprint: Fingerprint | None = None
    unverified: bool = False
    """Whoever answers is believed; said in every report."""
    driver: Literal["redfish", "idrac", "fake-hardware"] = "redfish"
    """Hardware type of new nodes; fake-hardware moves no machine."""
    boot_interface: str = "redfish-virtual-media"
    deploy_interface: str = "ramdisk"
    """ramdisk boots the image and leaves the installing to it."""
    inspect_interface: str | None = None
    """None: Ironic's default for the hardware type."""
    boot_mode: Literal["uefi", "bios"] | None = None
    """None: Ironic's default."""
    bmc_ca_bundle: str | None = None
    """Path on the conductors: the CAs that signed the BMCs' certificates. None: the conductors' own CAs."""


class BootImages(Frozen):
    """Where hosts' own boot images are made of one that installs any: each with its host's install values."""

    base: str = Field(min_length=1)
    """The ISO that they are made of; relative to the inventory file, read by the worker."""
    directory: str = Field(min_length=1)
    """Folder that a web server of yours shows; relative to the inventory file. Several workers share it."""
    url: Url
    """The folder as BMCs reach it, e.g. http://10.10.10.2:8080/boot."""


RegionQueue = Annotated[str, StringConstraints(pattern=r"^starflock(-[a-z0-9]+)+$", max_length=100)]
"""starflock-east: a task queue in Temporal for the sites of a region."""


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
    ssh: SshAccess | None = None
    """Its active controller; with it the platform archives that its dcmanager makes get into the store."""
    bmc: BmcAccess = BmcAccess()
    """For the BMCs of its sites, unless a site or host says otherwise."""
    ironic: IronicService | None = None
    """Manages the hosts of its sites, unless a site names another."""
    boot_images: BootImages | None = None
    """For the hosts of its sites, unless a site says otherwise."""
    install: InstallValues = InstallValues()
    """For the hosts of its sites: what neither site nor host says."""
    queue: RegionQueue | None = None
    """Workers of this task queue, `STARFLOCK_QUEUES` there, carry out what is done to it and to its sites;
    they reach its networks, others need not. None: those of `starflock`."""

    @field_validator("queue")
    @classmethod
    def _not_of_bmcs(cls, queue: str | None) -> str | None:
        if queue is not None and queue.endswith(BMC_ENDING):
            raise ValueError(
                f"expected a queue for sites; {queue} is that of the BMCs beside "
                f"{queue.removesuffix(BMC_ENDING)}"
            )
        if queue == DRILL_QUEUE:
            raise ValueError(f"expected another name: {queue} is the queue of drills")
        return queue


class KubernetesAccess(Frozen):
    """Where a site's Kubernetes API is, and who Starflock is there."""

    endpoint: Url | None = None
    """None: https://OAM:6443 of the first controller, or as the kubeconfig says."""
    ca_bundle: str | None = None
    """PEM file, relative to the inventory, that signed the API's certificate. None: the kubeconfig's CA, else
    the system's CAs."""
    token: SecretRef | None = None
    """A service account's bearer token."""
    kubeconfig: SecretRef | None = None
    """A whole kubeconfig instead, such as file:secrets/edge-0001.conf."""
    context: str | None = None
    """Of the kubeconfig; None: its current one."""


class OpenstackCredential(Frozen):
    """Who Starflock is at a site's OpenStack: its own Keystone's users, not the platform's."""

    username: str = "admin"
    password: SecretRef
    project: str = "admin"
    """The test VM is made in it."""
    user_domain: str = "Default"
    project_domain: str = "Default"


class VmProbe(Frozen):
    """What a test VM is made of, each by name or id. It runs for as long as it takes to see that it does."""

    flavor: str = Field(min_length=1)
    image: str = Field(min_length=1)
    network: str = Field(min_length=1)
    """It gets one port there."""


class OpenstackAccess(Frozen):
    """Where a site's OpenStack is, and who Starflock is there."""

    auth_url: Url
    """Its Keystone v3, e.g. https://keystone.edge-0001.example.com/v3."""
    credential: OpenstackCredential
    region: str = "RegionOne"
    interface: Literal["public", "internal", "admin"] = "public"
    """Which endpoints of the catalog are used."""
    ca_bundle: str | None = None
    """PEM file, relative to the inventory, that signed its APIs' certificates. None: the system's CAs."""
    probe: VmProbe | None = None
    """Tried by an acceptance with --probe; without it no VM is made."""


class Endpoints(Frozen):
    """Overrides of what dcmanager says, for sites behind a translated address."""

    keystone: Url | None = None
    sysinv: Url | None = None
    usm: Url | None = None
    vim: Url | None = None
    fm: Url | None = None


class HardwareProfile(Frozen):
    """What the hosts of one role are made of at least; what is absent asks nothing."""

    name: Name
    sockets: int | None = Field(default=None, ge=1)
    cores: int | None = Field(default=None, ge=1)
    """Over all sockets."""
    smt: bool | None = None
    """Whether cores show as two threads each."""
    memory_gib: int | None = Field(default=None, ge=1)
    nics: int | None = Field(default=None, ge=1)
    """Interfaces with a MAC."""
    sriov_adapters: int | None = Field(default=None, ge=1)
    """Network adapters that offer SR-IOV."""
    gpus: int | None = Field(default=None, ge=1)
    accelerators: int | None = Field(default=None, ge=1)
    """Crypto, FEC and the like: PCIe devices and processors that are no CPU and no GPU."""
    drives: int | None = Field(default=None, ge=1)
    smallest_drive_gib: int | None = Field(default=None, ge=1)


class Host(Frozen):
    name: Name
    personality: Literal["controller", "worker", "storage"]
    bmc: Annotated[
        Bmc | None, BeforeValidator(_spelled_out, json_schema_input_type=BmcAddress | Bmc | None)
    ] = None
    """The host's BMC, or its bare address."""
    mac: Mac | None = None
    """MAC of the management interface."""
    serial: str | None = None
    """Serial number, as the BMC says it."""
    uuid: HardwareUuid | None = None
    """The system's UUID, as the BMC says it."""
    oam: HostPort | None = None
    """HOST[:PORT] where the installed system answers by SSH; port 22 unless given."""
    install: InstallValues = InstallValues()
    """How it is installed, where its boot image is made for it."""
    hardware: Name | None = None
    """The hardware profile that it must fit."""


class Site(Frozen):
    name: Name
    subcloud: str = ""
    """dcmanager's name of the site; the inventory name where empty."""
    system_controller: Name
    labels: dict[str, str] = {}
    timezone: str = "UTC"
    """IANA name, e.g. Europe/Berlin."""
    windows: tuple[Name, ...] | None = None
    """The windows in which campaigns may work on it; None: those whose labels it has; none of them: any
    time."""
    topology: Topology = "AIO-SX"
    endpoints: Endpoints = Endpoints()
    bmc: BmcAccess = BmcAccess()
    """For the BMCs of its hosts, unless a host says otherwise."""
    ironic: IronicService | None = None
    """Manages its hosts instead of the controller's."""
    boot_images: BootImages | None = None
    """Instead of the controller's."""
    install: InstallValues = InstallValues()
    """For its hosts: what a host does not say."""
    hosts: tuple[Host, ...] = ()
    kubernetes: KubernetesAccess | None = None
    """Its Kubernetes API; without it an acceptance says nothing of Kubernetes."""
    openstack: OpenstackAccess | None = None
    """Its OpenStack; without it an acceptance says nothing of OpenStack."""
    ceph: CephAccess | None = None
    """Its Ceph; without it a host's maintenance does nothing about Ceph."""
    profile: Name | None = None
    """The site profile that it shall be configured as."""
    deploy: DeployFiles | None = None
    """How it is added to its system controller's dcmanager."""
    bootstrap: BootstrapAccess | None = None
    """How its controller-0 is bootstrapped over SSH, where no dcmanager does it."""
    ssh: SshAccess | None = None
    """Its active controller, for `site backup --playbook`."""

    @property
    def subcloud_name(self) -> str:
        return self.subcloud or self.name

    @property
    def is_controller(self) -> bool:
        """It stands for a system controller itself."""
        return self.name == self.system_controller


class InventoryFile(Frozen):
    system_controllers: tuple[SystemController, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = ()
    hardware_profiles: tuple[HardwareProfile, ...] = ()
    site_profiles: tuple[SiteProfile, ...] = ()
    archives: tuple[ArchiveTarget, ...] = ()
    """Where backups go."""
    windows: tuple[MaintenanceWindow, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    notifications: tuple[NotifyTarget, ...] = ()
    """Who is told of what campaigns do."""
