"""What must hold for a site's `kubernetes`: one way to log in, a clean endpoint, a CA that is one."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from inventory.bmc_checks import bundle_trouble
from inventory.problems import Data, Finding, Path, entries
from inventory.words import quoted


def kubernetes_findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    for index, site in entries(data, "sites"):
        access = site.get("kubernetes")
        if isinstance(access, dict):
            yield from _access(("sites", index, "kubernetes"), access, directory)


def _access(path: Path, access: Data, directory: FilePath) -> Iterator[Finding]:
    given = [key for key in ("token", "kubeconfig") if key in access]
    if not given:
        yield Finding(path, "expected token or kubeconfig, such as token: file:secrets/edge-0001-token")
    elif len(given) == 2:
        yield Finding((*path, "kubeconfig"), "expected one of token and kubeconfig, found both")
    if access.get("context") is not None and "kubeconfig" not in access:
        yield Finding((*path, "context"), "means something only beside kubeconfig")
    endpoint = access.get("endpoint")
    if endpoint and "@" in endpoint.split("//", 1)[-1].split("/", 1)[0]:
        yield Finding((*path, "endpoint"), "a user or password in a URL is refused (not shown here)")
    bundle = access.get("ca_bundle")
    if bundle:
        trouble = bundle_trouble(directory / FilePath(bundle).expanduser())
        if trouble:
            yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {trouble}")
