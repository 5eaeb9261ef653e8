"""Loading a good inventory, and the look-ups on it."""

import hashlib
from pathlib import Path

import pytest

from inventory.load import NotDeclared, load_inventory
from tests.inventory.files import INVENTORY, edited, written


def test_the_shortest_inventory_is_one_controller(folder: Path) -> None:
    path = written(folder, INVENTORY.partition("sites:")[0])
    inventory = load_inventory(path)
    assert inventory.sites == ()
    assert inventory.controller("central").credential.username == "admin"


def test_look_ups_find_by_name_and_by_subcloud(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY))
    assert [site.name for site in inventory.sites] == ["alpha", "beta", "gamma"]
    assert inventory.site("beta").hosts[1].mac == "52:54:00:00:00:02"
    assert inventory.by_subcloud("central", "subcloud2") is inventory.site("beta")
    assert inventory.by_subcloud("central", "alpha") is inventory.site("alpha")
    assert inventory.by_subcloud("central", "beta") is None
    assert "beta" in inventory
    assert "delta" not in inventory


def test_an_unknown_name_is_answered_with_the_nearest(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY))
    with pytest.raises(NotDeclared) as site:
        inventory.site("alfa")
    assert str(site.value) == "inventory.yaml has no site 'alfa'; did you mean 'alpha'?"
    with pytest.raises(NotDeclared) as controller:
        inventory.controller("nowhere")
    assert str(controller.value) == "inventory.yaml has no system controller 'nowhere'"


def test_the_hash_names_the_bytes(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY))
    assert inventory.content_hash == hashlib.sha256(INVENTORY.encode()).hexdigest()[:16]
    assert load_inventory(written(folder, INVENTORY + "# a word\n")).content_hash != inventory.content_hash


def test_paths_start_at_the_file_even_after_the_process_moved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, INVENTORY)
    inventory = load_inventory("inventory.yaml")
    monkeypatch.chdir("/")
    assert inventory.path == folder / "inventory.yaml"
    assert inventory.resolve_path("pki/ca.pem") == folder / "pki/ca.pem"
    assert inventory.resolve_path("/etc/ca.pem") == Path("/etc/ca.pem")
    assert inventory.resolve_path("~/ca.pem") == Path.home() / "ca.pem"


def test_an_inventory_cannot_be_changed(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY))
    with pytest.raises(AttributeError, match="immutable"):
        inventory.content_hash = "other"
    with pytest.raises(AttributeError, match="immutable"):
        del inventory.file


def test_a_certificate_is_found_beside_the_file(folder: Path) -> None:
    written(folder, "-----BEGIN CERTIFICATE-----\n", "ca.pem")
    text = edited(INVENTORY, "  credential:", "  ca_bundle: ca.pem\n  credential:")
    assert load_inventory(written(folder, text)).controller("central").ca_bundle == "ca.pem"


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder: Path) -> None:
    content = b"\xef\xbb\xbf" + INVENTORY.replace("\n", "\r\n").encode()
    assert len(load_inventory(written(folder, content)).sites) == 3


def test_anchors_save_typing(folder: Path) -> None:
    text = edited(INVENTORY, "{region: north}", "&north {region: north}")
    text += "  labels: *north\n"
    assert load_inventory(written(folder, text)).site("gamma").labels == {"region": "north"}


def test_thousands_of_sites_load_and_a_mistake_in_the_last_is_found(folder: Path) -> None:
    text = INVENTORY + "".join(f"- name: site-{n}\n  system_controller: central\n" for n in range(5000))
    assert load_inventory(written(folder, text)).site("site-4999").subcloud_name == "site-4999"
    broken = written(folder, text + "- name: site-0\n  system_controller: central\n")
    with pytest.raises(Exception, match=r"10021: sites\[5003\]\.name: 'site-0' is already .* \(line 21\)"):
        load_inventory(broken)
