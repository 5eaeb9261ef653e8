"""Windows and blackouts in inventory.yaml: which a site has, and what is refused by line."""

from pathlib import Path

import pytest

from inventory.load import load_inventory
from inventory.windows import hours_of
from tests.inventory.files import INVENTORY, complaint, edited, written

WINDOWS = """\
windows:
- {name: nights, rrule: FREQ=DAILY;BYHOUR=22, duration: 6h}
- {name: south, rrule: FREQ=WEEKLY;BYDAY=SU;BYHOUR=1, duration: 4h, labels: {region: south}}
blackouts:
- {first: '2026-12-20', last: '2027-01-06', reason: year end}
- {first: '2026-07-02', last: '2026-07-03', reason: trade fair, labels: {region: north}}
"""


def test_a_site_has_the_windows_that_its_labels_fit_or_its_own(tmp_path: Path) -> None:
    own = edited(INVENTORY, "- name: gamma\n", "- name: gamma\n  windows: []\n")
    file = load_inventory(written(tmp_path, own + WINDOWS)).file
    told = {}
    for site in file.sites:
        windows, blackouts = hours_of(file, site)
        told[site.name] = ([each.name for each in windows], [each.reason for each in blackouts])
    assert told == {
        "alpha": (["nights"], ["year end", "trade fair"]),
        "beta": (["nights", "south"], ["year end"]),
        "gamma": ([], ["year end"]),
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("BYHOUR=22", "BYHOUR=99", "windows[0].rrule: expected an RRULE such as FREQ=WEEKLY"),
        ("name: south", "name: nights", "windows[1].name: 'nights' is already the name of another window"),
        (
            "region: south}}",
            "region: sooth}}",
            "no site has 'region': 'sooth', so this holds nobody; did you mean",
        ),
        ("'2027-01-06'", "'2026-12-06'", "expected last on or after first, 2026-12-20; found 2026-12-06"),
        (
            "'2027-01-06'",
            "2027-01-06",
            "blackouts[0].last: '2027-01-06' is read as a date; write it in quotes",
        ),
        (
            "duration: 6h",
            "duration: 9d",
            "windows[0].duration: expected a duration from 1s to 7d, found '9d'",
        ),
    ],
)
def test_mistakes_are_told_by_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = written(tmp_path, INVENTORY + edited(WINDOWS, old, new))
    said = complaint(lambda: load_inventory(path))
    assert words in said, said
    assert said.startswith(f"{path}:")


def test_a_window_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    text = edited(INVENTORY, "- name: gamma\n", "- name: gamma\n  windows: [nigths]\n")
    said = complaint(lambda: load_inventory(written(tmp_path, text + WINDOWS)))
    assert "sites[2].windows[0]: there is no window 'nigths'; did you mean 'nights'?" in said
