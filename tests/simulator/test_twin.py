"""A site by its description; and what a restore takes for an archive, however it came."""

import io
import os
import pickle
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.cloud import saving
from simulator.options import Options, UsageError
from simulator.region import Region, build
from simulator.twin import TwinError, read

HOSTS = [
    {"name": "controller-0", "personality": "controller", "mac": "00:00:5e:00:53:a0"},
    {"name": "controller-1", "personality": "controller", "mac": "00:00:5e:00:53:a1"},
    {"name": "far-end", "personality": "worker", "mac": "00:00:5e:00:53:a2"},
]
SITE = {"site": "far-7", "subcloud": "sub-7", "region": "r7", "topology": "Standard", "hosts": HOSTS}


def written(folder: Path, **more: Any) -> Path:
    file = folder / "twin.yaml"
    file.write_text(yaml.safe_dump(SITE | more))
    return file


def region(folder: Path, **more: Any) -> Region:
    return build(Options(sites=1, inventory=folder / "inventory.yaml", twin=read(written(folder, **more))))


def test_the_one_site_is_called_and_built_as_described(tmp_path: Path) -> None:
    found = region(tmp_path)
    (cloud,) = found.sites.values()
    assert (cloud.name, cloud.identity.subcloud, cloud.identity.region) == ("far-7", "sub-7", "r7")
    assert cloud.identity.topology == "Standard"
    assert [(host.name, host.personality, host.mac) for host in cloud.hosts] == [
        (host["name"], host["personality"], host["mac"]) for host in HOSTS
    ]
    assert found.floor is not None
    assert found.floor.bmc(found.floor.place("far-7", "far-end")).hardware.nics[0].macs[0] == HOSTS[2]["mac"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"topology": "aio"}, "topology: must be one of AIO-SX, AIO-DX, Standard, not 'aio'"),
        ({"hosts": []}, "hosts: expected a list"),
        ({"hosts": HOSTS[1:]}, "hosts[0].name: must be controller-0"),
        ({"hosts": [HOSTS[0] | {"mac": "x"}]}, "hosts[0].mac: must look like"),
        ({"region": None}, "region: expected a word"),
    ],
)
def test_what_is_no_description_is_refused(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(TwinError) as refused:
        read(written(tmp_path, **more))
    assert words in str(refused.value)


def test_a_region_has_no_other_site_beside_a_twin(tmp_path: Path) -> None:
    options = Options(sites=1, inventory=tmp_path / "inventory.yaml", twin=read(written(tmp_path)))
    options.check()
    with pytest.raises(UsageError, match="--twin"):
        replace(options, sites=2).check()


def test_an_archive_of_a_real_platform_brings_a_twin_back_as_it_was_built(tmp_path: Path) -> None:
    (cloud,) = region(tmp_path).sites.values()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("etc/platform/platform.conf"))
    found = saving.unpack(file.getvalue(), cloud.as_built)
    assert [row["mac"] for row in found.hosts] == [host["mac"] for host in HOSTS]
    for content in (file.getvalue()[:20], b"\x1f\x8b"):
        with pytest.raises(saving.UnreadableArchiveError):
            saving.unpack(content, cloud.as_built)
    with pytest.raises(saving.UnreadableArchiveError):
        saving.unpack(file.getvalue())


class _Harm:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.file),)


def test_an_archive_from_outside_runs_nothing(tmp_path: Path) -> None:
    (cloud,) = region(tmp_path).sites.values()
    assert saving.unpack(saving.pack(cloud)).region == "r7"
    made = tmp_path / "made"
    content = pickle.dumps(_Harm(made))
    pickle.loads(content)
    made.rmdir()
    with pytest.raises(saving.UnreadableArchiveError):
        saving.unpack(zlib.compress(content))
    assert not made.exists()
