"""A real Nova with Placement and Keystone: API, conductor, scheduler and three computes that live-migrate.

They come from PyPI into an environment of their own (`.cache/nova-<hash of the lock>`), which `make test`
fills, over MariaDB and RabbitMQ (`nova_ground`), with as much of Glance and Neutron as a server needs
(`nova_neighbours`). A compute has Nova's fake driver: it moves no memory, and a live migration is over at
once, is held or fails as the test says (`nova_launcher`). So API, conductor, scheduler and Placement are what
is tested.

A start copies schemas and keys that were made once (`nova_template`). Everything listens on 127.0.0.1 and
ends with the tests (`nova_launcher`).
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.support import nova_ground, nova_launcher
from tests.support.components import used
from tests.support.nova_ground import Database, mariadb, rabbitmq
from tests.support.nova_neighbours import Neighbours, neighbours
from tests.support.nova_settings import COMPUTES, DRIVER, PASSWORD, write_settings
from tests.support.nova_template import environment, template, variables
from workers.embedded import free_port

START_WITHIN_S = 240.0
IMPORTED = ("nova.cmd.compute", "nova.cmd.conductor", "nova.cmd.scheduler", "nova.virt.fake")
"""What costs time. Not the modules that read the configuration as they are imported, as those of the managers
do for the intervals of their periodic tasks."""


def what_is_missing() -> str:
    """Why this cannot run here, in words; empty when it can."""
    if programs := nova_ground.what_is_missing():
        return f"no {programs} here; `make test` installs them as root"
    return "" if (environment() / "complete").exists() else "Nova is not installed; `make test` installs it"


class Rejected(Exception):
    """Status and words of an API."""


@dataclass
class Nova:
    folder: Path
    keystone: int
    placement: int
    api: int
    neighbours: Neighbours
    database: Database
    version: str
    _launcher: "Launcher"
    _pids: dict[str, int] = field(default_factory=dict)
    _token: str = ""

    @property
    def auth_url(self) -> str:
        return f"http://127.0.0.1:{self.keystone}/v3"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api}/v2.1"

    def ask(self, method: str, path: str, body: Any = None, *, version: str = "2.96") -> Any:
        """Of Nova, as an operator with curl. Raises Rejected."""
        headers = {"X-OpenStack-Nova-API-Version": version, "X-Auth-Token": self.token()}
        return _send(method, f"{self.url}{path}", body, headers)[1]

    def token(self) -> str:
        if not self._token:
            domain = {"id": "default"}
            user = {"name": "admin", "domain": domain, "password": PASSWORD}
            identity = {"methods": ["password"], "password": {"user": user}}
            scope = {"project": {"name": "admin", "domain": domain}}
            body = {"auth": {"identity": identity, "scope": scope}}
            self._token = _send("POST", f"{self.auth_url}/auth/tokens", body, {})[0]["X-Subject-Token"]
        return self._token

    def start_compute(self, name: str) -> None:
        """It need not answer yet."""
        words = ["nova-compute", f"--config-file={self.folder}/nova.conf"]
        words.append(f"--config-file={self.folder}/{name}.conf")
        self._start(name, call="nova.cmd.compute:main", driver=DRIVER, words=words)

    def kill_compute(self, name: str) -> None:
        """As a host that loses its power."""
        os.kill(self._pids.pop(name), signal.SIGKILL)

    @contextmanager
    def migrations(self, source: str, how: Literal["hold", "fail"]) -> Iterator[None]:
        """What becomes of live migrations from there, as long as this lasts; then what is held goes on."""
        told = self.folder / source / how
        told.touch()
        try:
            yield
        finally:
            told.unlink()

    def _start(self, name: str, **order: Any) -> None:
        self._pids[name] = self._launcher.start(log=str(self.folder / f"{name}.log"), **order)


class Launcher:
    """`nova_launcher` as a child."""

    def __init__(self, folder: Path, name: str, *modules: str) -> None:
        with open(folder / f"{name}.log", "wb") as log:
            self._process = subprocess.Popen(
                # -P: the folder of that file is full of names that are libraries to Nova.
                [environment() / "bin/python", "-P", nova_launcher.__file__, *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=variables(folder),
                text=True,
                process_group=0,
                preexec_fn=nova_launcher.die_with_parent,
            )

    def start(self, **order: Any) -> int:
        """Its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


@contextmanager
def nova() -> Iterator[Nova]:
    """Until its services are up and three hypervisors are there; gone with its folder afterwards."""
    # Paths of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="starflock-nova-"))
    try:
        shutil.copytree(template(), folder, dirs_exist_ok=True)
        with ExitStack() as running:
            launcher = Launcher(folder, "launcher", *IMPORTED)
            running.callback(launcher.end)
            others = Launcher(folder, "others")
            running.callback(others.end)
            database = running.enter_context(mariadb(folder, folder / "data"))
            around = running.enter_context(neighbours())
            keystone, placement, api = free_port(), free_port(), free_port()
            write_settings(folder, database, keystone, around)
            for name, port in (("keystone", keystone), ("placement", placement)):
                others.start(
                    application=f"{name}.wsgi.api:application",
                    port=port,
                    words=[name],
                    log=str(folder / f"{name}.log"),
                )
            bus = running.enter_context(rabbitmq(folder))
            write_settings(folder, database, keystone, around, bus)
            server = Nova(folder, keystone, placement, api, around, database, _version(), launcher)
            _bring_up(server)
            used("Nova, Placement, Keystone", f"{server.version} (MariaDB, RabbitMQ)")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bring_up(server: Nova) -> None:
    _until(server, lambda: bool(server.token()), "Keystone answers")
    # With its token a service keeps the catalog that there was.
    _write_catalog(server)
    settings = f"--config-file={server.folder}/nova.conf"
    for name in ("conductor", "scheduler"):
        server._start(name, call=f"nova.cmd.{name}:main", words=[f"nova-{name}", settings])
    server._start(
        "api", application="nova.wsgi.osapi_compute:application", port=server.api, words=["nova-api"]
    )
    # A compute asks the conductor before all else, and again only after ten seconds.
    _until(server, lambda: "nova-conductor" in _services(server), "the conductor is there")
    for name in COMPUTES:
        server.start_compute(name)
    _until(server, lambda: _is_ready(server), "all services are up with three hypervisors")


def _services(server: Nova) -> list[str]:
    return server.database.run("select `binary` from nova_cell1.services where report_count > 0").split()


def _is_ready(server: Nova) -> bool:
    services = server.ask("GET", "/os-services")["services"]
    up = {(each["binary"], each["host"]) for each in services if each["state"] == "up"}
    wanted = {("nova-compute", name) for name in COMPUTES}
    wanted |= {("nova-conductor", "controller-0"), ("nova-scheduler", "controller-0")}
    if not wanted <= up or len(server.ask("GET", "/os-hypervisors")["hypervisors"]) < len(COMPUTES):
        return False
    # What a compute has to offer comes to Placement a moment after its record.
    headers = {"X-Auth-Token": server.token(), "OpenStack-API-Version": "placement 1.36"}
    url = f"http://127.0.0.1:{server.placement}/allocation_candidates?resources=VCPU:1,DISK_GB:1"
    return len(_send("GET", url, None, headers)[1]["allocation_requests"]) == len(COMPUTES)


def _write_catalog(server: Nova) -> None:
    places = {
        "compute": server.url,
        "placement": f"http://127.0.0.1:{server.placement}",
        "image": server.neighbours.glance,
        "network": server.neighbours.neutron,
    }
    headers = {"X-Auth-Token": server.token()}
    for kind, url in places.items():
        made = {"service": {"type": kind, "name": kind}}
        service = _send("POST", f"{server.auth_url}/services", made, headers)[1]["service"]["id"]
        endpoint = {"service_id": service, "interface": "public", "region_id": "RegionOne", "url": url}
        _send("POST", f"{server.auth_url}/endpoints", {"endpoint": endpoint}, headers)
    for endpoint in _send("GET", f"{server.auth_url}/endpoints", None, headers)[1]["endpoints"]:
        if endpoint["url"].endswith("/v3"):
            path = f"{server.auth_url}/endpoints/{endpoint['id']}"
            _send("PATCH", path, {"endpoint": {"url": server.auth_url}}, headers)


def _send(method: str, url: str, body: Any, headers: dict[str, str]) -> tuple[Any, Any]:
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"} | headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            raise Rejected(f"{method} {url}: {error.code} {error.read().decode()}") from None


def _until(server: Nova, good: Callable[[], bool], what: str) -> None:
    deadline, said = time.monotonic() + START_WITHIN_S, ""
    while True:
        try:
            if good():
                return
        except (OSError, Rejected) as error:
            said = str(error)
        if time.monotonic() > deadline:
            logs = {
                path.name: path.read_text(errors="replace")[-1500:] for path in server.folder.glob("*.log")
            }
            told = "\n".join(f"== {name}\n{text}" for name, text in sorted(logs.items()))
            raise RuntimeError(f"not so within {START_WITHIN_S:g} s: {what} ({said})\n{told}")
        time.sleep(0.3)


def _version() -> str:
    names = [path.name for path in environment().glob("lib/python*/site-packages/nova-*.dist-info")]
    return names[0].removeprefix("nova-").removesuffix(".dist-info")
