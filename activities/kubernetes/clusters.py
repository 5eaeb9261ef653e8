"""Which API serves a site's cluster, and is it that cluster.

A client lives as long as one activity: opening one costs some milliseconds, while a connected one holds a
third of a megabyte, and credentials are read fresh. A node carries the UUID of the machine that it runs on,
as the machine's BMC says it, so a wrong endpoint is told where the inventory declares UUIDs.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from activities.errors import Refused
from activities.kubernetes.client import Account, Client
from activities.kubernetes.kubeconfig import account_of
from activities.kubernetes.resources import Document
from activities.unresolved import unresolved
from inventory.kubernetes import DeclaredCluster, declared_cluster
from inventory.load import Inventory, NotDeclared
from inventory.secrets import SecretError, resolve
from models.timing import Timing


@dataclass
class Clusters:
    inventory: Callable[[], Inventory]
    timing: Timing

    def has(self, site: str) -> bool:
        """Whether the inventory has a Kubernetes API for the site. Raises Refused for an unknown site."""
        try:
            return self.inventory().site(site).kubernetes is not None
        except NotDeclared as error:
            raise Refused(str(error)) from error

    def declared(self, site: str) -> DeclaredCluster:
        """Read fresh each time. Raises Refused in words."""
        try:
            return declared_cluster(self.inventory(), site)
        except NotDeclared as error:
            raise Refused(str(error)) from error

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[Client]:
        """Raises Refused for a declaration or a secret that cannot be used."""
        client = Client(self.account(site))
        try:
            yield client
        finally:
            await client.close()

    def must_be(self, site: str, nodes: list[Document]) -> None:
        """Raises Refused when another cluster answers than the site's."""
        hosts = {host.name: host for host in self.declared(site).hosts}
        for node in nodes:
            host = hosts.get(node["metadata"]["name"])
            if host is None or host.uuid is None:
                continue
            found = node.get("status", {}).get("nodeInfo", {}).get("systemUUID", "")
            if found.lower() != host.uuid.lower():
                raise Refused(
                    f"{site}: {host.name} runs on machine {found or 'unknown'} in the cluster that answers, "
                    f"declared is {host.uuid}; nothing was sent"
                )

    def account(self, site: str) -> Account:
        """Raises Refused for a declaration or a secret that cannot be used."""
        declared = self.declared(site)
        access, of = declared.access, f"kubernetes of {site}"
        timeout_s = self.timing.request_timeout_s
        if access.kubeconfig is not None:
            content = self._secret(access.kubeconfig, of)
            account = account_of(content, f"{of}: {access.kubeconfig}", access.context, timeout_s)
        else:
            account = Account("", token=self._secret(access.token or "", of), timeout_s=timeout_s)
        if declared.endpoint:
            account = replace(account, url=declared.endpoint)
        if declared.ca_bundle:
            account = replace(account, ca=Path(declared.ca_bundle).read_text())
        return account

    def _secret(self, reference: str, of: str) -> str:
        try:
            return resolve(reference, self.inventory().path.parent)
        except SecretError as error:
            raise unresolved(error, of) from error
