"""With what a site's own `backup.yml` is run: who its host is, and the values that the playbook reads there.

The passwords are those that are declared already: sysadmin's of `ssh` and the administrator's of the system
controller that the site is, or is reached by. The values' names are the playbook's (ansible-playbooks,
`backup.yml`).
"""

from inventory.bootstrap import DeclaredHost, Placeable, placed
from inventory.load import Inventory, NotDeclared
from inventory.secrets import resolve
from inventory.ssh import declared_shell
from models.bootstrap import BackupValues
from models.inventory import Site
from models.platform import OWN


def backup_host(inventory: Inventory, site_name: str) -> DeclaredHost:
    """Raises `NotDeclared` and `FileErrors`."""
    shell = declared_shell(inventory, site_name, "site")
    if shell.access.credential.password is None:
        raise NotDeclared(
            f"{inventory.path.name}: the ssh of {shell.name} has no password, with which backup.yml becomes "
            "root: give ssh: {credential: {password: ...}}, beside a private_key as well"
        )
    if site_name in inventory:
        site = inventory.site(site_name)
    else:
        site = Site(name=site_name, system_controller=site_name)
    admin = inventory.controller(site.system_controller).credential.password
    return DeclaredHost(
        site=site,
        access=shell.access,
        host=shell.host,
        port=shell.port,
        known_hosts=shell.known_hosts,
        overrides=None,
        base=shell.base,
        book="backup",
        admin=admin,
    )


def backup_files(declared: DeclaredHost, values: BackupValues) -> Placeable:
    """Raises SecretError."""
    password = declared.access.credential.password
    assert password is not None
    secret_values = {
        "ansible_become_pass": resolve(password, declared.base),
        "admin_password": resolve(declared.admin, declared.base),
    }
    open_values = {
        "backup_dir": OWN,
        "backup_registry_filesystem": values.registry_images,
        "backup_user_images": values.user_images,
    }
    return placed(open_values, secret_values, tuple(secret_values.values()))
