"""Campaigns that back sites up and restore them: what is refused of their files, and in which words."""

from pathlib import Path

import pytest

from inventory.campaign_file import load_campaign
from inventory.load import Inventory, load_inventory
from inventory.wan import site_rate
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


WAN = "max_in_flight: 250\n  wan: {by: {region: 40MB}, site: 5MB}"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("40MB", "4MB", "window.wan.by.region: expected at least 5MB, which one site takes; found 4MB"),
        ("region: 40MB", "regoin: 40MB", "window.wan.by.regoin: no selected site has the label 'regoin'"),
        (", site: 5MB", "", "archive vault, which takes alpha, has no bytes_per_second"),
        ("40MB", "40", "window.wan.by.region: expected how much a second, such as 100MB"),
        ("5MB", "5", "window.wan.site: expected how much a second, such as 100MB"),
    ],
)
def test_a_wan_budget_that_holds_nothing_is_refused(
    folder: Path, inventory: Inventory, old: str, new: str, words: str
) -> None:
    text = edited(BACKUP, "max_in_flight: 250", WAN)
    assert said(folder, text, inventory) == ""
    found = said(folder, edited(text, old, new), inventory)
    assert words in found
    assert found.startswith("campaign.yaml:8: ")


def test_only_of_backups_the_archives_say_what_a_site_takes(folder: Path) -> None:
    (folder / "archive").mkdir()
    limited = ARCHIVES.replace("directory:", "bytes_per_second: 5000000\n  directory:")
    inventory = load_inventory(written(folder, INVENTORY + limited))
    text = edited(BACKUP, "max_in_flight: 250", "wan: {by: {region: 12MB}}")
    spec = loaded(folder, text, inventory)
    sites = [inventory.site("alpha")]
    assert site_rate(spec.operation, spec.window, sites, inventory) == ("5000000B", "")
    assert "expected at least 5000000B" in said(folder, edited(text, "12MB", "4MB"), inventory)
    prestage = edited(text, "kind: backup", "kind: prestage\n  release: starlingx-26.03.1")
    assert "window.wan.site: expected what one site takes, such as 5MB; only of backups" in said(
        folder, prestage, inventory
    )


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
