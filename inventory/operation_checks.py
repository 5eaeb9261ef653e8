"""What must hold between a campaign's operation and the sites that it selects.

An install names one host of each site: it must be declared with what an install asks for, and whoever says
that disks may go must have said it of hosts that the campaign touches.
"""

from collections.abc import Iterator

from inventory.archive import archive_of
from inventory.install import declared_install
from inventory.load import Inventory, NotDeclared
from inventory.problems import Finding, Path
from inventory.words import SUGGESTED_AT_MOST, did_you_mean
from models.install_values import InstallValues
from models.inventory import Host, Site
from models.operations import (
    DCMANAGERS_HOST,
    AddSubcloudOperation,
    BackupOperation,
    BringUpOperation,
    ConfigureOperation,
    FirmwareOperation,
    InstallOperation,
    JourneyOperation,
    Operation,
    RestoredSite,
    RestoreOperation,
    VerifyOperation,
)

_SITES_SHOWN = 4


def operation_findings(
    operation: Operation, sites: tuple[Site, ...], inventory: Inventory
) -> Iterator[Finding]:
    if isinstance(operation, InstallOperation):
        yield from _hosts(operation, sites)
        if operation.through == "dcmanager":
            yield from _files(sites)
        elif operation.image is None:
            yield from _images(operation, sites, inventory)
        if operation.through == "ironic":
            yield from _services(sites, inventory)
        yield from _wipes(operation.wipe, operation.host, sites)
    elif isinstance(operation, FirmwareOperation):
        yield from _bmcs(operation, sites)
    elif isinstance(operation, AddSubcloudOperation):
        yield from _deploys(operation, sites)
        yield from _wipes(operation.wipe, DCMANAGERS_HOST, sites)
    elif isinstance(operation, BringUpOperation | ConfigureOperation | VerifyOperation):
        yield from _profiles(sites)
    elif isinstance(operation, BackupOperation | RestoreOperation):
        yield from _archives(sites, inventory)
        if isinstance(operation, RestoreOperation):
            yield from _restores(operation, sites)
    elif isinstance(operation, JourneyOperation) and operation.verify is not None:
        # An acceptance holds a site against its profile.
        yield from _profiles(sites)


def _hosts(operation: InstallOperation, sites: tuple[Site, ...]) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for site in sites:
        host = next((host for host in site.hosts if host.name == operation.host), None)
        words = _lacks(host, operation)
        if words:
            lacking.setdefault(words, []).append(site.name)
    yield from _told(("operation", "host"), lacking)


def _images(operation: InstallOperation, sites: tuple[Site, ...], inventory: Inventory) -> Iterator[Finding]:
    """Of hosts whose image is made: each with what is wrong with its own values."""
    told = 0
    for site in sites:
        if all(host.name != operation.host for host in site.hosts):
            continue
        try:
            declared_install(inventory, site.name, operation.host, InstallValues(), operation.proof)
        except NotDeclared as error:
            told += 1
            if told <= _SITES_SHOWN:
                yield Finding(("operation",), str(error))


def _files(sites: tuple[Site, ...]) -> Iterator[Finding]:
    lacking = [site.name for site in sites if site.deploy is None or site.deploy.install_values is None]
    if lacking:
        yield from _told(("operation", "through"), {"no deploy.install_values are declared": lacking})


def _deploys(operation: AddSubcloudOperation, sites: tuple[Site, ...]) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for site in sites:
        if site.deploy is None:
            lacking.setdefault("no deploy files are declared", []).append(site.name)
        elif operation.install == "dcmanager" and site.deploy.install_values is None:
            lacking.setdefault("no deploy.install_values are declared", []).append(site.name)
    yield from _told(("operation", "kind"), lacking)


def _services(sites: tuple[Site, ...], inventory: Inventory) -> Iterator[Finding]:
    lacking = [
        site.name
        for site in sites
        if site.ironic is None and inventory.controller(site.system_controller).ironic is None
    ]
    if lacking:
        words = "no ironic is declared, there or at the system controller,"
        yield from _told(("operation", "through"), {words: lacking})


def _bmcs(operation: FirmwareOperation, sites: tuple[Site, ...]) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for site in sites:
        with_bmc = {host.name for host in site.hosts if host.bmc is not None}
        if not operation.hosts and not with_bmc:
            lacking.setdefault("no host with a bmc is declared", []).append(site.name)
        for name in operation.hosts:
            if name not in with_bmc:
                lacking.setdefault(f"no host {name} with a bmc is declared", []).append(site.name)
    yield from _told(("operation", "hosts"), lacking)


def _profiles(sites: tuple[Site, ...]) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for site in sites:
        words = "" if site.profile else "no profile is declared"
        words = words or ("" if site.hosts else "no hosts are declared")
        if words:
            lacking.setdefault(words, []).append(site.name)
    yield from _told(("operation", "kind"), lacking)


def _archives(sites: tuple[Site, ...], inventory: Inventory) -> Iterator[Finding]:
    lacking = [site.name for site in sites if archive_of(inventory, site.name) is None]
    if lacking:
        yield from _told(("operation", "kind"), {"no archive is declared": lacking})


def _restores(operation: RestoreOperation, sites: tuple[Site, ...]) -> Iterator[Finding]:
    names = {site.name: None for site in sites}
    for index, name in enumerate(operation.wipe):
        if name not in names:
            words = f"{name!r} is no site of this campaign"
            yield Finding(("operation", "wipe", index), words + did_you_mean(name, list(names)))
    known = {site.name: site for site in sites}
    for name, said in operation.sites.items():
        path: Path = ("operation", "sites", name)
        if name in known:
            yield from _hosts_of(path, said, known[name])
        else:
            words = f"{name!r} is no site of this campaign"
            yield Finding(path, words + did_you_mean(name, list(names)))


def _hosts_of(path: Path, said: RestoredSite, site: Site) -> Iterator[Finding]:
    """As far as the inventory can tell: the hosts of the backup are known to its record alone."""
    declared = {host.name: host for host in site.hosts}
    for index, name in enumerate(said.leave_out):
        host, at = declared.get(name), (*path, "leave_out", index)
        if host is None and declared:
            near = did_you_mean(name, list(declared))
            yield Finding(at, f"no host {name!r} is declared at {site.name}{near}")
        elif host is not None and host.personality != "worker":
            yield Finding(at, f"{name} is a {host.personality}: only workers can be left out")
    for name, mac in said.replaced.items():
        host, where = declared.get(name), (*path, "replaced", name)
        if ":" not in name and host is None and declared:
            near = did_you_mean(name, list(declared))
            yield Finding(
                where, f"no host {name!r} is declared at {site.name}{near}; give its name or old MAC"
            )
        elif host is not None and host.mac is not None and host.mac.lower() != mac.lower():
            words = f"{mac} is said to be the MAC of {name}, and the inventory gives it {host.mac}"
            yield Finding(where, f"{words}: correct one of them")
        if name in said.leave_out:
            yield Finding(where, f"{name} is left out, too: say one of them")


def _told(path: Path, lacking: dict[str, list[str]]) -> Iterator[Finding]:
    for words, names in lacking.items():
        more = f" and {len(names) - _SITES_SHOWN} more" if len(names) > _SITES_SHOWN else ""
        yield Finding(path, f"{words} at {', '.join(names[:_SITES_SHOWN])}{more}")


def _lacks(host: Host | None, operation: InstallOperation) -> str:
    name = operation.host
    if host is None:
        return f"no host {name} is declared"
    if host.bmc is None:
        return f"{name} has no bmc"
    if host.oam is None and operation.proof == "ssh":
        return f"{name} has no oam address, where the installed system would answer,"
    return ""


def _wipes(wipe: tuple[str, ...], host: str, sites: tuple[Site, ...]) -> Iterator[Finding]:
    touched = {f"{site.name}/{host}": None for site in sites}
    unknown = 0
    for index, path in enumerate(wipe):
        if path in touched:
            continue
        unknown += 1
        near = did_you_mean(path, list(touched)) if unknown <= SUGGESTED_AT_MOST else ""
        yield Finding(("operation", "wipe", index), f"this campaign does not install {path}{near}")
