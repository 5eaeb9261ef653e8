"""The page: one file that asks for nothing, runs nothing foreign, and stays small."""

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from models.archive import Holding
from models.outcome import Outcome
from models.records import CampaignEvent
from records.report import build_report, render_html
from records.words import SIGNS
from tests.records.fleet import BEGAN, campaign, night

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}</title></style>"
LOADS = {"src", "srcset", "data", "poster", "action", "background", "manifest", "ping"}


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, and the text of scripts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.strip():
            self.scripts.append(data)
        if self.lasttag not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))

    def foreign(self) -> list[tuple[str, str, str | None]]:
        """Whatever would make a browser fetch something or run something."""
        found = []
        for tag, attributes in self.tags:
            for name, value in attributes.items():
                loads = name in LOADS or (
                    name in ("href", "xlink:href") and not (value or "").startswith("#")
                )
                if loads or name.startswith("on"):
                    found.append((tag, name, value))
        return found


def page(sites: int, window: int = 25, *, running: bool = False) -> str:
    events, runs = night(sites, window) if sites else ([], [])
    ended = None if running else max((run.ended for run in runs), default=BEGAN)
    return render_html(build_report(campaign(sites or 3, ended), events, runs), version="0.1.0")


def hostile_page() -> str:
    events, runs = night(20, 5)
    bad = runs[0].model_copy(
        update={
            "site": HOSTILE,
            "region": HOSTILE,
            "outcome": Outcome.FAILED,
            "reason": HOSTILE,
            "evidence": (HOSTILE,),
            "version_before": HOSTILE,
            "steps": tuple(step.model_copy(update={"name": HOSTILE}) for step in runs[0].steps),
        }
    )
    said = CampaignEvent(first_run_id="c", sequence=900, at=BEGAN, text=f"paused by {HOSTILE}")
    told = campaign(20, None).model_copy(
        update={
            "name": HOSTILE,
            "reason": HOSTILE,
            "inventory_hash": HOSTILE,
            "spec_json": f'"{HOSTILE[:8]}"',
        }
    )
    return render_html(build_report(told, [*events, said], [bad, *runs[1:]]), version=HOSTILE)


@pytest.mark.parametrize("sites", [0, 5, 200])
def test_nothing_is_fetched(sites: int) -> None:
    parsed = Page(page(sites))
    assert parsed.foreign() == []
    assert not {tag for tag, _ in parsed.tags} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert "@import" not in page(sites)
    assert set(re.findall(r"url\(([^)]*)\)", page(sites))) <= {
        "#h-soak",
        "#h-pause",
        "#h-approval",
        "#h-freeze",
    }


def test_the_check_for_foreign_references_finds_one() -> None:
    assert Page('<a href="https://x/">').foreign()
    assert Page("<svg onload=alert(1)>").foreign()
    assert not Page('<a href="#s1">').foreign()


def test_the_policy_allows_the_one_script_by_its_hash_and_nothing_else() -> None:
    parsed = Page(page(5))
    policy = next(a["content"] for tag, a in parsed.tags if tag == "meta" and "http-equiv" in a)
    assert len(parsed.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[0].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize(
    ("kind", "over", "count"),
    [("patch", "patch to", "sites at the release"), ("bring-up", "bring-up to", "sites done")],
)
def test_a_page_says_what_kind_of_change_it_is(kind: str, over: str, count: str) -> None:
    events, runs = night(3, 25)
    told = campaign(3, runs[-1].ended)
    told = told.model_copy(
        update={"spec_json": told.spec_json.replace('"kind": "patch"', f'"kind": "{kind}"')}
    )
    source = render_html(build_report(told, events, runs))
    assert over in source
    assert f"of 3 {count}" in source


def test_hostile_words_are_shown_and_do_not_run() -> None:
    source = hostile_page()
    parsed = Page(source)
    assert parsed.foreign() == []
    assert len(parsed.scripts) == 1
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert "<script>alert" not in source
    assert "alert(1)" in parsed.words
    assert "{{7*7}}" in parsed.words


def test_without_escaping_the_hostile_page_would_be_caught() -> None:
    unescaped = hostile_page().replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')
    assert Page(unescaped).foreign()


def test_what_needs_a_person_comes_first_with_its_evidence_and_the_next_step() -> None:
    words = Page(page(200)).words
    order = [words.index(part) for part in ("Needs a person", "Outcomes", "Timeline", "Every site")]
    assert order == sorted(order)
    first = words[order[0] : order[1]]
    assert "unlock of controller-0 timed out" in first
    assert "controller-0 is unlocked-disabled-offline" in first
    assert "Put that right on the site" in first


def test_a_campaign_that_is_still_running_says_so() -> None:
    words = Page(page(5, running=True)).words
    assert "Still running:" in words
    assert "No end is recorded" in words
    assert "Still running:" not in Page(page(5)).words


def test_a_campaign_without_runs_is_a_page_too() -> None:
    words = Page(page(0)).words
    assert "No run has ended." in words
    assert "3 without a record" in words


def test_every_outcome_has_its_own_letter_shape_and_word() -> None:
    assert set(SIGNS) == set(Outcome)
    assert len({sign.letter for sign in SIGNS.values()}) == len(Outcome)
    source = page(5)
    for outcome, sign in SIGNS.items():
        shape = re.search(rf'<symbol id="o-{outcome}".*?<path d="(.+?)"/><text[^>]*>(\w)</text>', source)
        assert shape is not None, outcome
        assert shape.group(2) == sign.letter


def test_bars_are_drawn_up_to_three_hundred_sites() -> None:
    assert page(300).count("one bar each") == 5
    assert "one bar each" not in page(301)
    assert "Single bars are drawn for up to 300 sites" in Page(page(301)).words


def test_a_thousand_sites_stay_below_three_megabytes() -> None:
    assert len(page(1_000, 100).encode()) < 3_000_000


def test_a_thousand_sites_that_all_failed_at_length_stay_below_three_megabytes() -> None:
    events, runs = night(1_000, 100)
    worst = [
        run.model_copy(
            update={"outcome": Outcome.FAILED, "reason": "r" * 2_000, "evidence": ("e" * 500,) * 50}
        )
        for run in runs
    ]
    retried = [
        run.model_copy(update={"run_id": f"{run.run_id}-{n}", "ended": run.ended + timedelta(seconds=n)})
        for run in worst
        for n in range(4)
    ]
    source = render_html(build_report(campaign(1_000, None), events, retried))
    assert len(source.encode()) < 3_000_000
    assert "lines of evidence in the JSON report" in source


def test_a_backup_campaigns_page_has_its_stale_and_unverified_sites_or_says_that_nobody_asked() -> None:
    told = campaign(3, None)
    backup = told.model_copy(update={"spec_json": '{"name": "night", "operation": {"kind": "backup"}}'})
    events, runs = night(3, 2)
    stale = Holding(site="edge-7", archive="vault", stale=HOSTILE)
    asked = Page(render_html(build_report(backup, events, runs, holdings=[stale]))).words
    assert "1 stale" in asked
    assert "edge-7" in asked
    assert "No site is unverified." in asked
    assert "The archives were not asked" in Page(render_html(build_report(backup, events, runs))).words
    assert "Backups in the archive" not in page(3)


@pytest.mark.parametrize("rehearsal", [True, False])
def test_a_rehearsal_is_never_taken_for_what_happened(rehearsal: bool) -> None:
    events, runs = night(3, 25)
    ended = max(run.ended for run in runs)
    report = build_report(campaign(3, ended), events, runs, rehearsal=rehearsal)
    words = Page(render_html(report)).words
    told = ("Rehearsal of campaign", "Rehearsal, no site was touched: ", "what would be, not what is")
    assert [each in words for each in told] == [rehearsal] * 3
    assert report.verdict.startswith("Rehearsal, no site was touched: ") is rehearsal
