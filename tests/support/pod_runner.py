"""A kubelet that runs what its pods say, as processes of this machine: for Jobs that run our own program.

As a real one it waits for a pod's Secrets, mounts them where the pod says, reads the termination message and
writes the state of the container. There is no container: a path that the pod mounts, or leaves its message
in, is replaced by one in a folder of that pod wherever it stands in the command; `python3` is this Python.
"""

import asyncio
import base64
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.kubelet import STRATEGIC, HollowKubelet

MESSAGE = "/dev/termination-log"


@dataclass
class RunningKubelet(HollowKubelet):
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    """By the pod's name."""
    begun: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, what was begun is stopped at its first instruction."""
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hold.set()

    def kill(self, pod: str) -> None:
        os.killpg(self.running[pod].pid, signal.SIGKILL)

    async def _move(self, pod: dict[str, Any]) -> None:
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        if "deletionTimestamp" in meta:
            if meta["name"] in self.running:
                self.kill(meta["name"])
            await super()._move(pod)
        elif uid not in self._tasks:
            files = await self._mounted(pod)
            if files is not None:
                self.begun.append(meta["name"])
                self._tasks[uid] = asyncio.create_task(self._run_pod(pod, files))

    async def _mounted(self, pod: dict[str, Any]) -> dict[str, dict[str, str]] | None:
        """By path; None while a Secret is not there."""
        mounts = {each["name"]: each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
        found: dict[str, dict[str, str]] = {}
        for volume in pod["spec"]["volumes"]:
            path = (
                f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets/{volume['secret']['secretName']}"
            )
            secret = await self.api.send("GET", path)
            if secret.status != 200:
                return None
            found[mounts[volume["name"]]] = secret.body["data"]
        return found

    async def _run_pod(self, pod: dict[str, Any], files: dict[str, dict[str, str]]) -> None:
        name = pod["metadata"]["name"]
        with tempfile.TemporaryDirectory(prefix="starflock-pod-") as place:
            folder = Path(place)
            words = list(pod["spec"]["containers"][0]["command"])
            for number, (mount, content) in enumerate(files.items()):
                inside = folder / str(number)
                inside.mkdir()
                for key, value in content.items():
                    (inside / key).write_bytes(base64.b64decode(value))
                words = [word.replace(mount, str(inside)) for word in words]
            message = folder / "message"
            words = [word.replace(MESSAGE, str(message)) for word in words]
            words[0] = sys.executable if words[0] == "python3" else words[0]
            process = await asyncio.create_subprocess_exec(
                *words,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            self.running[name] = process
            if not self.hold.is_set():
                os.killpg(process.pid, signal.SIGSTOP)
            await self._say(pod, {"running": {}}, "Running")
            await self.hold.wait()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)
            code = await process.wait()
            del self.running[name]
            said = message.read_text() if message.exists() else ""
        code = 128 - code if code < 0 else code
        over = {"exitCode": code, "reason": "Error" if code else "Completed", "message": said}
        await self._say(pod, {"terminated": over}, "Failed" if code else "Succeeded")

    async def _say(self, pod: dict[str, Any], state: dict[str, Any], phase: str) -> None:
        meta, container = pod["metadata"], pod["spec"]["containers"][0]
        status = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": phase == "Running",
            "restartCount": 0,
            "state": state,
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        body = {"status": {"phase": phase, "containerStatuses": [status]}}
        await self.api.ask("PATCH", path, body, content=STRATEGIC, may_fail=(404, 409))
