"""What must hold for a site's `openstack`: a clean URL, and a CA that is one."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from inventory.bmc_checks import bundle_trouble
from inventory.problems import Data, Finding, entries
from inventory.words import quoted


def openstack_findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    for index, site in entries(data, "sites"):
        access = site.get("openstack")
        if not isinstance(access, dict):
            continue
        path = ("sites", index, "openstack")
        url, bundle = access.get("auth_url"), access.get("ca_bundle")
        if url and "@" in url.split("//", 1)[-1].split("/", 1)[0]:
            yield Finding(
                (*path, "auth_url"), "a user or password in a URL is refused (not shown here); use credential"
            )
        if bundle:
            trouble = bundle_trouble(directory / FilePath(bundle).expanduser())
            if trouble:
                yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {trouble}")
