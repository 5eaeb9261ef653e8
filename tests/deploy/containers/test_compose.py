"""The services of the compose file that are ours, brought up by podman-compose as the file's head says, with
an inventory and secrets beside it. In the place of the foreign images stand a Temporal and a PostgreSQL on
loopback; so our services are on the host's network, and time is that of the simulated sites.

podman-compose starts what depends on the set-up job when that job has ended, however it ended.
"""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.deploy.containers.conftest import BUILT_WITHIN_S, COMPRESSED, INVENTORY, RELEASE, USER, Ground
from tests.support.engine import Engine
from tests.support.image import ROOT
from workers.embedded import free_port

SITES = 3
OURS = ("setup", "worker", "worker-bmc", "codec-server")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(BUILT_WITHIN_S),
    pytest.mark.skipif(importlib.util.find_spec("podman_compose") is None, reason="no podman-compose here"),
]


class _Fresh:
    """`!reset`, in YAML: what the compose file says is dropped."""


yaml.SafeDumper.add_representer(_Fresh, lambda dumper, _: dumper.represent_sequence("!reset", []))


@dataclass
class Project:
    folder: Path
    codec_server: str

    def compose(self, *words: str) -> str:
        """What it said. The container engine is that of these tests."""
        options = ("--podman-path", str(self.folder / "podman"), "--in-pod", "false", "--no-ansi")
        command = [sys.executable, "-m", "podman_compose", *options, "--podman-run-args=--cgroups=disabled"]
        done = subprocess.run(
            [*command, *words], cwd=self.folder, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(
    ground: Ground, containers: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    codec_server = f"127.0.0.1:{free_port()}"
    shutil.copy(ROOT / "deploy" / "compose.yaml", folder)
    (folder / "compose.override.yaml").write_text(
        yaml.safe_dump({"services": _override(containers.image, ground.address, codec_server)})
    )
    shutil.copytree(ground.folder / "inventory", folder / "inventory")
    shutil.copytree(ground.folder / "secrets", folder / "secrets")
    (folder / "secrets" / "postgresql").write_text("nobody's")
    (folder / "secrets" / "records.env").write_text(f"STARFLOCK_RECORDS_URL={ground.records}\n")
    for each in (
        *(folder / "inventory").iterdir(),
        folder / "secrets/payload-key",
        folder / "secrets/codec-token",
    ):
        os.chown(each, USER, USER)
    (folder / "podman").write_text(f'#!/bin/sh\nexec podman --remote --url {containers.api} "$@"\n')
    (folder / "podman").chmod(0o755)
    project = Project(folder, codec_server)
    project.compose("up", "--detach", "--no-build", *OURS)
    yield project
    project.compose("down", "--volumes")


def _override(image: str, temporal: str, codec_server: str) -> dict[str, object]:
    here = {"image": image, "network_mode": "host"}
    env = {"TEMPORAL_ADDRESS": temporal, "STARFLOCK_METRICS_LISTEN": ""}
    return {
        "setup": here | {"environment": env, "depends_on": _Fresh()},
        "worker": here | {"environment": env | COMPRESSED},
        "worker-bmc": here | {"environment": env | COMPRESSED},
        "codec-server": here | {"environment": env | {"STARFLOCK_CODEC_LISTEN": codec_server}},
    }


async def test_a_campaign_runs_in_the_services_of_the_compose_file(ground: Ground, project: Project) -> None:
    start = ("campaign", "start", f"{INVENTORY}/campaign.yaml", "--watch")
    said = await asyncio.to_thread(project.compose, "exec", "-T", "worker", "starflock", *start)
    assert f"done: {SITES} succeeded" in said
    assert await ground.outcomes() == ["succeeded"] * SITES
    assert await ground.region.repeats() == 0
    sealed = await ground.sealed()
    assert RELEASE.encode() not in sealed.data
    assert RELEASE.encode() in await ground.decoded(project.codec_server, sealed)


async def test_they_run_as_the_file_says(project: Project) -> None:
    for service in ("worker", "worker-bmc", "codec-server"):
        script = "grep -E 'CapBnd|NoNewPrivs' /proc/1/status; id -u; touch /opt/x 2>&1 | grep -c Read-only"
        said = await asyncio.to_thread(project.compose, "exec", "-T", service, "sh", "-c", script)
        assert said.split() == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1", str(USER), "1"], service
