"""A container engine for a test process: podman with Docker's API on its own socket, for testcontainers.

Its containers lie in a folder of the test's and its images are only read; it has its own name spaces, so that
containers, mounts and the engine itself end together, with the test process at the latest. Containers are on
the host's network, where the servers of the tests listen on loopback. There is no image of testcontainers'
reaper, and nothing left for it to do.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.support import image
from tests.support.components import used

START_WITHIN_S = 60.0
HARDENED: dict[str, Any] = {
    "network_mode": "host",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/tmp": "mode=1777"},
}
"""As the compose file and the chart run it."""


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


@dataclass
class Engine:
    image: str
    api: str
    """Its socket, as a URL."""
    env: dict[str, str] = field(default_factory=dict)
    """For each container."""
    mounts: dict[Path, tuple[str, str]] = field(default_factory=dict)
    """Folder or file here: place there, `ro` or `rw`."""

    @contextmanager
    def container(self, *words: str, entrypoint: str | None = None, **more: Any) -> Iterator[Container]:
        """`starflock` with these words, or another program of the image, until the context ends.

        `more`: `env` and `mounts` as above, and options of Docker's that win over those of HARDENED.
        """
        env, mounts = self.env | more.pop("env", {}), self.mounts | more.pop("mounts", {})
        options = HARDENED | more
        made = DockerContainer(self.image, env=env, command=list(words)).with_kwargs(  # type: ignore[arg-type]
            **{key: value for key, value in options.items() if key != "tmpfs"},
            **({"entrypoint": [entrypoint]} if entrypoint else {}),
        )
        made.tmpfs = options["tmpfs"]
        for source, (place, mode) in mounts.items():
            made.with_volume_mapping(source, place, mode)
        with made as running:
            yield running.get_wrapped_container()

    def deployed(self, env: dict[str, str], mounts: dict[Path, tuple[str, str]]) -> "Engine":
        """With these for each container."""
        return replace(self, env=env, mounts=mounts)

    def run(self, *words: str, within: float = 300, **more: Any) -> Ended:
        """To its end, as `container`."""
        with self.container(*words, **more) as running:
            code = int(running.wait(timeout=within)["StatusCode"])
            return Ended(code, running.logs().decode())


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Builds the image first, where this clone has another than before."""
    name = image.built()
    podman = image.Podman(folder, images=image.store())
    podman.configure()
    socket = folder / "api.sock"
    command, env = podman.command("system", "service", "--time=0", f"unix://{socket}")
    with open(folder / "engine.log", "ab") as log, ExitStack() as leaving:
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=image.die_with_parent,
        )
        leaving.callback(process.wait)
        leaving.callback(process.kill)
        deadline = time.monotonic() + START_WITHIN_S
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"podman did not start:\n{(folder / 'engine.log').read_text()}")
            time.sleep(0.02)
        leaving.callback(
            _point_testcontainers_to, os.environ.get("DOCKER_HOST"), testcontainers_config.ryuk_disabled
        )
        _point_testcontainers_to(f"unix://{socket}", True)
        said = subprocess.run(["podman", "--version"], capture_output=True, text=True, check=True, env=env)
        used("Containers (podman)", said.stdout.split()[2])
        yield Engine(name, f"unix://{socket}")


def _point_testcontainers_to(host: str | None, without_reaper: bool) -> None:
    os.environ.pop("DOCKER_HOST", None)
    if host is not None:
        os.environ["DOCKER_HOST"] = host
    testcontainers_config.ryuk_disabled = without_reaper
