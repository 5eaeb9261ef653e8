"""The archive as it is declared for the twin of a drill: the same place and keys, from another folder."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.twin import TwinScenario
from inventory.load import load_inventory
from models.drill import Drill, DrillCheck, Twin
from workers import drill_process
from workers.drilling import Drilling

CONTROLLER = {
    "name": "sc-1",
    "auth_url": "https://10.0.0.1:5000/v3",
    "credential": {"password": "env:X"},
}
KEYS = [{"id": "k1", "secret": "file:secrets/k1"}, {"id": "k0", "secret": "env:STARFLOCK_OLD_KEY"}]
S3 = {
    "s3": {"endpoint": "https://rgw.example.com:7480", "bucket": "backups", "ca": "rgw.pem"},
    "credential": {"access_key": "env:ACCESS", "secret_key": "file:/etc/secret"},
    "sender": {"access_key": "env:OTHER", "secret_key": "env:OTHER_SECRET"},
    "object_lock": {"mode": "governance", "keep": "30d"},
}


def declared(folder: Path, place: dict[str, Any]) -> dict[str, Any]:
    (folder / "archive").mkdir()
    (folder / "rgw.pem").write_text("-----BEGIN CERTIFICATE-----")
    archive = {"name": "vault", "labels": {"a": "b"}, "prefix": "p", "keys": KEYS, **place}
    site = {"name": "edge-0001", "system_controller": "sc-1", "labels": {"a": "b"}}
    file = folder / "inventory.yaml"
    file.write_text(
        yaml.safe_dump({"system_controllers": [CONTROLLER], "sites": [site], "archives": [archive]})
    )
    inventory = load_inventory(file)
    began = datetime(2026, 11, 22, tzinfo=UTC)
    return Drilling(inventory, "", inventory.site("edge-0001"), began, []).archive


@pytest.mark.parametrize("place", [{"directory": "archive"}, S3])
def test_it_is_only_read_and_leads_to_the_same_place(tmp_path: Path, place: dict[str, Any]) -> None:
    found = declared(tmp_path, place)
    assert found["read_only"] is True
    assert found["keys"][0]["secret"] == f"file:{tmp_path}/secrets/k1"
    assert (found["name"], found["prefix"]) == ("vault", "p")
    assert found.keys() & {"labels", "sender", "object_lock"} == set(), (
        "the twin has no labels and sends none"
    )
    if "directory" in place:
        assert found["directory"] == str(tmp_path / "archive")
    else:
        assert found["s3"]["ca"] == str(tmp_path / "rgw.pem")
        assert found["credential"] == S3["credential"]


def test_secrets_in_the_environment_reach_the_twins_worker_whatever_they_are_called(tmp_path: Path) -> None:
    twin = Twin.model_validate(
        {"site": "a", "subcloud": "b", "region": "c", "topology": "AIO-SX", "hosts": ()}
    )
    scenario = TwinScenario(
        sites=1,
        speed=240,
        seed=1,
        twin=twin,
        folder=tmp_path,
        archive=declared(tmp_path, S3),
        system_controller="sc-1",
        dialect="12",
        ceph="",
    )
    assert scenario.keeps_env == {"STARFLOCK_OLD_KEY", "ACCESS"}


def test_a_worker_takes_drills_only_where_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drill_process.require()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(RuntimeError, match=r"queue starflock-drills: .*no `temporal` found: install"):
        drill_process.require()


def test_what_the_command_says_is_told(tmp_path: Path) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    whole = DrillCheck(name="whole", passed=False, found="no manifest")
    done = Drill(backup="a/20261122T015112Z-platform-6f1d20c3", at=at, ended=at, checks=(whole,))
    said = json.dumps(done.model_dump(mode="json") | {"good": False})
    assert drill_process.told(said, "", 1) == done
    assert drill_process.told("", "edge-9 is not declared\n", 4) == "edge-9 is not declared"
    assert drill_process.told("", "", -9) == "the drill ended with code -9 and said nothing"
