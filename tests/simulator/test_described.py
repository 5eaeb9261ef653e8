"""A region by its description: many sites, what they run, and patches that the simulator does not have."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.described import read
from simulator.options import Options
from simulator.region import Region, build
from simulator.twin import TwinError

HOST = {"name": "controller-0", "personality": "controller", "mac": "00:00:5e:00:53:a0"}


def site(name: str, **more: Any) -> dict[str, Any]:
    own = {"site": name, "subcloud": f"sub-{name}", "region": f"r-{name}", "topology": "AIO-SX"}
    return own | {"hosts": [HOST]} | more


def region(folder: Path, *sites: dict[str, Any], **more: Any) -> Region:
    file = folder / "region.yaml"
    file.write_text(yaml.safe_dump({"sites": list(sites), **more}))
    described = read(file)
    count = len(described.sites)
    return build(
        Options(sites=count, inventory=folder / "i.yaml", described=described, plain=True, bmcs=False)
    )


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
    (cloud,) = region(tmp_path, site("a")).sites.values()
    before = cloud.durations
    cloud.durations = before.times(2.5)
    assert cloud.durations.build == 2.5 * before.build
    assert cloud.durations.reboot == 2.5 * before.reboot
