"""What must hold for a site's `ceph`: a way in that is declared, and nothing of the other kind; and for the
volumes of its backups, what sends them."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from inventory.problems import Data, Finding, Path, entries
from inventory.words import quoted

OF_ROOK = ("namespace", "toolbox")
OF_BARE_METAL = ("address", "credential", "host_key", "known_hosts")


def ceph_findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    for index, site in entries(data, "sites"):
        access = site.get("ceph")
        if isinstance(access, dict):
            path: Path = ("sites", index, "ceph")
            if access.get("kind") == "rook":
                yield from _rook(path, site, access)
            elif access.get("kind") == "bare-metal":
                yield from _bare_metal(path, site, access, directory)
            if isinstance(access.get("volumes"), dict):
                yield from _volumes((*path, "volumes"), site, access["volumes"])


def _rook(path: Path, site: Data, access: Data) -> Iterator[Finding]:
    for key in OF_BARE_METAL:
        if access.get(key) is not None:
            yield Finding((*path, key), "means something only with kind: bare-metal")
    if not site.get("kubernetes"):
        yield Finding(path, "expected kubernetes at the site: Rook's toolbox is reached through it")


def _volumes(path: Path, site: Data, policy: Data) -> Iterator[Finding]:
    if not any(policy.get(key) for key in ("pools", "images", "claims")):
        yield Finding(path, "expected pools, images or claims: which volumes a backup has")
    if not policy.get("job_image"):
        yield Finding(path, "expected job_image: the container image that sends them from the site")
    if not site.get("kubernetes"):
        yield Finding(path, "expected kubernetes at the site: a Job there sends its volumes")
    if policy.get("quiesce") == "require" and not site.get("openstack"):
        words = "require means something only with openstack at the site: Nova says which VM has a volume"
        yield Finding((*path, "quiesce"), words)


def _bare_metal(path: Path, site: Data, access: Data, directory: FilePath) -> Iterator[Finding]:
    for key in OF_ROOK:
        if access.get(key) is not None:
            yield Finding((*path, key), "means something only with kind: rook")
    before = site.get("bootstrap") or {}
    if not access.get("credential") and not before.get("credential"):
        yield Finding(path, "expected credential, such as {password: file:secrets/sysadmin}, or bootstrap")
    if not any(each.get(key) for each in (access, before) for key in ("host_key", "known_hosts")):
        yield Finding(path, "expected host_key or known_hosts: the controller must prove who it is")
    known_hosts = access.get("known_hosts")
    if known_hosts and not (directory / FilePath(known_hosts).expanduser()).is_file():
        yield Finding((*path, "known_hosts"), f"{quoted(known_hosts)}: there is no such file")
    if access.get("address"):
        return
    if site.get("topology", "AIO-SX") != "AIO-SX":
        yield Finding(
            path, "expected address, the floating OAM address: controller-0 is not there while it reboots"
        )
    elif not before.get("address") and not any(host.get("oam") for _, host in entries(site, "hosts")):
        yield Finding(path, "expected address, or the oam of controller-0")
