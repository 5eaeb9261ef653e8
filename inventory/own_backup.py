"""With what a site's own `backup.yml` and its restore playbooks are run: who its host is, and the values that
they read there.

The passwords are those that are declared already: sysadmin's of `ssh` and the administrator's of the system
controller that the site is, or is reached by. The values' names are the playbooks' (ansible-playbooks,
`backup.yml`, `restore_platform.yml`, `restore_user_images.yml`, `restore_dc_vault.yml`).
"""

from typing import Any

from inventory.bootstrap import DeclaredHost, Placeable, placed
from inventory.load import Inventory, NotDeclared
from inventory.secrets import resolve
from inventory.ssh import declared_shell
from models.bootstrap import BackupValues, RestoreValues
from models.inventory import Site
from models.platform import OWN


def backup_host(inventory: Inventory, site_name: str) -> DeclaredHost:
    """Raises `NotDeclared` and `FileErrors`."""
    shell = declared_shell(inventory, site_name, "site")
    if shell.access.credential.password is None:
        raise NotDeclared(
            f"{inventory.path.name}: the ssh of {shell.name} has no password, with which its playbooks "
            "become root: give ssh: {credential: {password: ...}}, beside a private_key as well"
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
    open_values = {
        "backup_dir": OWN,
        "backup_registry_filesystem": values.registry_images,
        "backup_user_images": values.user_images,
    }
    return _with_passwords(declared, open_values)


def restore_files(declared: DeclaredHost, values: RestoreValues | None) -> Placeable:
    """Of the book that is declared; without values the passwords alone. Raises SecretError."""
    if values is None:
        return _with_passwords(declared, {})
    open_values: dict[str, Any] = {"initial_backup_dir": values.folder, "backup_filename": values.file}
    if declared.book == "restore_platform":
        open_values |= {"on_box_data": True, "wipe_ceph_osds": values.wipe_ceph_osds}
        if values.optimized:
            open_values["restore_mode"] = "optimized"
        if values.registry:
            open_values |= {
                "restore_registry_filesystem": True,
                "registry_backup_filename": values.registry,
            }
    return _with_passwords(declared, open_values)


def _with_passwords(declared: DeclaredHost, open_values: dict[str, Any]) -> Placeable:
    """Raises SecretError."""
    password = declared.access.credential.password
    assert password is not None
    secret_values = {
        "ansible_become_pass": resolve(password, declared.base),
        "admin_password": resolve(declared.admin, declared.base),
    }
    return placed(open_values, secret_values, tuple(secret_values.values()))
