"""What must hold in the overrides of a bootstrap, and between them and the inventory.

The playbook judges the same values minutes into its run, one trouble at a time, and it knows nothing of the
inventory: that the file is of another site, or that the address it gives the host is not the one where we
look for it. The networks are judged as those of a subcloud are.
"""

from collections.abc import Iterator

from inventory.deploy_checks import mode_findings, oam_findings, pool_findings
from inventory.problems import Data, Finding
from models.bootstrap_files import BootstrapAccess
from models.inventory import Site


def localhost_findings(data: Data, *, site: Site, access: BootstrapAccess) -> Iterator[Finding]:
    """Everything that is wrong; None stands in `data` where the model refused a value."""
    yield from mode_findings(data, site)
    if data.get("distributed_cloud_role") == "systemcontroller" and data.get("system_mode") == "simplex":
        # The playbook refuses it, too (ansible-playbooks, bootstrap/validate-config).
        yield Finding(("distributed_cloud_role",), "a simplex site cannot be a system controller")
    if data.get("management_subnet"):
        yield from pool_findings(data, "management", data.get("system_mode"))
    yield from oam_findings(data, site)
    if data.get("ansible_become_pass") is None and access.credential.password is None:
        yield Finding(
            ("ansible_become_pass",),
            f"is required where {access.credential.username} logs in by a key: the playbook becomes root "
            "with the user's password",
        )
