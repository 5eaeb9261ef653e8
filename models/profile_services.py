"""What a site profile says of services beside the platform's own settings: time by PTP, certificates, routes.

Files are named by reference and read by the worker that needs them. What they hold never stands in a plan, a
request or a history.
"""

from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.base import Frozen, Name, SecretRef

ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
PtpService = Literal["ptp4l", "phc2sys", "ts2phc", "clock", "synce4l"]
CertificateType = Literal["ssl", "ssl_ca", "docker_registry", "openstack", "openstack_ca", "openldap"]
AUTHORITIES: tuple[CertificateType, ...] = ("ssl_ca", "openstack_ca")
"""They are certificates without a key."""


def _network(value: str) -> str:
    ip_network(value)
    return value


def _gateway(value: str) -> str:
    ip_address(value)
    return value


class PtpInterface(Frozen):
    """Ports of a PTP instance that share parameters; which ports, the roles say."""

    name: Name
    parameters: dict[ParameterName, str] = {}


class PtpInstance(Frozen):
    """One service of linuxptp and its configuration; which hosts run it, the roles say."""

    name: Name
    service: PtpService
    parameters: dict[ParameterName, str] = {}
    """Of its section `global`, as ptp4l, phc2sys or ts2phc name them."""
    interfaces: tuple[PtpInterface, ...] = ()


class CertificateFile(Frozen):
    """A certificate that the platform shall use; cert-manager must not manage the same one."""

    type: CertificateType
    file: SecretRef
    """PEM: the certificate, the authorities that signed it in order, and for all but authorities its key."""
    passphrase: SecretRef | None = None
    """Of the key."""


class Route(Frozen):
    """A static route of a host."""

    interface: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$")]
    """By name; its addresses must reach the gateway."""
    to: Annotated[str, AfterValidator(_network)]
    """A network such as 10.40.0.0/16."""
    gateway: Annotated[str, AfterValidator(_gateway)]
    metric: int = Field(default=1, ge=0, le=255)

    @model_validator(mode="after")
    def _one_family(self) -> "Route":
        if ip_network(self.to).version != ip_address(self.gateway).version:
            raise ValueError(f"{self.to} and {self.gateway} are of different address families")
        return self
