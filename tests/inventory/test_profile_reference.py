"""The reference of site profiles: its examples load, one for each topology, and it names every key."""

import re
from pathlib import Path

import pytest

from inventory.load import load_inventory
from models.applications import Application, ChartOverrides
from models.base import Frozen
from models.profile import (
    Cpus,
    DataNetwork,
    Interface,
    Memory,
    NetworkAttachment,
    RoleProfile,
    ServiceParameter,
    SiteProfile,
    Storage,
    SystemProfile,
)
from models.profile_services import CertificateFile, PtpInstance, PtpInterface, Route
from tests.inventory.files import written

TEXT = (Path(__file__).parents[2] / "docs/reference/profiles.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_there_is_an_example_for_each_topology(folder: Path) -> None:
    loaded = [load_inventory(written(folder, text)) for text in EXAMPLES]
    topologies = [inventory.sites[0].topology for inventory in loaded]
    assert topologies == ["AIO-SX", "AIO-DX", "Standard", "Standard"]
    roles = [sorted(inventory.file.site_profiles[0].roles) for inventory in loaded]
    assert roles[2:] == [["controller", "worker"], ["controller", "storage", "worker"]]


@pytest.mark.parametrize(
    "model",
    [
        SiteProfile,
        SystemProfile,
        DataNetwork,
        Storage,
        ServiceParameter,
        RoleProfile,
        Interface,
        Cpus,
        Memory,
        NetworkAttachment,
        PtpInstance,
        PtpInterface,
        CertificateFile,
        Route,
        Application,
        ChartOverrides,
    ],
)
def test_every_key_is_described(model: type[Frozen]) -> None:
    for name, field in model.model_fields.items():
        assert f"`{field.alias or name}`" in TEXT, name
