"""A fleet's backup in one night of virtual time, worker and store killed: nothing counts as good that is not.

The same night as the benchmark `backup-virtual`, of few sites: real campaign, real BackupSite, real archive,
a real RGW; sites and dcmanager are stood in for.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.backup_virtual import AT_ONCE, QUICK_KILLS, BackedUp, backed_up, most_at_once
from models.outcome import Outcome
from tests.support.radosgw import what_is_missing

SITES, UPLINKS = 24, 2


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> BackedUp:
    if missing := what_is_missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("night")
    return asyncio.run(backed_up(folder, SITES, UPLINKS, QUICK_KILLS, verify=True))


def test_every_site_has_ended_once_after_its_tries(night: BackedUp) -> None:
    assert night.not_as_due() == []
    assert night.tried_again == 6
    assert (night.kills["worker"], night.kills["store"]) == (1, 1)


def test_what_counts_as_good_is_whole_and_verified(night: BackedUp) -> None:
    assert night.not_good() == []
    assert len(night.verified) == night.result.counts[Outcome.SUCCEEDED] == SITES - 3
    states = Counter(entry.state for entry in night.entries)
    assert states == {"good": SITES - 3, "bad": 3, "unfinished": 3}, "what the store has harmed was found"
    assert Counter(entry.state for each in night.after.holdings for entry in each.entries) == states


def test_the_catalogue_tells_who_has_no_good_backup_and_why(night: BackedUp) -> None:
    without = {site for site in night.night.sites if night.due(site)[1] is not Outcome.SUCCEEDED}
    assert {each.site for each in night.before.holdings if each.stale} == without
    harmed = [site for site, of in night.night.sites.items() if of.tries == ("harmed", "harmed")]
    told = {each.site: each.unverified for each in night.before.holdings if each.unverified}
    assert list(told) == harmed
    assert told[harmed[0]].endswith("was found bad")
    reasons = [run.reason for run in night.runs if run.site == harmed[0]]
    assert all("was sealed and is not good: platform/" in reason for reason in reasons)


def test_none_began_outside_the_window_nor_above_its_uplinks_budget(night: BackedUp) -> None:
    assert night.outside() == []
    assert night.peaks() == {"link-0": AT_ONCE, "link-1": AT_ONCE}, "used to the full, and never above"


def test_control_a_claim_a_run_or_a_site_too_many_is_seen(night: BackedUp) -> None:
    good = next(run for run in night.runs if run.outcome is Outcome.SUCCEEDED)
    lost = replace(night, entries=tuple(each for each in night.entries if each.backup not in good.reason))
    assert lost.not_good() == [good.reason.split()[0]]
    damaged = night.verified[0].model_copy(update={"objects": 1})
    assert replace(night, verified=(damaged, *night.verified[1:])).not_good() == [damaged.backup]
    assert replace(night, runs=(*night.runs, good)).not_as_due() != []
    late = good.model_copy(update={"began": good.began.replace(hour=12)})
    assert replace(night, runs=(late,)).outside() == [good.site]
    span = (good.began, good.began + timedelta(minutes=5))
    assert most_at_once([span] * (AT_ONCE + 1)) == AT_ONCE + 1
