"""The inventory of a running process: what it does while people edit the file."""

import os
import threading
from pathlib import Path

import pytest

from inventory import live
from inventory.live import LiveInventory
from inventory.load import Inventory
from inventory.problems import FileErrors
from tests.inventory.files import INVENTORY, edited, written

MORE = INVENTORY + "- name: delta\n  system_controller: central\n"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watched(folder: Path, clock: Clock) -> LiveInventory:
    written(folder, INVENTORY)
    return LiveInventory("inventory.yaml", clock)


def names(inventory: Inventory) -> list[str]:
    return [site.name for site in inventory.sites]


def replaced(folder: Path, text: str) -> None:
    written(folder, text, "draft").replace(folder / "inventory.yaml")


def test_a_file_that_is_being_written_at_the_start_is_read_again(folder: Path) -> None:
    written(folder, "")
    writer = threading.Timer(live.SETTLES_WITHIN_S / 3, lambda: written(folder, INVENTORY))
    writer.start()
    assert names(LiveInventory("inventory.yaml").current())
    writer.join()


def test_control_an_empty_file_that_stays_so_is_refused(folder: Path) -> None:
    written(folder, "")
    with pytest.raises(FileErrors, match="the file is empty"):
        LiveInventory("inventory.yaml")


def test_the_first_load_must_succeed(folder: Path) -> None:
    with pytest.raises(FileErrors, match="there is no such file"):
        LiveInventory("inventory.yaml")


def test_an_unchanged_file_is_not_read_again(watched: LiveInventory, clock: Clock) -> None:
    first = watched.current()
    clock.now += 3600
    assert watched.current() is first


def test_a_change_is_seen_after_a_second_and_not_before(
    watched: LiveInventory, clock: Clock, folder: Path
) -> None:
    written(folder, MORE)
    clock.now += 0.9
    assert names(watched.current()) == ["alpha", "beta", "gamma"]
    clock.now += 0.1
    assert names(watched.current()) == ["alpha", "beta", "gamma", "delta"]
    assert watched.problem == ""


def test_a_file_of_the_same_size_and_time_is_seen_by_its_inode(
    watched: LiveInventory, clock: Clock, folder: Path
) -> None:
    before = (folder / "inventory.yaml").stat()
    draft = written(folder, edited(INVENTORY, "name: gamma", "name: omega"), "draft")
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    draft.replace(folder / "inventory.yaml")
    clock.now += 1
    assert "omega" in watched.current()


def test_a_broken_edit_keeps_the_last_good_file_and_says_so(
    watched: LiveInventory, clock: Clock, folder: Path
) -> None:
    good = watched.current()
    replaced(folder, edited(MORE, "topology: AIO-DX", "topology: AIO").replace("region: north", "region: 1"))
    clock.now += 1
    assert watched.current() is good
    assert watched.problem == (
        "inventory.yaml:9: sites[0].labels.region: expected text, found the number 1; write it in quotes: "
        "'1' "
        f"(and 1 more); the inventory as it was before ({good.content_hash}) stays in use"
    )
    replaced(folder, MORE)
    clock.now += 1
    assert "delta" in watched.current()
    assert watched.problem == ""


def test_a_file_that_is_gone_keeps_the_last_good_one(
    watched: LiveInventory, clock: Clock, folder: Path
) -> None:
    (folder / "inventory.yaml").unlink()
    clock.now += 1
    assert names(watched.current()) == ["alpha", "beta", "gamma"]
    assert watched.problem.startswith("inventory.yaml: there is no such file; the inventory as it was before")
    written(folder, MORE)
    clock.now += 1
    assert "delta" in watched.current()
    assert watched.problem == ""


def test_a_broken_file_is_not_read_every_second_but_tried_again(
    watched: LiveInventory, clock: Clock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    load = live.load_inventory
    monkeypatch.setattr(live, "load_inventory", lambda path: reads.append(path) or load(path))
    replaced(folder, edited(MORE, "  credential:", "  ca_bundle: ca.pem\n  credential:"))
    for _ in range(30):
        clock.now += 1
        watched.current()
    assert len(reads) == 1
    assert "'ca.pem' does not exist" in watched.problem
    written(folder, "-----BEGIN CERTIFICATE-----", "ca.pem")
    clock.now += 1
    assert "delta" in watched.current()
    assert watched.problem == ""
    assert len(reads) == 2


def test_a_file_that_changes_while_it_is_read_is_read_again(
    watched: LiveInventory, clock: Clock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = live.load_inventory

    def half(path: Path) -> Inventory:
        inventory = load(path)
        monkeypatch.setattr(live, "load_inventory", load)
        replaced(folder, MORE)
        return inventory

    monkeypatch.setattr(live, "load_inventory", half)
    replaced(folder, INVENTORY.partition("- name: gamma")[0])
    clock.now += 1
    assert names(watched.current()) == ["alpha", "beta", "gamma"]
    clock.now += 1
    assert names(watched.current()) == ["alpha", "beta", "gamma", "delta"]
