"""schedules.yaml: what it reads, and every mistake by file and line."""

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.load import load_inventory
from inventory.schedule_file import load_schedules
from tests.inventory.files import CAMPAIGN, INVENTORY, complaint, edited, written

SCHEDULES = """\
schedules:
- name: nightly
  campaign: campaigns/patch.yaml
  cron: ['0 20 * * MON-THU', '30 8 1,15 * *']
  timezone: Europe/Berlin
  overlap: buffer-one
- name: weekly
  campaign: campaigns/patch.yaml
  every: 7d
"""


def files(folder: Path, text: str = SCHEDULES, campaign: str = CAMPAIGN) -> Path:
    (folder / "campaigns").mkdir(exist_ok=True)
    written(folder, campaign, "campaigns/patch.yaml")
    return written(folder, text, "schedules.yaml")


def test_each_schedule_comes_with_its_campaign(tmp_path: Path) -> None:
    nightly, weekly = load_schedules(files(tmp_path))
    assert (nightly.schedule.name, nightly.campaign.name) == ("nightly", "spring")
    assert nightly.schedule.cron == ("0 20 * * MON-THU", "30 8 1,15 * *")
    assert weekly.schedule.every == timedelta(days=7)
    assert (weekly.schedule.overlap, weekly.schedule.catch_up) == ("skip", timedelta(minutes=10))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("'0 20 * * MON-THU'", "'20 o clock'", "schedules[0].cron[0]: expected minute, hour, day of month"),
        ("name: weekly", "name: nightly", "'nightly' is already the name of another schedule, schedules[0]"),
        ("Europe/Berlin", "Europe/Berlim", "is no IANA time zone; did you mean 'Europe/Berlin'?"),
        ("  every: 7d\n", "", "schedules[1]: expected cron or every: nothing says when"),
        ("every: 7d", "every: 5s", "expected a duration of at least 1m"),
        ("overlap: buffer-one", "overlap: both", "expected skip, buffer-one, buffer-all, cancel-other or"),
        ("name: nightly", f"name: {'n' * 60}", "expected a name of at most 46 letters"),
    ],
)
def test_mistakes_are_told_by_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = files(tmp_path, edited(SCHEDULES, old, new))
    said = complaint(lambda: load_schedules(path))
    assert words in said, said
    assert said.startswith(f"{path}:")


def test_a_campaign_file_that_is_not_there_is_told_by_the_schedule_s_line(tmp_path: Path) -> None:
    path = files(tmp_path, SCHEDULES.replace("campaigns/patch.yaml\n  every", "campaigns/none.yaml\n  every"))
    said = complaint(lambda: load_schedules(path))
    assert f"{path}:8: schedules[1].campaign: 'campaigns/none.yaml': there is no such file" in said


def test_mistakes_of_a_campaign_are_told_once_in_its_own_file(tmp_path: Path) -> None:
    inventory = load_inventory(written(tmp_path, INVENTORY))
    path = files(tmp_path, campaign=edited(CAMPAIGN, "  all: true\n", "  names: [alpa]\n"))
    said = complaint(lambda: load_schedules(path, inventory))
    assert said.count("\n") == 0
    assert "patch.yaml:6: select.names[0]: the inventory has no site 'alpa'; did you mean 'alpha'?" in said
