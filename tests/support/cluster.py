"""A site's Kubernetes API as somebody else uses it: plain requests, with the site's own token."""

import ssl
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.operator import declared
from tests.support.simulator import Simulator

MERGE = {"Content-Type": "application/merge-patch+json"}
DEFAULT = "/api/v1/namespaces/default"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
RELEASES = "/apis/helm.toolkit.fluxcd.io/v2"
ATTACHMENTS = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions"
OURS = "labelSelector=app.kubernetes.io/managed-by=starflock"


@dataclass
class Kubectl:
    region: Simulator
    site: str

    def client(self) -> httpx2.AsyncClient:
        access = declared(self.region, self.site)["kubernetes"]
        folder = self.region.inventory.parent
        token = (folder / access["token"].removeprefix("file:")).read_text()
        verify: Any = ssl.create_default_context(cafile=folder / access["ca_bundle"])
        return httpx2.AsyncClient(
            base_url=access["endpoint"],
            verify=verify,
            timeout=30,
            headers={"Authorization": f"Bearer {token}"},
        )

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        async with self.client() as client:
            answer = await client.request(method, path, json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            return answer.json()

    async def patch(self, path: str, body: Any) -> Any:
        return await self.ask("PATCH", path, body, **MERGE)

    async def names(self, path: str) -> list[str]:
        return [each["metadata"]["name"] for each in (await self.ask("GET", path))["items"]]

    async def ours(self) -> list[str]:
        """Whatever has our mark, anywhere."""
        found = [await self.names(f"/api/v1/{kind}?{OURS}") for kind in ("pods", "persistentvolumeclaims")]
        return [name for names in found for name in names]

    async def take_all(self, resource: str, count: int) -> None:
        """A pod of somebody else that has so many of it."""
        limits = {"cpu": "1", "memory": "1Gi", resource: str(count)}
        container = {"name": "one", "image": "theirs", "resources": {"limits": limits}}
        body = {"metadata": {"name": "theirs"}, "spec": {"containers": [container]}}
        await self.ask("POST", f"{DEFAULT}/pods", body)
