"""Which task queue a command starts a site's run on."""

from pathlib import Path

import pytest

from cli.session import queue_for
from inventory.load import load_inventory
from inventory.problems import FileErrors

INVENTORY = """system_controllers:
- name: west
  auth_url: https://10.10.10.2:5000/v3
  credential: {password: env:WEST}
- name: east
  auth_url: https://10.20.10.2:5000/v3
  queue: starflock-east
  credential: {password: env:EAST}
sites:
- {name: edge-1, subcloud: one, system_controller: west}
- {name: edge-2, subcloud: two, system_controller: east}
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STARFLOCK_INVENTORY", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    return path


@pytest.mark.parametrize(
    ("site", "queue"),
    [("edge-1", "starflock"), ("edge-2", "starflock-east"), ("unknown", "starflock"), ("", "starflock")],
)
def test_it_is_that_of_the_sites_region(inventory: Path, site: str, queue: str) -> None:
    assert queue_for(site) == queue


def test_without_an_inventory_it_is_the_main_one(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory.rename(inventory.with_name("elsewhere.yaml"))
    assert queue_for("edge-2") == "starflock"
    monkeypatch.setenv("STARFLOCK_INVENTORY", "elsewhere.yaml")
    assert queue_for("edge-2") == "starflock-east"


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        ("starflock-east-bmc", "7: system_controllers[1].queue: .*that of the BMCs beside starflock-east"),
        ("starflock-drills", "7: system_controllers[1].queue: .*starflock-drills is the queue of drills"),
        ("starflock", "7: system_controllers[1].queue"),
        ("East", "7: system_controllers[1].queue"),
    ],
)
def test_a_queue_that_cannot_be_is_named(inventory: Path, queue: str, words: str) -> None:
    inventory.write_text(INVENTORY.replace("queue: starflock-east", f"queue: {queue}"))
    with pytest.raises(FileErrors) as caught:
        load_inventory(inventory)
    assert all(part in str(caught.value) for part in words.split(".*")), str(caught.value)
