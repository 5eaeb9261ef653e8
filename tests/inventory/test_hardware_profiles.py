"""Hardware profiles: declared once, referred to by hosts."""

from pathlib import Path

import pytest

from inventory.bmc import declared_bmc
from inventory.load import load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, written

PROFILES = """\
hardware_profiles:
- {name: edge-large, cores: 64, memory_gib: 256}
- {name: edge-small, cores: 16}
"""
HOST = "bmc: 10.0.0.1}"
ACCESS = "  topology: AIO-DX\n"


def with_host(hardware: str) -> str:
    return PROFILES + edited(INVENTORY, HOST, f"bmc: 10.0.0.1, hardware: {hardware}}}")


def test_a_host_knows_its_profile(folder: Path) -> None:
    access = "  bmc: {credential: {username: root, password: env:BMC}}\n"
    text = edited(with_host("edge-large"), ACCESS, ACCESS + access)
    found = declared_bmc(load_inventory(written(folder, text)), "beta", "controller-0")
    assert found.profile is not None
    assert (found.profile.cores, found.profile.drives) == (64, None)
    assert declared_bmc(load_inventory(written(folder, text)), "beta", "controller-1").profile is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (with_host("edge-lagre"), "there is no hardware profile 'edge-lagre'; did you mean 'edge-large'?"),
        (edited(PROFILES, "edge-small", "edge-large") + INVENTORY, "is already the name of another hardware"),
        (edited(PROFILES, "cores: 16", "cores: 0") + INVENTORY, "cores: expected at least 1, found 0"),
        (edited(PROFILES, "cores: 16", "core: 16") + INVENTORY, "core: unknown key; did you mean 'cores'?"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_its_place(folder: Path, text: str, words: str) -> None:
    written(folder, text)
    assert words in complaint(lambda: load_inventory("inventory.yaml"))
