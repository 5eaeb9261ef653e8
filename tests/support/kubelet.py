"""A kubelet without containers: registers a node, says that it is well, lets its pods run and end.

It plays on a real API server what a machine would do. It runs no image; of a pod it writes the status.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.kubernetes_target import Api

STRATEGIC = "application/strategic-merge-patch+json"
EVERY_S = 0.1
HEARTBEAT_S = 2.0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_ready(pod: dict[str, Any]) -> bool:
    """False also for one that the node lifecycle controller has given up while we were silent."""
    conditions = pod["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@dataclass
class HollowKubelet:
    api: Api
    name: str
    resources: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    """The UUID of the machine that it runs on."""
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        body = {
            "metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name, **self.labels}}
        }
        await self.api.ask("POST", "/api/v1/nodes", body)
        await self._beat()
        self._task = asyncio.create_task(self._run())

    async def hush(self, is_silent: bool) -> None:
        """As a machine that has lost its power, and one that is back."""
        if not is_silent:
            await self._beat()
            self._task = asyncio.create_task(self._run())
            return
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def stop(self) -> None:
        await self.hush(True)
        await self.api.ask("DELETE", f"/api/v1/nodes/{self.name}")

    async def _run(self) -> None:
        last = asyncio.get_running_loop().time()
        while True:
            if asyncio.get_running_loop().time() - last > HEARTBEAT_S:
                last = asyncio.get_running_loop().time()
                await self._beat()
            path = f"/api/v1/pods?fieldSelector=spec.nodeName={self.name}"
            for pod in (await self.api.ask("GET", path))["items"]:
                await self._move(pod)
            await asyncio.sleep(EVERY_S)

    async def _beat(self) -> None:
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": _now(),
        }
        status: dict[str, Any] = {
            "conditions": [ready],
            "nodeInfo": {
                "systemUUID": self.machine,
                "machineID": "",
                "bootID": "",
                "kernelVersion": "",
                "osImage": "",
                "containerRuntimeVersion": "",
                "kubeletVersion": "v1.20.2",
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        }
        if self._task is None:
            status |= {"capacity": self.resources, "allocatable": self.resources}
        await self.api.ask(
            "PATCH", f"/api/v1/nodes/{self.name}/status", {"status": status}, content=STRATEGIC
        )

    async def _move(self, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if "deletionTimestamp" in meta:
            await self.api.ask("DELETE", f"{path}?gracePeriodSeconds=0", may_fail=(404, 409))
        elif pod["status"]["phase"] == "Pending" or not _is_ready(pod):
            containers = [
                {
                    "name": each["name"],
                    "image": each["image"],
                    "imageID": "",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": _now()}},
                }
                for each in pod["spec"]["containers"]
            ]
            ready = [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")]
            status = {"phase": "Running", "conditions": ready, "containerStatuses": containers}
            await self.api.ask(
                "PATCH", f"{path}/status", {"status": status}, content=STRATEGIC, may_fail=(404, 409)
            )
