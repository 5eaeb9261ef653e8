"""The report's numbers against numbers worked out by hand, on a night small enough to follow.

wave 1   a  22:00 - 22:10   succeeded   gates 1 min, apply 8 min
wave 2   b  22:20 - 22:40   failed      then 22:45 - 23:05 succeeded (gates 2 min, apply 15 min)
         c  22:20 - 22:50   succeeded   gates 1 min, apply 25 min on two hosts (10 + 15)
         d  22:40 - 22:41   blocked
         e  22:50 - 22:51   skipped
         f  22:50 - 22:50   already
"""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from pydantic import TypeAdapter

from models.archive import Holding
from models.operations import Operation
from models.outcome import Outcome
from models.records import CampaignEvent, CampaignRun, SiteRun, StepTime
from models.site import Alarm
from records.campaign_report import CampaignReport
from records.drawing import gantts, step_styles
from records.figures import percentiles
from records.report import build_report, render_json, render_junit

CEPH = Alarm(alarm_id="800.001", entity="cluster=ceph", severity="critical", mgmt_affecting=True)
NTP = Alarm(alarm_id="100.114", entity="host=controller-0.ntp", severity="minor", mgmt_affecting=False)


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 3, 1, int(hour), int(minute), tzinfo=UTC)


def step(name: str, began: str, minutes: int, attempts: int = 1) -> StepTime:
    return StepTime(
        name=name, began=at(began), ended=at(began) + timedelta(minutes=minutes), attempts=attempts
    )


def run(
    site: str, wave: int, began: str, ended: str, outcome: Outcome = Outcome.SUCCEEDED, **more: object
) -> SiteRun:
    base = SiteRun(
        run_id=f"{site}@{began}",
        site=site,
        operation="patch",
        release="starlingx-26.03.1",
        campaign="spring",
        wave=wave,
        region="north" if site < "c" else "south",
        outcome=outcome,
        reason=f"{site} {outcome.value}",
        began=at(began),
        ended=at(ended),
        version_before="starlingx-25.09.2",
        version_after="starlingx-26.03.1" if outcome is Outcome.SUCCEEDED else "",
    )
    return base.model_copy(update=more)


RUNS = (
    run("a", 1, "22:00", "22:10", steps=(step("gates", "22:00", 1), step("apply", "22:01", 8))),
    run("b", 2, "22:20", "22:40", Outcome.FAILED, retries=3, alarms_before=(CEPH,), evidence=("first try",)),
    run(
        "b",
        2,
        "22:45",
        "23:05",
        retries=1,
        steps=(step("gates", "22:45", 2, attempts=2), step("apply", "22:47", 15)),
        alarms_before=(CEPH, NTP),
        alarms_after=(NTP,),
    ),
    run(
        "c",
        2,
        "22:20",
        "22:50",
        steps=(step("gates", "22:20", 1), step("apply", "22:21", 10), step("apply", "22:31", 15)),
    ),
    run("d", 2, "22:40", "22:41", Outcome.BLOCKED, evidence=("fm: 800.001 critical",)),
    run("e", 2, "22:50", "22:51", Outcome.SKIPPED),
    run("f", 2, "22:50", "22:50", Outcome.ALREADY),
)
LOG = (
    ("22:00", "started with 7 sites"),
    ("22:00", "wave 1 of 2: 1 in flight, 0 of 1 ended"),
    ("22:10", "wave 1 of 2: 1 of 1 ended; soaking until 22:15 UTC"),
    ("22:15", "waiting for approval after-wave-1: starflock campaign approve spring after-wave-1 --by YOU"),
    ("22:18", "after-wave-1 is approved by nina"),
    ("22:20", "wave 2 of 2: 2 in flight (the cap); 3 wait"),
    ("22:30", "paused by olaf: link maintenance; 2 in flight go on to their end"),
    ("22:30", "paused by olaf: link maintenance; to go on: starflock campaign resume spring --by YOU"),
    ("22:31", "1 site skipped"),
    ("22:35", "resumed by olaf"),
    ("22:35", "wave 2 of 2: 2 in flight (the cap); 3 wait"),
    ("23:05", "done: 3 succeeded, 1 already, 1 blocked, 1 skipped"),
)
EVENTS = tuple(
    CampaignEvent(first_run_id="c-1", sequence=number, at=at(clock), text=text)
    for number, (clock, text) in enumerate(LOG, start=1)
)
CAMPAIGN = CampaignRun(
    first_run_id="c-1",
    name="spring",
    spec_json='{"name": "spring", "operation": {"kind": "patch", "release": "starlingx-26.03.1"}}',
    inventory_hash="9b74",
    members=7,
    began=at("22:00"),
    ended=at("23:05"),
)


@pytest.fixture
def report() -> CampaignReport:
    return build_report(CAMPAIGN, EVENTS, RUNS, made=at("23:30"))


def test_a_site_is_told_by_its_last_run_and_keeps_every_attempt(report: CampaignReport) -> None:
    b = next(row for row in report.sites if row.site == "b")
    assert (b.outcome, b.duration_s, b.retries) == (Outcome.SUCCEEDED, 1_200, 4)
    assert [(attempt.outcome, attempt.duration_s) for attempt in b.attempts] == [
        (Outcome.FAILED, 1_200),
        (Outcome.SUCCEEDED, 1_200),
    ]
    assert b.attempts[0].evidence == ("first try",)


def test_alarms_are_compared_from_before_the_first_run_to_after_the_last(report: CampaignReport) -> None:
    b = next(row for row in report.sites if row.site == "b")
    assert (b.alarms_new, b.alarms_cleared) == ((NTP,), (CEPH,))


def test_alarms_that_nobody_read_at_the_end_are_not_told_as_cleared() -> None:
    blind = run("a", 1, "22:00", "22:10", Outcome.UNREACHABLE, alarms_before=(CEPH,))
    assert build_report(CAMPAIGN, (), (blind,)).sites[0].alarms_cleared == ()


def test_counts_and_the_sentence(report: CampaignReport) -> None:
    assert {outcome: count for outcome, count in report.counts.items() if count} == {
        Outcome.SUCCEEDED: 3,
        Outcome.ALREADY: 1,
        Outcome.BLOCKED: 1,
        Outcome.SKIPPED: 1,
    }
    assert (report.total, report.without_record, report.needs_person) == (7, 1, ("d",))
    assert report.verdict == (
        "4 of 7 sites are at starlingx-26.03.1; 1 needs a person; 1 was skipped; 1 has no record of a run."
    )


def test_durations_are_of_the_sites_that_succeeded(report: CampaignReport) -> None:
    """10, 20 and 30 minutes: the second of three is the median, the third all above two thirds."""
    assert report.duration is not None
    assert report.duration.model_dump() == {
        "count": 3,
        "p50_s": 1_200,
        "p90_s": 1_800,
        "p95_s": 1_800,
        "max_s": 1_800,
    }


def test_a_step_counts_once_a_site_with_the_sum_of_its_hosts(report: CampaignReport) -> None:
    """gates 1, 2, 1 min; apply 8, 15, 10 + 15 min."""
    figures = [
        (s.name, s.duration.count, s.duration.p50_s, s.duration.max_s, s.retries) for s in report.steps
    ]
    assert figures == [("gates", 3, 60, 120, 1), ("apply", 3, 900, 1_500, 0)]


def test_the_same_step_of_several_hosts_has_one_fill() -> None:
    names = ("gates", "c-0: lock", "deploy c-0", "c-0: unlock", "c-1: lock", "deploy c-1", "swact and back")
    steps = tuple(step(name, f"22:{10 + minute}", 1) for minute, name in enumerate(names))
    found = build_report(CAMPAIGN, EVENTS, [run("a", 1, "22:10", "22:30", steps=steps)], made=at("23:30"))
    assert list(step_styles(found)) == ["gates", "lock", "deploy", "unlock", "swact and back"]
    bar = gantts(found, {"a": "S"})[0].bars[0]
    fills = dict(zip(names, (box.style for box in bar.steps), strict=True))
    assert fills["c-0: lock"] == fills["c-1: lock"] != fills["deploy c-0"] == fills["deploy c-1"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (range(1, 101), (50, 90, 95, 100)),
        (range(1, 11), (5, 9, 10, 10)),
        ([7], (7, 7, 7, 7)),
        ([3, 1], (1, 3, 3, 3)),
    ],
)
def test_percentiles_are_nearest_rank(seconds: list[float], expected: tuple[float, ...]) -> None:
    figures = percentiles(seconds)
    assert figures is not None
    assert (figures.p50_s, figures.p90_s, figures.p95_s, figures.max_s) == expected


def test_sites_in_flight_and_their_peak(report: CampaignReport) -> None:
    """At 22:40 b ends as d begins, and at 22:50 c ends as e begins: neither counts as one more."""
    curve = [(point.at, point.sites) for point in report.timeline.in_flight]
    assert curve == [
        (at("22:00"), 1),
        (at("22:10"), 0),
        (at("22:20"), 2),
        (at("22:41"), 1),
        (at("22:45"), 2),
        (at("22:51"), 1),
        (at("23:05"), 0),
    ]
    assert report.peak_in_flight == 2


def test_the_log_tells_of_soaks_waits_and_pauses(report: CampaignReport) -> None:
    told = [(span.kind, span.began, span.ended, span.open) for span in report.timeline.spans]
    assert told == [
        ("soak", at("22:10"), at("22:15"), False),
        ("approval", at("22:15"), at("22:20"), False),
        ("pause", at("22:30"), at("22:35"), False),
    ]
    assert [(moment.kind, moment.at) for moment in report.timeline.moments] == [("approved", at("22:18"))]


def test_a_pause_that_nobody_ended_lasts_until_the_report() -> None:
    running = CAMPAIGN.model_copy(update={"ended": None})
    report = build_report(running, EVENTS[:9], RUNS[:1], made=at("22:33"))
    pause = report.timeline.spans[-1]
    assert (pause.kind, pause.ended, pause.open) == ("pause", at("22:33"), True)


def test_an_abort_is_marked_once_and_ends_a_pause() -> None:
    texts = (
        "paused by olaf: link maintenance",
        "aborted by olaf: wrong release; 2 in flight go on",
        "aborted by olaf: wrong release; 0 in flight",
    )
    log = [
        CampaignEvent(first_run_id="c-1", sequence=n, at=at(f"22:{n}0"), text=text)
        for n, text in enumerate(texts)
    ]
    timeline = build_report(CAMPAIGN, log, RUNS).timeline
    assert [(moment.kind, moment.at) for moment in timeline.moments] == [("aborted", at("22:10"))]
    assert [(span.kind, span.ended) for span in timeline.spans] == [("pause", at("22:10"))]


def test_a_line_of_an_unknown_kind_changes_nothing(report: CampaignReport) -> None:
    odd = EVENTS[0].model_copy(update={"sequence": 99, "text": "the moon is paused"})
    assert build_report(CAMPAIGN, (*EVENTS, odd), RUNS).timeline == report.timeline


def test_waves_and_regions(report: CampaignReport) -> None:
    assert [(wave.name, wave.sites, wave.began, wave.ended) for wave in report.waves] == [
        ("1", 1, at("22:00"), at("22:10")),
        ("2", 5, at("22:20"), at("23:05")),
    ]
    assert [(region.name, region.sites) for region in report.regions] == [("north", 2), ("south", 4)]


def test_runs_of_another_execution_of_the_name_are_not_told() -> None:
    yesterday = run("z", 1, "20:00", "20:10")
    tomorrow = run("y", 1, "23:20", "23:30")
    report = build_report(CAMPAIGN, EVENTS, (*RUNS, yesterday, tomorrow))
    assert report.other_executions == 2
    assert [row.site for row in report.sites] == ["a", "b", "c", "d", "e", "f"]


def test_a_campaign_without_an_end_is_still_running() -> None:
    report = build_report(CAMPAIGN.model_copy(update={"ended": None}), (), RUNS[:1], made=at("22:33"))
    assert report.running
    assert report.verdict == "Still running: 1 of 7 sites is at starlingx-26.03.1; 6 have not ended yet."
    assert report.timeline.ended == at("22:33")


def test_a_campaign_without_any_run() -> None:
    report = build_report(CAMPAIGN, (), ())
    assert report.verdict == "0 of 7 sites are at starlingx-26.03.1; 7 have no record of a run."
    assert (report.duration, report.steps, report.sites, report.peak_in_flight) == (None, (), (), 0)


@pytest.mark.parametrize(
    ("ended_well", "members", "aborted", "expected"),
    [
        (1, 1, False, "The one site is at starlingx-26.03.1."),
        (3, 3, False, "All 3 sites are at starlingx-26.03.1."),
        (1, 3, True, "Aborted: 1 of 3 sites is at starlingx-26.03.1; 2 have no record of a run."),
        (0, 0, False, "The campaign has no sites."),
    ],
)
def test_the_sentence_of_a_whole_a_single_and_an_aborted_campaign(
    ended_well: int, members: int, aborted: bool, expected: str
) -> None:
    campaign = CAMPAIGN.model_copy(update={"members": members, "aborted": aborted})
    runs = [run(site, 1, "22:00", "22:10") for site in "xyz"[:ended_well]]
    assert build_report(campaign, (), runs).verdict == expected


KINDS = [
    ("patch", "at starlingx-26.03.1"),
    ("upgrade", "at starlingx-26.03.1"),
    ("journey", "at starlingx-26.03.1"),
    ("prestage", "prestaged with starlingx-26.03.1"),
    ("install", "installed"),
    ("firmware", "at their firmware baseline"),
    ("add-subcloud", "added"),
    ("bring-up", "brought up"),
    ("configure", "configured"),
    ("verify", "accepted"),
    ("backup", "backed up"),
    ("restore", "restored"),
]


@pytest.mark.parametrize(("kind", "wanted"), KINDS)
def test_the_sentence_says_what_a_campaign_of_its_kind_has_done(kind: str, wanted: str) -> None:
    spec = json.dumps({"name": "night", "operation": {"kind": kind}})
    campaign = CAMPAIGN.model_copy(update={"members": 2, "spec_json": spec})
    runs = [run(site, 1, "22:00", "22:10") for site in "xy"]
    assert build_report(campaign, (), runs).verdict == f"All 2 sites are {wanted}."


def test_each_kind_of_campaign_has_its_sentence() -> None:
    schema = TypeAdapter(Operation).json_schema()
    assert {kind for kind, _ in KINDS} == set(schema["discriminator"]["mapping"])


def test_a_specification_that_is_no_json_still_reports() -> None:
    report = build_report(CAMPAIGN.model_copy(update={"spec_json": "name: spring"}), (), RUNS)
    assert (report.spec, report.release) == ("name: spring", "starlingx-26.03.1")


def test_json_is_the_whole_report(report: CampaignReport) -> None:
    assert CampaignReport.model_validate_json(render_json(report)) == report
    assert json.loads(render_json(report))["duration"]["p50_s"] == 1_200


def test_junit_has_a_case_a_site(report: CampaignReport) -> None:
    suite = ElementTree.fromstring(render_junit(report))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "1", "1")
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases == {"a": [], "b": [], "c": [], "d": ["failure"], "e": ["skipped"], "f": []}
    failure = next(suite.iter("failure"))
    assert (failure.get("type"), failure.get("message"), failure.text) == (
        "blocked",
        "d blocked",
        "fm: 800.001 critical",
    )


def test_junit_stays_xml_whatever_a_site_says() -> None:
    hostile = "]]></failure><x a='\"&\x00\x1b[31m\ud800"
    bad = run("d", 1, "22:00", "22:10", Outcome.FAILED, reason=hostile, evidence=(hostile,))
    suite = ElementTree.fromstring(render_junit(build_report(CAMPAIGN, (), (bad,))))
    failure = next(suite.iter("failure"))
    shown = "]]></failure><x a='\"&\ufffd\ufffd[31m\ufffd"
    assert (failure.get("message"), failure.text, len(failure)) == (shown, shown, 0)


def test_a_backups_report_lists_the_stale_and_the_unverified() -> None:
    holdings = [
        Holding(site="a", archive="vault"),
        Holding(site="b", archive="vault", stale="none was ever begun"),
        Holding(site="c", archive="vault", unverified="it was never verified"),
    ]
    found = build_report(CAMPAIGN, EVENTS, RUNS, holdings=holdings).backups
    assert found is not None
    assert [(each.site, each.why) for each in found.stale] == [("b", "none was ever begun")]
    assert [(each.site, each.why) for each in found.unverified] == [("c", "it was never verified")]
    assert found.sites == 3
    assert build_report(CAMPAIGN, EVENTS, RUNS).backups is None
