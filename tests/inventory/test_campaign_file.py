"""Campaign files: what the model refuses, and what cannot be true of this inventory."""

from pathlib import Path

import pytest

from inventory.campaign_file import check_campaign, load_campaign
from inventory.load import Inventory, load_inventory
from models.campaign import CampaignSpec
from tests.inventory.files import CAMPAIGN, INVENTORY, complaint, edited, written


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    return load_inventory(written(folder, INVENTORY))


def said(folder: Path, text: str, inventory: Inventory | None = None) -> str:
    written(folder, text, "campaign.yaml")
    return complaint(lambda: load_campaign("campaign.yaml", inventory))


def test_the_shortest_campaign_loads(folder: Path, inventory: Inventory) -> None:
    spec = load_campaign(written(folder, CAMPAIGN, "campaign.yaml"), inventory)
    assert spec.operation.release == "starlingx-26.03.1"
    assert spec.select.all
    assert check_campaign(spec, inventory) == []


def test_the_whole_campaign_loads(folder: Path, inventory: Inventory) -> None:
    text = edited(CAMPAIGN, "  all: true", "  labels: {region: south}\n  except: [alpha]") + (
        "waves:\n- {count: 1, soak: 30m}\n- percent: 50\n- percent: 100\n"
        "window: {max_in_flight: 20, by: {region: 2, system_controller: 10}}\n"
        "budget: {failed: 1, unreachable: 10%, wave_failed: 50%, consecutive: 3, on_spent: abort}\n"
        "approvals: [after-wave-1, after-wave-2]\n"
    )
    spec = load_campaign(written(folder, text, "campaign.yaml"), inventory)
    assert spec.select.except_ == ("alpha",)
    assert [wave.percent for wave in spec.waves] == [None, 50, 100]


# what is replaced in (or, where empty, added to) the good file, by what, the words, and a repair
MODEL_CASES = {
    "release that YAML reads as a number": (
        "starlingx-26.03.1",
        "26.03",
        "campaign.yaml:4: operation.release: expected text, found the number 26.03; "
        "write it in quotes: '26.03'",
        "wrcp-26.3.1",
    ),
    "release of another form": (
        "starlingx-26.03.1",
        "26.03.1",
        "campaign.yaml:4: operation.release: expected a release as USM names it, such as starlingx-26.03.1, "
        "found '26.03.1'",
        "starlingx-26.03.1",
    ),
    "duration without a unit": (
        "  release: starlingx-26.03.1",
        "  release: starlingx-26.03.1\n  ready_within: 30",
        "campaign.yaml:5: operation.ready_within: expected a duration such as 90s, 15m, 2h or 1h30m, "
        "found the number 30",
        "  release: starlingx-26.03.1\n  ready_within: 30m",
    ),
    "duration beyond all bounds": (
        "  release: starlingx-26.03.1",
        "  release: starlingx-26.03.1\n  ready_within: 99999999999999999d",
        "campaign.yaml:5: operation.ready_within: expected a duration of at most 3650d, "
        "found '99999999999999999d'",
        "  release: starlingx-26.03.1\n  ready_within: 30d",
    ),
    "two ways to select": (
        "  all: true",
        "  all: true\n  names: [alpha]",
        "campaign.yaml:5: select: expected exactly one of labels, names, groups, all; found names and all",
        "  names: [alpha]",
    ),
    "no way to select": (
        "  all: true",
        "  except: [alpha]",
        "campaign.yaml:5: select: expected exactly one of labels, names, groups, all; found none",
        "  all: true\n  except: [alpha]",
    ),
    "misspelt except": (
        "  all: true",
        "  all: true\n  excpet: [alpha]",
        "campaign.yaml:7: select.excpet: unknown key; did you mean 'except'?",
        "  all: true\n  except: [alpha]",
    ),
    "except under another word": (
        "  all: true",
        "  all: true\n  exclude: [alpha]",
        "campaign.yaml:7: select.exclude: unknown key; did you mean 'except'?",
        "  all: true\n  except: [alpha]",
    ),
    "count that is a boolean": (
        "",
        "waves: [{count: yes}, {percent: 100}]\n",
        "campaign.yaml:7: waves[0].count: expected a whole number, found yes, which YAML reads as true",
        "waves: [{count: 1}, {percent: 100}]\n",
    ),
    "wave with two sizes": (
        "",
        "waves:\n- {count: 1, percent: 100}\n",
        "campaign.yaml:8: waves[0]: expected exactly one of count, percent",
        "waves:\n- {percent: 100}\n",
    ),
    "percent beyond all": (
        "",
        "waves:\n- {percent: 101}\n",
        "campaign.yaml:8: waves[0].percent: expected at most 100, found 101",
        "waves:\n- {percent: 100}\n",
    ),
    "no waves": (
        "",
        "waves: []\n",
        "campaign.yaml:7: waves: expected at least 1 entry, found none",
        "waves: [percent: 100]\n",
    ),
    "budget beyond all": (
        "",
        "budget: {failed: 200%}\n",
        "campaign.yaml:7: budget.failed: expected a count such as 5 or a share such as 2%, found '200%'",
        "budget: {failed: 20%}\n",
    ),
    "gate of another form": (
        "",
        "approvals: [wave-1]\n",
        "campaign.yaml:7: approvals[0]: expected a gate such as after-wave-1, found 'wave-1'",
        "approvals: [after-wave-1]\n",
    ),
    "alarm that YAML reads as a number": (
        "  release: starlingx-26.03.1",
        "  release: starlingx-26.03.1\n  ignore_alarms: [750.006]",
        "campaign.yaml:5: operation.ignore_alarms[0]: expected text, found the number 750.006; "
        "write it in quotes: '750.006'",
        "  release: starlingx-26.03.1\n  ignore_alarms: ['750.006']",
    ),
}

PART_CASES = {
    "percent that falls": (
        "",
        "waves:\n- percent: 50\n- percent: 40\n- percent: 100\n",
        "campaign.yaml:9: waves[1].percent: a percentage is of all sites and must rise: "
        "expected more than 50, found 40",
        "waves:\n- percent: 40\n- percent: 50\n- percent: 100\n",
    ),
    "wave after everything": (
        "",
        "waves:\n- percent: 100\n- count: 1\n",
        "campaign.yaml:9: waves[1]: the waves before have taken all sites; remove this one",
        "waves:\n- count: 1\n- percent: 100\n",
    ),
    "gate after a wave that is not there": (
        "",
        "approvals: [after-wave-1, after-wave-3]\n",
        "campaign.yaml:7: approvals[1]: there is no wave 3; this campaign has 2 waves",
        "approvals: [after-wave-1]\n",
    ),
    "gate after the last wave": (
        "",
        "approvals: [after-wave-2]\n",
        "campaign.yaml:7: approvals[0]: wave 2 is the last; nothing comes after it that could be approved",
        "waves: [{count: 1}, {percent: 50}, {percent: 100}]\napprovals: [after-wave-2]\n",
    ),
    "gate twice": (
        "",
        "approvals: [after-wave-1, after-wave-1]\n",
        "campaign.yaml:7: approvals[1]: after-wave-1 stands twice",
        "approvals: [after-wave-1]\n",
    ),
}

SITE_CASES = {
    "name that is not declared": (
        "  all: true",
        "  names: [alpha, bete]",
        "campaign.yaml:6: select.names[1]: the inventory has no site 'bete'; did you mean 'beta'?",
        "  names: [alpha, beta]",
    ),
    "except that is not declared": (
        "  all: true",
        "  all: true\n  except:\n  - gamm",
        "campaign.yaml:8: select.except[0]: the inventory has no site 'gamm'; did you mean 'gamma'?",
        "  all: true\n  except:\n  - gamma",
    ),
    "label that nobody has": (
        "  all: true",
        "  labels: {regoin: north}",
        "campaign.yaml:6: select.labels.regoin: no site has the label 'regoin'; did you mean 'region'?",
        "  labels: {region: north}",
    ),
    "label value that nobody has": (
        "  all: true",
        "  labels: {region: west}",
        "campaign.yaml:6: select.labels.region: no site has 'west' here; sites have 'north', 'south'",
        "  labels: {region: south}",
    ),
    "labels that nobody has together": (
        "  all: true",
        "  labels: {region: north, tier: gold}",
        "campaign.yaml:5: select: no site is selected; none has region=north and tier=gold together",
        "  labels: {region: south, tier: gold}",
    ),
    "except that takes out all": (
        "  all: true",
        "  names: [alpha]\n  except: [alpha]",
        "campaign.yaml:5: select: no site is selected; `except` takes out all of them",
        "  names: [alpha, beta]\n  except: [alpha]",
    ),
    "counts that leave sites out": (
        "",
        "waves: [{count: 1}, {count: 1}]\n",
        "campaign.yaml:7: waves: the waves reach 2 of the 3 selected sites; end them with `percent: 100`",
        "waves: [{count: 1}, {count: 2}]\n",
    ),
    "percent that leaves sites out": (
        "",
        "waves: [{count: 1}, {percent: 60}]\n",
        "campaign.yaml:7: waves: the waves reach 2 of the 3 selected sites; end them with `percent: 100`",
        "waves: [{count: 1}, {percent: 60}, {count: 1}]\n",
    ),
    "cap that holds nobody": (
        "",
        "window: {by: {regoin: 1}}\n",
        "campaign.yaml:7: window.by.regoin: no selected site has the label 'regoin', so this cap would hold "
        "nobody; did you mean 'region'?",
        "window: {by: {region: 1, system_controller: 5}}\n",
    ),
    "cap that holds none of the selected": (
        "  all: true",
        "  names: [alpha]\nwindow: {by: {tier: 1}}",
        "campaign.yaml:7: window.by.tier: no selected site has the label 'tier', so this cap would hold "
        "nobody",
        "  names: [beta]\nwindow: {by: {tier: 1}}",
    ),
    "budget that can never be spent": (
        "",
        "budget: {failed: 4}\n",
        "campaign.yaml:7: budget.failed: 4 can never be spent, only 3 sites are selected; "
        "write 100% to switch it off",
        "budget: {failed: 100%}\n",
    ),
}


def changed(old: str, new: str) -> str:
    return edited(CAMPAIGN, old, new) if old else CAMPAIGN + new


@pytest.mark.parametrize(
    ("old", "bad", "words", "good"),
    [*MODEL_CASES.values(), *PART_CASES.values(), *SITE_CASES.values()],
    ids=[*MODEL_CASES, *PART_CASES, *SITE_CASES],
)
def test_a_mistake_is_told_with_its_line_and_its_repair_loads(
    folder: Path, inventory: Inventory, old: str, bad: str, words: str, good: str
) -> None:
    assert said(folder, changed(old, bad), inventory) == words
    assert said(folder, changed(old, good), inventory) == ""


@pytest.mark.parametrize(
    ("old", "bad", "words"), [case[:3] for case in PART_CASES.values()], ids=PART_CASES.keys()
)
def test_mistakes_between_the_parts_need_no_inventory(folder: Path, old: str, bad: str, words: str) -> None:
    assert said(folder, changed(old, bad)) == words


@pytest.mark.parametrize(("old", "bad"), [case[:2] for case in SITE_CASES.values()], ids=SITE_CASES.keys())
def test_without_an_inventory_nothing_is_said_about_sites(folder: Path, old: str, bad: str) -> None:
    words = said(folder, changed(old, bad))
    assert words == "" or "waves end at 60 %" in words


def test_waves_that_end_below_all_are_refused_for_any_number_of_sites(folder: Path) -> None:
    assert said(folder, CAMPAIGN + "waves: [{count: 1}, {percent: 60}]\n") == (
        "campaign.yaml:7: waves: the waves end at 60 % of the sites; end them with `percent: 100`"
    )


def test_groups_are_not_resolved_offline(folder: Path, inventory: Inventory) -> None:
    text = edited(CAMPAIGN, "  all: true", "  groups: [Default, night]")
    assert said(folder, text, inventory) == ""
    assert said(folder, text + "window: {by: {tier: 1}}\nwaves: [{count: 500}]\n", inventory) == ""
    assert said(folder, text + "window: {by: {teir: 1}}\n", inventory) == (
        "campaign.yaml:7: window.by.teir: no site has the label 'teir', so this cap would hold nobody; "
        "did you mean 'tier'?"
    )


def test_an_inventory_without_sites_selects_nothing(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY.partition("sites:")[0]))
    assert said(folder, CAMPAIGN, inventory) == (
        "campaign.yaml:5: select: no site is selected; the inventory declares none"
    )


def test_default_waves_fit_a_single_site(folder: Path, inventory: Inventory) -> None:
    assert said(folder, edited(CAMPAIGN, "  all: true", "  names: [beta]"), inventory) == ""


def test_all_mistakes_come_at_once_in_the_order_of_the_file(folder: Path, inventory: Inventory) -> None:
    text = """\
name: spring 2026
operation: {kind: patch, release: 26.03, instance_action: migrat}
select:
  names: [alpha, delt]
waves:
- percent: 50
window: {max_in_flight: 0, by: {regoin: 3}}
budget: {on_spent: stop, failed: 9}
approvals: [after-wave-1]
"""
    assert said(folder, text, inventory) == (
        """\
campaign.yaml:1: name: expected a name of at most 63 letters, digits, '.', '_' and '-' that begins with a letter or digit, found 'spring 2026'
campaign.yaml:2: operation.release: expected text, found the number 26.03; write it in quotes: '26.03'
campaign.yaml:2: operation.instance_action: expected auto, migrate or stop-start, found 'migrat'
campaign.yaml:4: select.names[1]: the inventory has no site 'delt'
campaign.yaml:5: waves: the waves end at 50 % of the sites; end them with `percent: 100`
campaign.yaml:7: window.max_in_flight: expected at least 1, found 0
campaign.yaml:7: window.by.regoin: no site has the label 'regoin', so this cap would hold nobody; did you mean 'region'?
campaign.yaml:8: budget.on_spent: expected pause or abort, found 'stop'
campaign.yaml:9: approvals[0]: wave 1 is the last; nothing comes after it that could be approved"""  # noqa: E501
    )


@pytest.mark.parametrize(
    ("old", "bad", "words"),
    [case[:3] for case in [*PART_CASES.values(), *SITE_CASES.values()]],
    ids=[*PART_CASES, *SITE_CASES],
)
def test_json_input_is_told_the_same_by_field(
    folder: Path, inventory: Inventory, old: str, bad: str, words: str
) -> None:
    path = written(folder, changed(old, bad), "campaign.yaml")
    try:
        spec = load_campaign(path)
    except Exception:
        spec = unchecked(path)
    expected = words.partition(": ")[2]
    assert check_campaign(spec, inventory) == [expected]


def unchecked(path: Path) -> CampaignSpec:
    import yaml

    return CampaignSpec.model_validate(yaml.safe_load(path.read_text()))


def test_resolved_groups_are_judged_like_any_selection(inventory: Inventory) -> None:
    spec = CampaignSpec.model_validate(
        {
            "name": "x",
            "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
            "select": {"groups": ["night"]},
            "waves": [{"count": 1}],
        }
    )
    assert check_campaign(spec, inventory) == []
    assert check_campaign(spec, inventory, {"night": {("central", "subcloud2")}}) == []
    assert check_campaign(spec, inventory, {"night": set()}) == ["select: no site is selected"]
    assert check_campaign(spec, inventory, {"night": {("central", "alpha"), ("central", "gamma")}}) == [
        "waves: the waves reach 1 of the 2 selected sites; end them with `percent: 100`"
    ]


def test_a_campaign_that_is_no_file_is_told_so(folder: Path) -> None:
    assert complaint(lambda: load_campaign("campaign.yaml")) == "campaign.yaml: there is no such file"
    assert said(folder, "") == "campaign.yaml: the file is empty"
