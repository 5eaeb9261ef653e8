"""Pods of libvirt, one on each compute, as openstack-helm deploys them, and programs that one talks to.

`pods/exec` with `bash` runs this machine's own bash in a folder of its own; the `virsh` that it finds there
asks the simulated libvirt of the pod's host. As a kubelet does, the end of the WebSocket ends the program's
input and nothing else.
"""

import asyncio
import json
import os
import shlex
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.kubernetes.kinds import DAEMON_SET, POD
from simulator.kubernetes.pods import is_ready
from simulator.kubernetes.words import ended, refuse
from simulator.openstack.guests import virsh
from simulator.wire.http import Reply, Request, Talk

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster
    from simulator.openstack.stack import Stack

NAMESPACE, NAME = "openstack", "libvirt"
LABELS = {"application": NAME, "component": NAME}
OUT, ERRORS, END = 1, 2, 3
PIECE = 1 << 16
RUNNER = Path(__file__).with_name("virsh.py")


def deploy(cluster: "Cluster") -> None:
    container = {"name": NAME, "image": "docker.io/starlingx/stx-libvirt:master"}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template}
    cluster.store.create(DAEMON_SET, NAMESPACE, {"metadata": {"name": NAME}, "spec": spec})


def execute(stack: "Stack", cluster: "Cluster", pod: str, request: Request) -> Reply:
    """Raises Refusal where there is no such pod, or it does not run."""
    found = cluster.store.get(POD, NAMESPACE, pod)
    if not is_ready(found) or found["metadata"].get("labels", {}).get("application") != NAME:
        raise refuse(500, f'unable to upgrade connection: container not found ("{pod}")')
    if request.command[:1] != ("bash",):
        raise refuse(500, f'exec: "{request.command[0]}": executable file not found in $PATH')
    host = found["spec"]["nodeName"]

    async def talk(line: Talk) -> None:
        await _talk(stack, host, request.command, line)

    return Reply(talk=talk, applied=True)


async def _talk(stack: "Stack", host: str, command: tuple[str, ...], line: Talk) -> None:
    with tempfile.TemporaryDirectory(prefix="simulator-pod-") as name:
        folder = Path(name)
        server = await asyncio.start_unix_server(
            lambda reader, writer: _answer(stack, host, reader, writer), folder / "libvirt"
        )
        shim = folder / "virsh"
        words = shlex.join((sys.executable, "-IS", str(RUNNER), str(folder / "libvirt")))
        shim.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        shim.chmod(0o755)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={
                "PATH": f"{folder}:{os.environ.get('PATH', os.defpath)}",
                # What the chart mounts of the host's /run; it outlives the pod.
                "XDG_RUNTIME_DIR": str(stack.run_folder(host)),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        given = asyncio.create_task(_given(process, line))
        try:
            async with server:
                await asyncio.gather(_told(process.stdout, OUT, line), _told(process.stderr, ERRORS, line))
                code = await process.wait()
                await line.send(END, json.dumps(ended(code)).encode())
        finally:
            given.cancel()
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)


async def _given(process: asyncio.subprocess.Process, line: Talk) -> None:
    """Until the socket ends, and with it the input."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        while piece := await line.receive():
            if piece[:1] == b"\0":
                process.stdin.write(piece[1:])
                await process.stdin.drain()
    process.stdin.close()


async def _told(stream: asyncio.StreamReader, channel: int, line: Talk) -> None:
    while piece := await stream.read(PIECE):
        await line.send(channel, piece)


async def _answer(
    stack: "Stack", host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One virsh. One that is not answered waits until it is ended."""
    try:
        said = virsh(stack, host, json.loads(await reader.readline()))
        if said is None:
            await reader.read()
        else:
            writer.write(json.dumps([said.code, said.out, said.errors]).encode() + b"\n")
            await writer.drain()
    finally:
        writer.close()
