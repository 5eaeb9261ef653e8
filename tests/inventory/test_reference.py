"""The reference of the files: its examples load, and it names every key with its default."""

import re
from pathlib import Path

import pytest

from inventory.campaign_file import load_campaign
from inventory.load import load_inventory
from models.base import Frozen, format_duration
from models.campaign import Budget, CampaignSpec, PatchOperation, Selector, Wave, Window
from models.inventory import Credential, Endpoints, Host, InventoryFile, Site, SystemController
from tests.inventory.files import written

TEXT = (Path(__file__).parents[2] / "docs/reference/files.md").read_text()
INVENTORY, *CAMPAIGNS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_examples_load_together(folder: Path) -> None:
    (folder / "pki").mkdir()
    written(folder, "-----BEGIN CERTIFICATE-----", "pki/central-ca.pem")
    inventory = load_inventory(written(folder, INVENTORY))
    assert len(CAMPAIGNS) == 2
    for text in CAMPAIGNS:
        load_campaign(written(folder, text, "campaign.yaml"), inventory)


@pytest.mark.parametrize(
    "model",
    [
        InventoryFile,
        SystemController,
        Credential,
        Site,
        Endpoints,
        Host,
        CampaignSpec,
        PatchOperation,
        Selector,
        Wave,
        Window,
        Budget,
    ],
)
def test_every_key_is_described(model: type[Frozen]) -> None:
    for name, field in model.model_fields.items():
        assert f"`{field.alias or name}`" in TEXT, name


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
