"""A region by its description: many sites, what they run, and patches that the simulator does not have."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.bmc.firmware import WrongImageError, meant
from simulator.described import read
from simulator.options import Options, UsageError
from simulator.proof.forecast import Forecast
from simulator.region import Region, build
from simulator.twin import TwinError

HOST = {"name": "controller-0", "personality": "controller", "mac": "00:00:5e:00:53:a0"}
OTHER = "00:00:5e:00:53:b0"


def site(name: str, **more: Any) -> dict[str, Any]:
    own = {"site": name, "subcloud": f"sub-{name}", "region": f"r-{name}", "topology": "AIO-SX"}
    return own | {"hosts": [HOST]} | more


def region(
    folder: Path, *sites: dict[str, Any], options: dict[str, Any] | None = None, **more: Any
) -> Region:
    file = folder / "region.yaml"
    file.write_text(yaml.safe_dump({"sites": list(sites), **more}))
    described = read(file)
    count = len(described.sites)
    chosen = {"plain": True, "bmcs": False} | (options or {})
    made = Options(sites=count, inventory=folder / "i.yaml", described=described, **chosen)
    made.check()
    return build(made)


def test_sites_are_called_as_described_and_run_what_is_said(tmp_path: Path) -> None:
    found = region(
        tmp_path,
        *(site("far-1"), site("far-2", runs="starlingx-26.03.7")),
        patches=[{"release": "starlingx-26.03.7", "reboot": True}],
    )
    assert list(found.sites) == ["far-1", "far-2"]
    one, two = (cloud.usm.states for cloud in found.sites.values())
    assert (
        list(one)
        == [*(f"starlingx-26.03.{patch}" for patch in (0, 1, 2, 7)), "starlingx-26.09.0"][: len(one)]
    )
    assert (one["starlingx-26.03.0"], one["starlingx-26.03.7"]) == ("deployed", "available")
    assert [state for name, state in two.items() if name.startswith("starlingx-26.03")] == ["deployed"] * 4


@pytest.mark.parametrize(
    ("sites", "more", "words"),
    [
        ([], {}, "expected sites"),
        ([site("a"), site("a")], {}, "site: 'a' stands twice"),
        ([site("a", hosts=[])], {}, "hosts: expected a list"),
        ([site("a", runs="starlingx-26.03.9")], {}, "a: runs starlingx-26.03.9, which is none of"),
        ([site("a", ceph="gold")], {}, "a: ceph: must be one of rook, bare-metal, not 'gold'"),
        ([site("a", hosts=[HOST | {"ports": "eth0"}])], {}, "hosts[0].ports: expected a list of words"),
        ([site("a")], {"firmware": [{"component": "BIOS"}]}, "firmware.image: expected a word"),
        ([site("a")], {"patches": [{"release": "starlingx-25.03.9"}]}, "starlingx-25.03.9 is none of 26.03"),
    ],
)
def test_what_is_no_description_is_refused(
    tmp_path: Path, sites: list[dict[str, Any]], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(TwinError) as refused:
        region(tmp_path, *sites, **more)
    assert words in str(refused.value)


def test_a_site_that_is_stretched_takes_so_much_longer(tmp_path: Path) -> None:
    found = region(tmp_path, site("a"), site("b", hosts=[HOST | {"mac": OTHER}]), options={"bmcs": True})
    cloud, floor = found.sites["a"], found.floor
    assert floor is not None
    kinds = ("install", "add-subcloud", "bring-up", "backup", "restore", "firmware", "prestage", "patch")
    release = "starlingx-26.03.1"

    def ideals(name: str) -> list[float]:
        return [Forecast(found, kind, release).durations()[name]["ideal"] for kind in kinds]

    before, other, installs = ideals("a"), ideals("b"), floor.of("a")[0].pace.install
    found.stretch(cloud, 2.5)
    wanted = dict(zip(kinds, (2.5 * each for each in before), strict=True))
    for kind, ideal in zip(kinds, ideals("a"), strict=True):
        boots = kind in ("install", "bring-up", "restore")
        assert ideal == pytest.approx(wanted[kind], rel=0.2 if boots else 0.01), kind
    assert (floor.of("a")[0].machine.pace.install, ideals("b")) == (2.5 * installs, other)


def test_machines_have_the_ports_and_disks_that_are_described(tmp_path: Path) -> None:
    ports = ["enp81s0f0", "ens1f1", *(f"p{number}" for number in range(6))]
    disks = ["/dev/disk/by-path/pci-0000:c3:00.0-nvme-9", "/dev/nvme0n1", "/dev/sdx"]
    (cloud,) = region(tmp_path, site("a", hosts=[HOST | {"ports": ports, "disks": disks}])).sites.values()
    kit = cloud.kit_of(cloud.hosts[0])
    assert [port.name for port in kit.ports] == ports
    assert kit.ports[0].mac == HOST["mac"]
    assert len({port.mac for port in kit.ports}) == len({port.pciaddr for port in kit.ports}) == len(ports)
    told = {text for disk in kit.disks for text in (disk.node, disk.path)}
    assert set(disks) <= told
    assert len({disk.node for disk in kit.disks}) == len(kit.disks) == 6, "one was there already"


def test_sites_may_begin_bare_and_some_of_them_have_ceph(tmp_path: Path) -> None:
    bare = region(tmp_path, site("a"), options={"bmcs": True, "bare": True, "not_added": ("*",)})
    assert (bare.sites["a"].dark, list(bare.database.subclouds)) == (True, [])
    more = site("b", hosts=[HOST | {"mac": OTHER}], ceph="rook")
    some = region(tmp_path, site("a"), more, options={"kubernetes": True})
    assert [some.options.ceph_of(name) for name in ("a", "b")] == ["", "rook"]
    with pytest.raises(UsageError, match="give --kubernetes"):
        region(tmp_path, more)


def test_a_bmc_has_the_components_whose_images_are_described(tmp_path: Path) -> None:
    idrac = {"component": "Integrated Dell Remote Access Controller", "image": "1-a.exe", "version": "7.20"}
    found = region(tmp_path, site("a"), options={"bmcs": True}, firmware=[idrac])
    assert found.floor is not None
    (bmc,) = found.floor.of("a")
    name = "Integrated-Dell-Remote-Access-Controller"
    component = bmc.firmware.components[name]
    assert (component.name, component.is_bmc, component.at_boot) == (idrac["component"], True, False)
    assert meant("http://127.0.0.1:9/images/1-a.exe", name, bmc.firmware_files) == (name, "7.20")
    with pytest.raises(WrongImageError):
        meant("http://127.0.0.1:9/images/1-a.exe", "BIOS", bmc.firmware_files)
