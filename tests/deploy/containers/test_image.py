"""What is in the image, who runs it, and what it can write: asked inside, in containers as deployed."""

import json
import os
import subprocess

import pytest

from tests.deploy.containers.conftest import BUILT_WITHIN_S
from tests.support import image
from tests.support.engine import Ended, Engine
from tests.support.image import ROOT

SIZE_MB = 600
"""Of the image with its base, unpacked."""
TAKEN = "python -m pip; command -v pip gcc cc make; python -c 'import ensurepip'"
FILES = "import json, pathlib, sysconfig as s; root = pathlib.Path(s.get_path('purelib'))\n"
FILES += "print(json.dumps([str(each.relative_to(root)) for each in root.rglob('*') if each.is_file()]))"

pytestmark = pytest.mark.timeout(BUILT_WITHIN_S)

LOADS = """
import importlib, pkgutil
import apprise, asyncpg, asyncssh, boto3, hvac, ironicclient.v1.client, kubernetes, openstack, redfish
for package in ("activities", "cli", "inventory", "models", "records", "rules", "workers", "workflows"):
    for each in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
            print(each.name)
"""


def _sh(containers: Engine, script: str, **more: object) -> Ended:
    return containers.run("-c", script, entrypoint="sh", **more)


@pytest.fixture(scope="module")
def files(containers: Engine) -> set[str]:
    """Of the installed packages, by their place."""
    done = containers.run("-c", FILES, entrypoint="python")
    assert done.code == 0, done.said
    return set(json.loads(done.said))


def test_it_starts_and_says_its_version(containers: Engine) -> None:
    done = containers.run("--version")
    assert (done.code, done.said.split()[0]) == (0, "starflock")


def test_it_is_small(containers: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    podman = image.Podman(image.store())
    size = int(podman.run("image", "inspect", "--format", "{{.Size}}", containers.image)) / 1e6
    with capsys.disabled():
        print(f"\n{containers.image}: {size:.0f} MB")
    assert size < SIZE_MB


def test_the_source_is_whole_in_it(files: set[str]) -> None:
    for package in ("activities", "cli", "inventory", "models", "records", "rules", "workers", "workflows"):
        command = ["git", "ls-files", package]
        tracked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
        assert tracked
        assert set(tracked) - files == set()


def test_all_of_it_loads(containers: Engine) -> None:
    """What was left out of its libraries is missed by none of them."""
    done = containers.run("-c", LOADS, entrypoint="python")
    assert done.code == 0, done.said
    assert len(done.said.splitlines()) > 300


def test_nothing_of_its_making_and_of_the_tests_is_in_it(containers: Engine, files: set[str]) -> None:
    done = _sh(containers, TAKEN)
    assert done.said.count("No module named") == 2, done.said
    assert len(done.said.splitlines()) < 6, done.said
    owners = {name.split("/")[0].partition("-")[0] for name in files}
    assert {"starflock", "temporalio", "asyncpg"} <= owners
    assert not {"pytest", "_pytest", "hypothesis", "mypy", "ruff", "sushy", "tests", "pip"} & owners
    assert not [name for name in files if "/tests/" in name]


def test_it_runs_as_nobody_in_particular_and_may_nothing(containers: Engine) -> None:
    done = _sh(containers, "id -u; id -g; grep -E 'CapBnd|CapEff|NoNewPrivs' /proc/self/status")
    assert done.said.split() == [
        *("65532", "65532"),
        *("CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"),
    ]


def test_its_root_is_not_written_to(containers: Engine) -> None:
    write = (
        "exec 2>&1; echo x >/opt/starflock/x; echo x >/var/lib/starflock/x; echo x >/tmp/x && echo written"
    )
    done = _sh(containers, write)
    assert done.said.count("Read-only file system") == 2, done.said
    assert done.said.endswith("written\n")
    # With a root that can be written to, the program is still not this user's.
    writable = _sh(containers, write, read_only=False)
    assert "/opt/starflock/x: Permission denied" in writable.said
    assert writable.said.count("Permission denied") == 1


def test_a_wrong_setting_ends_it_with_a_line(containers: Engine) -> None:
    done = containers.run("worker", env={"STARFLOCK_PACE": "240"})
    assert done.code == 2
    assert "settings: STARFLOCK_PACE: " in done.said
    assert "Traceback" not in done.said


@pytest.mark.parametrize(
    ("words", "user", "said"),
    [
        ([], None, "usage: deploy/base.sh FILE.tar"),
        (["-h"], None, "usage: deploy/base.sh FILE.tar"),
        (["/nowhere/base.tar"], None, "no folder /nowhere for the archive"),
        (["/tmp/base.tar"], 65534, "a base is made as root: sudo deploy/base.sh /tmp/base.tar"),
    ],
)
def test_a_base_that_cannot_be_made_is_refused_in_words(
    words: list[str], user: int | None, said: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user takes root")
    script = image.BASE_SCRIPT.read_text()
    done = subprocess.run(
        ["sh", "-s", "--", *words], input=script, capture_output=True, text=True, user=user, check=False
    )
    assert done.returncode != 0
    assert done.stderr == f"starflock: {said}\n"
