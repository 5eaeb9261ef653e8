"""A real Ironic: API and conductor in one process pair, SQLite, no message bus, no authentication.

It comes from PyPI into an environment of its own (`.cache/ironic-<hash of its lock>`), which `make test`
fills. It listens on a free port of 127.0.0.1, keeps everything in one folder, and publishes the images
that BMCs fetch over a small HTTP server beside it. Hardware types: `fake-hardware`, which agrees to
everything, and `redfish`.

Its master starts a worker that has died again and again, so a configuration error shows as an API that never
lists drivers. It ends with the tests (PR_SET_PDEATHSIG; the master ends its worker).
"""

import ctypes
import functools
import hashlib
import http.server
import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.components import used
from workers.embedded import PR_SET_PDEATHSIG, free_port

REPOSITORY = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "ironic.lock"
START_WITHIN_S = 120.0

SETTINGS = """
[DEFAULT]
auth_strategy = noauth
rpc_transport = none
host = localhost
my_ip = 127.0.0.1
graceful_shutdown_timeout = 2
state_path = {folder}/state
tempdir = {folder}/tmp
log_file = {folder}/ironic.log
enabled_hardware_types = fake-hardware,redfish
enabled_bios_interfaces = no-bios,fake,redfish
enabled_boot_interfaces = redfish-virtual-media,fake
enabled_console_interfaces = no-console,fake
enabled_deploy_interfaces = ramdisk,fake,direct
enabled_firmware_interfaces = no-firmware,fake,redfish
enabled_inspect_interfaces = no-inspect,fake,redfish
enabled_management_interfaces = redfish,fake,noop
enabled_network_interfaces = noop
enabled_power_interfaces = redfish,fake
enabled_raid_interfaces = no-raid,fake
enabled_rescue_interfaces = no-rescue,fake
enabled_storage_interfaces = noop,fake
enabled_vendor_interfaces = no-vendor,fake
[api]
host_ip = 127.0.0.1
port = {port}
api_workers = 1
[conductor]
graceful_shutdown_timeout = 2
automated_clean = false
sync_power_state_interval = 0
[deploy]
http_url = http://127.0.0.1:{images}
http_root = {folder}/www
[database]
connection = sqlite:///{folder}/ironic.db
[dhcp]
dhcp_provider = none
[service_catalog]
auth_type = none
endpoint_override = http://127.0.0.1:{port}
[redfish]
use_swift = false
connection_attempts = 1
connection_retry_interval = 1
[oslo_messaging_notifications]
driver = noop
"""


def environment() -> Path:
    """Where `make test` puts it; a changed lock is another environment."""
    return REPOSITORY / ".cache" / f"ironic-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def is_installed() -> bool:
    return (environment() / "complete").exists()


@dataclass(frozen=True)
class Ironic:
    url: str
    folder: Path
    version: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """As an operator with curl; the API's newest version that our tests know."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-OpenStack-Ironic-API-Version": "1.82", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @property
    def log(self) -> str:
        return (self.folder / "ironic.log").read_text()


@contextmanager
def ironic(folder: Path) -> Iterator[Ironic]:
    """Until the API lists the drivers; gone afterwards, the folder stays."""
    for name in ("state", "tmp", "www"):
        (folder / name).mkdir(parents=True)
    settings, port, programs = folder / "ironic.conf", free_port(), environment() / "bin"
    with _publishing(folder / "www") as images:
        settings.write_text(SETTINGS.format(folder=folder, port=port, images=images))
        made = subprocess.run(
            [programs / "ironic-dbsync", "--config-file", settings, "create_schema"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        with open(folder / "output", "wb") as output:
            process = subprocess.Popen(
                [programs / "ironic", "--config-file", settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                process_group=0,
                preexec_fn=die_with_parent,
            )
        server = Ironic(f"http://127.0.0.1:{port}", folder, _version(programs))
        try:
            _await_drivers(server, process)
            used("Ironic", server.version)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_drivers(server: Ironic, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            drivers = {driver["name"] for driver in server.ask("GET", "/v1/drivers")["drivers"]}
        except (OSError, urllib.error.URLError):
            drivers = set()
        if {"fake-hardware", "redfish"} <= drivers:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Ironic did not start:\n{(server.folder / 'output').read_text()[-4000:]}")
        time.sleep(0.1)


@contextmanager
def _publishing(folder: Path) -> Iterator[int]:
    """The port of an HTTP server over the folder."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The test's own words suffice."""


def _version(programs: Path) -> str:
    names = [path.name for path in programs.parent.glob("lib/python*/site-packages/ironic-*.dist-info")]
    return names[0].removeprefix("ironic-").removesuffix(".dist-info")


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
