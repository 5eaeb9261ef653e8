"""A campaign as the journal would hold it: a fixed night, drawn from a seed."""

import json
import random
from datetime import UTC, datetime, timedelta

from models.outcome import Outcome
from models.records import CampaignEvent, CampaignRun, SiteRun, StepTime
from models.site import Alarm

BEGAN = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
RELEASE = "starlingx-26.03.1"
BEFORE = "starlingx-25.09.2"
STEPS = (("gates", 20), ("prestage", 180), ("strategy build", 45), ("apply", 900), ("verify", 60))
TROUBLES = {
    Outcome.FAILED: (
        "VIM strategy failed in stage sw-upgrade-worker-hosts: unlock of controller-0 timed out",
        (
            "vim: strategy 4f1c2a state apply-failed, stage 3 of 5",
            "vim: reason 'controller-0 did not become available within 3600 s'",
            "host: controller-0 is unlocked-disabled-offline",
            "fm: 200.006 major host=controller-0.process=sm, management affecting",
        ),
    ),
    Outcome.BLOCKED: (
        "held by alarm 800.001 critical on cluster=ceph until the deadline of 2h",
        ("fm: 800.001 critical cluster=ceph, management affecting, raised 2026-02-27 08:14",),
    ),
    Outcome.UNREACHABLE: (
        "no answer from https://[fd01:7::2]:6385 for 30m: connect time-out",
        ("dcmanager: availability offline since 2026-03-01 19:40",),
    ),
    Outcome.REFUSED: ("region is subcloud-0031 at the site and subcloud-0013 at dcmanager", ()),
}


def campaign(members: int, ended: datetime | None) -> CampaignRun:
    spec = {
        "name": "spring-patch",
        "operation": {"kind": "patch", "release": RELEASE},
        "select": {"labels": {"ring": "edge"}},
        "waves": [{"count": 2, "soak": "15m"}, {"percent": 10, "soak": "15m"}, {"percent": 100}],
        "approvals": ["after-wave-1"],
    }
    return CampaignRun(
        first_run_id="0197f5b2-9c1e-7d30-b1f4-5a6f0c3e9d11",
        name="spring-patch",
        spec_json=json.dumps(spec),
        inventory_hash="9b74c9897bac770f",
        members=members,
        began=BEGAN,
        ended=ended,
    )


def night(sites: int, window: int, seed: int = 7) -> tuple[list[CampaignEvent], list[SiteRun]]:
    """Three waves through a window, a soak after each but the last, an approval and a pause."""
    draw = random.Random(seed)
    texts: list[tuple[datetime, str]] = [(BEGAN, f"started with {sites} sites")]
    runs: list[SiteRun] = []
    sizes = [size for size in (min(2, sites), max(0, sites // 10 - 2)) if size]
    sizes.append(sites - sum(sizes))
    waves = len(sizes)
    at, index = BEGAN, 0
    for wave, size in enumerate(sizes, start=1):
        texts.append((at, f"wave {wave} of {waves}: {min(window, size)} in flight; {size} wait"))
        free = [at] * min(window, size)
        for _ in range(size):
            index += 1
            free.sort()
            run = site_run(draw, index, wave, free[0])
            runs.append(run)
            free[0] = run.ended
            if run.outcome is Outcome.FAILED and index % 2:
                runs.append(site_run(draw, index, wave, run.ended + timedelta(minutes=4), Outcome.SUCCEEDED))
        at = max(run.ended for run in runs)
        if wave < waves:
            soaked = at + timedelta(minutes=15)
            texts.append(
                (at, f"wave {wave} of {waves}: {size} of {size} ended; soaking until {soaked:%H:%M} UTC")
            )
            at = soaked
        if wave == 1:
            texts.append((at, "waiting for approval after-wave-1: starflock campaign approve spring-patch"))
            at += timedelta(minutes=11)
            texts.append((at, "after-wave-1 is approved by ops-lead"))
    middle = BEGAN + (at - BEGAN) * 0.7
    texts.append((middle, "paused by nina: transport maintenance in region south"))
    texts.append((middle + timedelta(minutes=9), "resumed by nina"))
    texts.append((at, "done: see the report"))
    first_run_id = "0197f5b2-9c1e-7d30-b1f4-5a6f0c3e9d11"
    events = [
        CampaignEvent(first_run_id=first_run_id, sequence=n, at=when, text=text)
        for n, (when, text) in enumerate(sorted(texts, key=lambda pair: pair[0]), start=1)
    ]
    return events, runs


def site_run(
    draw: random.Random, index: int, wave: int, began: datetime, outcome: Outcome | None = None
) -> SiteRun:
    good = (Outcome.SUCCEEDED,) * 92 + (Outcome.ALREADY,) * 3
    outcome = outcome or draw.choice((*good, *TROUBLES, Outcome.SKIPPED))
    steps, at = [], began
    counted = {Outcome.SUCCEEDED: 5, Outcome.FAILED: 4}.get(outcome, 1)
    for name, seconds in STEPS[:counted]:
        took = timedelta(seconds=round(seconds * draw.lognormvariate(0, 0.25), 1))
        steps.append(StepTime(name=name, began=at, ended=at + took, attempts=1 + (draw.random() < 0.03)))
        at += took + timedelta(seconds=1)
    reason, evidence = TROUBLES.get(outcome, ("at the release and verified", ()))
    ceph = Alarm(alarm_id="800.001", entity="cluster=ceph", severity="critical", mgmt_affecting=True)
    ntp = Alarm(alarm_id="100.114", entity="host=controller-0.ntp", severity="minor", mgmt_affecting=False)
    read = outcome is not Outcome.UNREACHABLE
    return SiteRun(
        run_id=f"run-{index}-{began:%H%M%S%f}",
        site=f"edge-{index:04}",
        operation="patch",
        release=RELEASE,
        campaign="spring-patch",
        wave=wave,
        region=("north", "south", "west", "east")[index % 4],
        outcome=outcome,
        reason=reason,
        began=began,
        ended=at,
        version_before=BEFORE if read else "",
        version_after=(RELEASE if outcome is Outcome.SUCCEEDED else BEFORE) if read else "",
        alarms_before=(ceph,) if index % 29 == 0 and read else (),
        alarms_after=(ntp,) if index % 41 == 0 and read else (),
        steps=tuple(steps),
        retries=sum(step.attempts - 1 for step in steps),
        strategy=f"strategy-{index}",
        evidence=("vim: strategy applied", "usm: deployed") if outcome is Outcome.SUCCEEDED else evidence,
    )
