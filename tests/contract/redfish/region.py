"""A region with a BMC of each flavour, as a process of its own, and images to insert.

Its clients are synchronous libraries, so this is too: the simulator is a child that ends with its stdin, the
image server a thread.
"""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.components import used
from tests.support.forked import unmeasured

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Host:
    """One host as declared, and the flavour of its BMC."""

    site: str
    flavour: str
    declared: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.declared["bmc"]["address"])


@dataclass(frozen=True)
class Region:
    """A running simulator."""

    admin: str
    folder: Path
    hosts: dict[str, Host]
    """By flavour."""

    @property
    def ca(self) -> str:
        return str(self.folder / "sim-ca.pem")

    @property
    def password(self) -> str:
        return (self.folder / "sim-bmc-password").read_text()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.admin + path, timeout=30) as reply:
            return json.load(reply)

    def fault(self, **fault: Any) -> None:
        request = urllib.request.Request(self.admin + "/faults", json.dumps(fault).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30):
            return

    def truth(self, host: Host) -> dict[str, Any]:
        return dict(self.get(f"/sites/{host.site}")["hosts"][0]["bmc"])

    def entries(self, host: Host, intent: str) -> list[dict[str, Any]]:
        return [entry for entry in self.get(f"/sites/{host.site}/mutations") if entry["intent"] == intent]


@contextlib.contextmanager
def standing(folder: Path, flavours: tuple[str, ...], *options: str) -> Iterator[Region]:
    """One AIO-SX site for each flavour, over TLS, 600 times fast."""
    inventory = folder / "inventory.yaml"
    command = [sys.executable, "-m", "simulator", "--inventory", str(inventory), "--die-with-parent"]
    command += ["--sites", str(len(flavours)), "--speed", "600", "--bmc-flavours", ",".join(flavours)]
    with subprocess.Popen(
        [*command, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=unmeasured(os.environ),
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            line = process.stdout.readline()
            assert line, "the simulator ended before it listened"
            sites = yaml.safe_load(inventory.read_text())["sites"]
            hosts = {
                flavour: Host(site["name"], flavour, site["hosts"][0])
                for flavour, site in zip(flavours, sites, strict=True)
            }
            used("simulated StarlingX region (HTTPS)", f"{len(sites)} sites")
            yield Region(json.loads(line)["admin"], folder, hosts)
        finally:
            process.stdin.close()
            process.wait(20)


class _Image(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"ISO" * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextlib.contextmanager
def image() -> Iterator[str]:
    """The URL of an image."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Image) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/boot.iso"
        finally:
            server.shutdown()
            thread.join()
