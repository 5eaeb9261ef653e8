"""The reference of the files: its examples load, and it names every key with its default."""

import re
from pathlib import Path

import pytest

from inventory.campaign_file import load_campaign
from inventory.load import load_inventory
from models.archive_access import ArchiveTarget
from models.base import Frozen, format_duration
from models.campaign import Again, Budget, CampaignSpec, Selector, WanBudget, Wave, Window
from models.ceph_access import CephAccess
from models.deploy_files import DeployFiles
from models.install_values import InstallValues
from models.inventory import (
    Bmc,
    BmcAccess,
    BmcCredential,
    BootImages,
    Credential,
    Endpoints,
    HardwareProfile,
    Host,
    InventoryFile,
    IronicCredential,
    IronicService,
    KubernetesAccess,
    OpenstackAccess,
    OpenstackCredential,
    Site,
    SystemController,
    VmProbe,
)
from models.notices import NotifyTarget
from models.operations import (
    AddSubcloudOperation,
    BringUpOperation,
    ConfigureOperation,
    FirmwareComponent,
    FirmwareOperation,
    InstallOperation,
    JourneyOperation,
    PatchOperation,
    PrestageOperation,
    VerifyStep,
)
from models.windows import Blackout, MaintenanceWindow, WindowPolicy
from tests.inventory.files import written

TEXT = (Path(__file__).parents[2] / "docs/reference/files.md").read_text()
INVENTORY, *CAMPAIGNS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_examples_load_together(folder: Path) -> None:
    (folder / "pki").mkdir()
    written(folder, "-----BEGIN CERTIFICATE-----", "pki/central-ca.pem")
    inventory = load_inventory(written(folder, INVENTORY))
    assert len(CAMPAIGNS) == 5
    for text in CAMPAIGNS:
        load_campaign(written(folder, text, "campaign.yaml"), inventory)


@pytest.mark.parametrize(
    "model",
    [
        InventoryFile,
        SystemController,
        Credential,
        Site,
        DeployFiles,
        Endpoints,
        Host,
        Bmc,
        BmcAccess,
        BmcCredential,
        IronicService,
        KubernetesAccess,
        CephAccess,
        IronicCredential,
        OpenstackAccess,
        OpenstackCredential,
        VmProbe,
        BootImages,
        InstallValues,
        CampaignSpec,
        PatchOperation,
        InstallOperation,
        FirmwareOperation,
        FirmwareComponent,
        AddSubcloudOperation,
        BringUpOperation,
        ConfigureOperation,
        PrestageOperation,
        JourneyOperation,
        VerifyStep,
        HardwareProfile,
        Selector,
        Wave,
        Window,
        WindowPolicy,
        NotifyTarget,
        Budget,
        Again,
        WanBudget,
        ArchiveTarget,
    ],
)
def test_every_key_is_described(model: type[Frozen]) -> None:
    for name, field in model.model_fields.items():
        assert f"`{field.alias or name}`" in TEXT, name


@pytest.mark.parametrize(("key", "model"), [("windows", MaintenanceWindow), ("blackouts", Blackout)])
def test_every_key_of_a_list_is_described(key: str, model: type[Frozen]) -> None:
    for name in model.model_fields:
        assert f"`{key}[].{name}`" in TEXT or f"`{name}`" in TEXT, name


@pytest.mark.parametrize(
    "model", [SystemController, Credential, Site, PatchOperation, Wave, Window, Budget, CampaignSpec]
)
def test_plain_defaults_are_those_of_the_models(model: type[Frozen]) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` (\|.*)$", TEXT, re.MULTILINE))
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, bool):
            assert f"| `{str(default).lower()}` |" in rows[name], name
        elif isinstance(default, str | int) and default != "":
            assert f"| `{default}` |" in rows[name], name
        elif hasattr(default, "total_seconds"):
            assert f"| `{format_duration(default)}` |" in rows[name], name
