"""What a site declares to be bootstrapped over SSH: how controller-0 is reached, and with which values.

The overrides are the `localhost.yml` of StarlingX's bootstrap playbook, which takes far more than is judged
here (ansible-playbooks, `host_vars/bootstrap/default.yml`): anything else passes as it is. A secret in it is
a reference. What must hold between values and with the inventory is judged in
`inventory/bootstrap_checks.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from models.base import Frozen, HostPort, SecretRef

HostKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]{50,}={0,2}( .*)?)$"
    ),
]
"""As `ssh-keygen -l` says it (SHA256:...) or as the .pub file has it (ssh-ed25519 AAAA...)."""


class SshCredential(Frozen):
    """Who Starflock is on an installed host."""

    username: str = "sysadmin"
    password: SecretRef | None = None
    private_key: SecretRef | None = None
    """OpenSSH or PEM; tried instead of the password."""
    passphrase: SecretRef | None = None
    """Of the private key."""

    @model_validator(mode="after")
    def _can_log_in(self) -> "SshCredential":
        if self.password is None and self.private_key is None:
            raise ValueError("expected a password or a private_key to log in with")
        return self


class SshAccess(Frozen):
    """How an installed host is logged in to, to fetch what a backup leaves there."""

    credential: SshCredential
    """With its password even beside a private_key where sudo asks for one."""
    address: HostPort | None = None
    """HOST[:PORT]; where absent, a controller's is the host of its auth_url, a site's its controller-0's
    `oam`."""
    host_key: HostKey | None = None
    """The host proves itself by this key."""
    known_hosts: str | None = None
    """Or by its key in this file, relative to the inventory."""

    @model_validator(mode="after")
    def _proves_itself(self) -> "SshAccess":
        check_proof_of_host(self.host_key, self.known_hosts)
        return self


def check_proof_of_host(host_key: str | None, known_hosts: str | None) -> None:
    """Raises ValueError."""
    if (host_key is None) == (known_hosts is None):
        raise ValueError("expected either host_key or known_hosts: the host must prove who it is")


class BootstrapAccess(Frozen):
    """How a standalone site, or a system controller, is bootstrapped on its own controller-0."""

    overrides: str = Field(min_length=1)
    """The playbook's localhost.yml, relative to the inventory. A secret in it is a reference."""
    credential: SshCredential
    address: HostPort | None = None
    """HOST[:PORT] where the installed controller-0 answers by SSH; its `oam` where absent."""
    host_key: HostKey | None = None
    """The host proves itself by this key."""
    known_hosts: str | None = None
    """Or by its key in this file, relative to the inventory."""

    @model_validator(mode="after")
    def _proves_itself(self) -> "BootstrapAccess":
        check_proof_of_host(self.host_key, self.known_hosts)
        return self


class LocalhostValues(Frozen):
    """Of the playbook's overrides, what is judged; absent ones are the playbook's defaults."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    system_mode: Literal["simplex", "duplex", "duplex-direct"]
    distributed_cloud_role: Literal["none", "systemcontroller"] = "none"
    timezone: str = "UTC"
    dns_servers: tuple[str, ...] = Field(default=("8.8.8.8", "8.8.4.4"), min_length=1, max_length=3)
    management_subnet: str | None = None
    management_start_address: str | None = None
    management_end_address: str | None = None
    management_gateway_address: str | None = None
    external_oam_subnet: str
    external_oam_gateway_address: str
    external_oam_floating_address: str
    external_oam_node_0_address: str | None = None
    external_oam_node_1_address: str | None = None
    admin_username: str = "admin"
    admin_password: SecretRef
    """The playbook's own default is public."""
    ansible_become_pass: str | None = None
    """sysadmin's password; that of the credential where absent."""
    docker_registries: dict[str, Any] = {}
