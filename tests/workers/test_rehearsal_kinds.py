"""What a deep rehearsal's region is for each kind of operation, and what of the real one gets into it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.campaign import CampaignSpec
from tests.workers.test_rehearsal_clock import inventory, site
from workers.rehearsal import CannotRehearse
from workers.rehearsal_profiles import only_locked, write_files
from workers.rehearsal_region import Cast, cast, declared
from workers.rehearsal_ways_out import ways_out

MAC = "00:00:5e:00:53:07"
HOST = {"name": "controller-0", "personality": "controller"}
INSTALL = {
    "kind": "install",
    "image": "https://images.example.com/boot/{site}.iso",
    "wipe": ["a/controller-0"],
}
FIRMWARE = {
    "kind": "firmware",
    "baseline": "b",
    "components": [{"name": "BIOS", "version": "2", "image": "http://x.example.com/b.exe"}],
}
PROFILE = {
    "name": "edge",
    "dns": ["192.0.2.53"],
    "system": {"vswitch": "none", "location": "mast", "contact": "https://noc.example.com/edge"},
    "service_parameters": [
        {"service": "docker", "section": "proxy", "name": "http_proxy", "value": "http://10.1.1.1:3128"}
    ],
    "datanetworks": [{"name": "physnet0", "type": "vlan"}],
    "storage": {"backend": "ceph-rook", "deployment": "controller"},
    "license": "file:real.lic",
    "certificates": [
        {"type": "ssl_ca", "file": "vault:pki/ca#pem"},
        {"type": "docker_registry", "file": "env:REGISTRY", "passphrase": "env:PASS"},
    ],
    "applications": [
        "cert-manager",
        "oidc-auth-apps",
        {"name": "du", "file": "packages/du-1.2-3.tgz"},
        {"name": "old", "state": "absent"},
    ],
    "roles": {
        "controller": {
            "interfaces": [
                {"port": "ens1f2", "name": "data0", "class": "data", "datanetworks": ["physnet0"]},
                {"port": "ens1f3", "name": "sriov0", "class": "pci-sriov", "vfs": 4},
                {"port": "ens2f0", "name": "leg0", "class": "none"},
                {"port": "ens2f1", "name": "leg1", "class": "none"},
                {"name": "mgmt0", "type": "ae", "mode": "802.3ad", "over": ["leg0", "leg1"],
                 "networks": ["mgmt", "cluster-host"]},
                {"port": "ens1f0", "name": "oam0", "networks": ["oam"]},
            ],
            "osds": ["/dev/sdk"],
        }
    },
}  # fmt: skip


def played(folder: Path, operation: dict[str, Any], *sites: dict[str, Any], **more: Any) -> Cast:
    spec = {"name": "n", "operation": operation, "select": {"all": True}}
    versions = more.pop("versions", {})
    return cast(CampaignSpec.model_validate(spec), inventory(folder, *sites, **more), versions)


def shown(play: Cast, folder: Path, **host: Any) -> dict[str, Any]:
    """The rehearsal's inventory, where its region has written one with this host."""
    made = {
        "name": "controller-0",
        "personality": "controller",
        "mac": MAC,
        "serial": "SIM1",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "oam": "127.1.2.3:2222",
        "bmc": {
            "address": "https://127.1.2.4:8443",
            "credential": {"username": "root", "password": "file:b"},
        },
    }
    written = folder / "written.yaml"
    controller = {"name": "sc-1", "auth_url": "https://127.1.0.1:5000/v3", "credential": {}}
    row = {"name": "a", "subcloud": "a", "hosts": [made | host]}
    written.write_text(yaml.safe_dump({"system_controllers": [controller], "sites": [row]}))
    return declared(play, {"east": written})


def test_a_machine_has_as_much_as_is_declared_of_the_real_one(tmp_path: Path) -> None:
    bmc = {"address": "https://10.20.17.10", "credential": {"username": "x", "password": "env:X"}}
    own = site("a", hosts=[HOST | {"mac": MAC, "bmc": bmc}])
    (host,) = shown(played(tmp_path, INSTALL, own), tmp_path)["sites"][0]["hosts"]
    assert host.keys() == {"name", "personality", "mac", "bmc"}, "neither serial, uuid nor oam"
    assert host["bmc"]["address"] == "https://127.1.2.4:8443"
    assert host["bmc"]["credential"]["username"] == "root"
    without = site("a", hosts=[HOST | {"serial": "ABC", "bmc": "https://10.20.17.10"}])
    (host,) = shown(played(tmp_path, INSTALL, without), tmp_path)["sites"][0]["hosts"]
    assert (host["serial"], "credential" in host["bmc"]) == ("SIM1", False), "nobody has declared one"


def test_images_are_the_simulated_regions_and_the_guard_tells_others(tmp_path: Path) -> None:
    play = played(tmp_path, INSTALL | {"bios": {"Boot": "Fast"}}, site("a", hosts=[HOST]))
    own = play.with_images("http://127.0.0.1:99/images")
    operation = own.spec.operation
    assert getattr(operation, "image", "") == "http://127.0.0.1:99/images/{site}.iso"
    assert operation.target == play.spec.operation.target, "it is called what it was called"
    assert ways_out(own.spec.model_dump(mode="json"), tmp_path) == []
    (out,) = ways_out(play.spec.model_dump(mode="json"), tmp_path)
    assert out.startswith("operation.image: https://images.example.com")
    firmware = played(tmp_path, FIRMWARE, site("a", hosts=[HOST])).with_images("http://127.0.0.1:99/images")
    assert firmware.regions["east"]["firmware"] == [{"component": "BIOS", "image": "1-b.exe", "version": "2"}]
    assert ways_out(firmware.spec.model_dump(mode="json"), tmp_path) == []


def test_servers_of_which_nothing_is_recorded_are_new(tmp_path: Path) -> None:
    known = played(tmp_path, FIRMWARE, site("a", hosts=[HOST]), versions={"a": "starlingx-26.03.1"})
    assert "--bare" not in known.options
    assert "--bare" in played(tmp_path, FIRMWARE, site("a", hosts=[HOST])).options


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (INSTALL | {"through": "ironic"}, "no simulated region has an Ironic"),
        (INSTALL | {"proof": "sysinv"}, "no simulated sysinv answers"),
        ({"kind": "add-subcloud"}, "declares no deploy for a"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_to_do(
    tmp_path: Path, operation: dict[str, Any], words: str
) -> None:
    with pytest.raises(CannotRehearse, match=words):
        played(tmp_path, operation, site("a", hosts=[HOST]))


@pytest.mark.parametrize(
    ("operation", "ports"),
    [
        ({"kind": "bring-up"}, ["ens2f0", "ens2f1", "ens1f0", "ens1f3", "ens1f2"]),
        ({"kind": "configure", "lock": True}, ["ens1f0", "ens2f0", "ens2f1", "ens1f3", "ens1f2"]),
    ],
)
def test_machines_have_ports_and_disks_by_the_profile(
    tmp_path: Path, operation: dict[str, Any], ports: list[str]
) -> None:
    own = site("a", topology="AIO-DX", hosts=[HOST], profile="edge")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "du-1.2-3.tgz").touch()
    (tmp_path / "real.lic").write_text("theirs")
    play = played(tmp_path, operation, own, site_profiles=[PROFILE])
    (row,) = play.regions["east"]["sites"]
    assert (row["hosts"][0]["ports"], row["hosts"][0]["disks"]) == (ports, ["/dev/sdk"])
    assert row.get("ceph") == ("rook" if operation["kind"] == "configure" else None)
    (profile,) = shown(play, tmp_path)["site_profiles"]
    assert (profile["dns"], profile["license"]) == (["192.0.2.53"], "file:licence")
    assert [each["file"] for each in profile["certificates"]] == [
        "file:ssl_ca.pem",
        "file:docker_registry.pem",
    ]
    names = {each["name"]: each.get("path", "").rpartition("/")[2] for each in profile["applications"]}
    oidc = "" if operation["kind"] == "bring-up" else "oidc-auth-apps-1.0-1.tgz"
    assert names == {"cert-manager": "", "oidc-auth-apps": oidc, "du": "du-1.2-3.tgz", "old": ""}
    folder = tmp_path / "own"
    folder.mkdir()
    write_files(list(play.inventory.file.site_profiles), folder)
    assert {path.name for path in folder.iterdir()} == {"licence", "ssl_ca.pem", "docker_registry.pem"}
    assert ways_out({"site_profiles": [profile]}, folder) == []
    assert only_locked(profile).keys() == {"name", "datanetworks", "ptp", "storage", "roles", "system"}
    assert only_locked(profile)["system"] == {"vswitch": "none"}
