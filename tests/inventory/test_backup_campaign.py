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


SAID = """\
  sites:
    beta:
      replaced: {controller-0: "52:54:00:00:00:01", "52:54:00:00:00:09": "52:54:00:00:00:02"}
      leave_out: [worker-1]
"""
OF_BETA = edited(edited(RESTORE, "wipe: [alpha]\n", "wipe: [alpha]\n" + SAID), "names: [alpha]", "all: true")
WORKER = """  - {name: worker-1, personality: worker}
- name: gamma"""


def test_what_is_said_of_one_site_is_told_to_that_one_alone(folder: Path) -> None:
    (folder / "archive").mkdir()
    archives = edited(ARCHIVES, "  labels: {region: north}\n", "")
    inventory = load_inventory(written(folder, edited(INVENTORY, "- name: gamma", WORKER) + archives))
    campaign = loaded(folder, OF_BETA, inventory)
    beta, alpha = (request_for(campaign, site, 1, again=False).model_dump() for site in ("beta", "alpha"))
    assert beta["replaced"]["controller-0"] == "52:54:00:00:00:01"
    assert beta["leave_out"] == ("worker-1",)
    assert (alpha["replaced"], alpha["leave_out"]) == ({}, ())
    assert said(folder, OF_BETA, inventory) == ""
    for old, new, words in (
        ("    beta:", "    betta:", "sites.betta: 'betta' is no site of this campaign; did you mean 'beta'?"),
        ("[worker-1]", "[worker-7]", "leave_out[0]: no host 'worker-7' is declared at beta"),
        ("[worker-1]", "[controller-1]", "controller-1 is a controller: only workers can be left out"),
        (
            '{controller-0: "52:54:00:00:00:01"',
            '{controller-0: "52:54:00:00:00:07"',
            "gives it 52:54:00:00:00:01",
        ),
        ("{controller-0:", "{controler-0:", "no host 'controler-0' is declared at beta"),
        ("{controller-0:", "{worker-1:", "worker-1 is left out, too"),
        ('"52:54:00:00:00:02"}', '"52:54"}', "replaced"),
    ):
        complaint_of = said(folder, edited(OF_BETA, old, new), inventory)
        assert words in complaint_of, complaint_of
        assert "campaign.yaml:" in complaint_of


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
