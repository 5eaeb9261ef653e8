"""Campaigns that back sites up and restore them: what is refused of their files, and in which words."""

from pathlib import Path

import pytest

from inventory.campaign_file import load_campaign
from inventory.load import Inventory, load_inventory
from models.campaign import CampaignSpec
from models.operations import BackupOperation, RestoreOperation
from tests.inventory.files import INVENTORY, complaint, edited, written
from workflows.operations import request_for, workflow_for

ARCHIVES = """\
archives:
- name: vault
  directory: archive
  labels: {region: north}
  keys: [{id: k1, secret: "env:ARCHIVE_KEY"}]
"""
BACKUP = """\
name: nightly
operation:
  kind: backup
select:
  names: [alpha]
window:
  max_in_flight: 250
"""
RESTORE = """\
name: back
operation:
  kind: restore
  wipe: [alpha]
select:
  names: [alpha]
"""


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    (folder / "archive").mkdir()
    return load_inventory(written(folder, INVENTORY + ARCHIVES))


def said(folder: Path, text: str, inventory: Inventory) -> str:
    return complaint(lambda: load_campaign(written(folder, text, "campaign.yaml").name, inventory))


def loaded(folder: Path, text: str, inventory: Inventory) -> CampaignSpec:
    return load_campaign(written(folder, text, "campaign.yaml"), inventory)


def test_each_site_gets_a_request_of_its_own(folder: Path, inventory: Inventory) -> None:
    backup = loaded(folder, BACKUP, inventory)
    assert isinstance(backup.operation, BackupOperation)
    assert workflow_for(backup.operation) == "BackupSite"
    assert request_for(backup, "alpha", 1, again=False).site == "alpha"
    restore = loaded(folder, RESTORE, inventory)
    assert isinstance(restore.operation, RestoreOperation)
    assert workflow_for(restore.operation) == "RestoreSite"
    named, unnamed = (request_for(restore, site, 1, again=False).model_dump() for site in ("alpha", "beta"))
    assert (named["wipe"], unnamed["wipe"]) == ("alpha", None)


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (BACKUP, "names: [alpha]", "names: [alpha, beta]", "no archive is declared at beta"),
        (BACKUP, "250", "251", "expected at most 250, which dcmanager backs up at a time; found 251"),
        (BACKUP, "kind: backup", "kind: backup\n  registry_images: true", "registry_images goes with local"),
        (RESTORE, "wipe: [alpha]", "wipe: [alpah]", "'alpah' is no site of this campaign"),
        (RESTORE, "wipe: [alpha]", "wipe: [alpah]", "did you mean 'alpha'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, inventory: Inventory, text: str, old: str, new: str, words: str
) -> None:
    assert said(folder, text, inventory) == ""
    assert words in said(folder, edited(text, old, new), inventory)
