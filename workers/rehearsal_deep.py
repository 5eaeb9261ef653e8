"""What a deep rehearsal reckons with beforehand, and what it makes of its records in the end.

The dice are a site's own, as in the quick rehearsal: first how it ends, then how long it takes. How it ends
is brought about by a fault of the simulated region, and how long it takes by stretching what the simulator
has drawn, where enough runs are recorded.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.campaign import CampaignResult
from models.fleet import CampaignPlan
from models.inventory import Site
from models.operations import AddSubcloudOperation, InstallOperation
from models.outcome import Outcome
from models.records import CampaignEvent, CampaignRun, Journal, RunTime, SiteRun
from models.rehearsal import Deep, DeepSite, PlanBlock, RehearsalFaults
from records.store import Store
from rules import estimate
from rules.gates import Decision
from workers.rehearsal import CannotRehearse, Rehearsed, summed_up
from workers.rehearsal_clock import RehearsalClock
from workers.rehearsal_region import Cast

FASTEST = 60.0
"""What a request takes is not compressed: a second of them is a minute of the site's then."""
SITES_A_SECOND = 2.0
"""Of two cores, whatever the speed; faster than that, the machine would be what is rehearsed."""
STARTS_WITHIN = timedelta(seconds=12)
A_SITE = timedelta(seconds=0.4)
"""By the wall, of a site's sockets, first looks and plan."""
OVERHEAD = timedelta(seconds=1)
"""By the wall, of a site's own requests and polls, one after the other."""
UNKNOWN = timedelta(minutes=12)
"""What a site takes, where nothing is recorded."""
PREPARED_AT_ONCE = 20
"""Sites that are made what the operation finds; two cores do as many in the time of a few."""
PREPARING = {"backups": timedelta(minutes=5), "hosts": timedelta(minutes=15)}
"""What that takes of a site, before the clock begins."""
FAILS = {
    "patch": ("vim.apply", "fail"),
    "upgrade": ("usm.activate", "fail"),
    "journey": ("usm.activate", "fail"),
    "backup": ("backup.create", "fail"),
    "verify": ("site", "alarm"),
    "install": ("bmc.reset", "lie"),
    "add-subcloud": ("deploy.bootstrap", "fail"),
    "bring-up": ("host.unlock", "fail"),
    "configure": ("site", "alarm"),
    "restore": ("backup.restore", "fail"),
    "firmware": ("bmc.update", "lie"),
}
SILENT = {
    "install": ("bmc", "drop-before"),
    "firmware": ("bmc", "drop-before"),
    "add-subcloud": ("dcmanager", "drop-before"),
    "restore": ("dcmanager", "drop-before"),
}
"""How a site is unreachable, where it is not the site that is asked: its BMCs, or its dcmanager about it."""
TO_A_RELEASE = ("patch", "upgrade", "prestage", "journey")
STRETCHED = (*TO_A_RELEASE, "install", "add-subcloud", "bring-up", "backup", "restore", "firmware")
"""Whose durations the simulator foretells and lets be stretched. Of the others nobody knows beforehand how
much of a site's work there will be."""
HISTORY = "recorded before the rehearsal"


def fates(play: Cast, faults: RehearsalFaults, seed: int) -> dict[str, Outcome]:
    """By site, what the dice make of it. Raises: CannotRehearse."""
    kind = play.spec.operation.kind
    if faults.failed and kind not in FAILS:
        raise CannotRehearse(f"--failed: nothing in a simulated region lets a {kind} fail; leave it out")
    found = {}
    for name in play.names:
        roll = dice_of(name, seed).random()
        outcome = Outcome.SUCCEEDED
        if roll < faults.failed:
            outcome = Outcome.FAILED
        elif roll < faults.failed + faults.unreachable:
            outcome = Outcome.UNREACHABLE
        found[name] = outcome
    return found


def dice_of(site: str, seed: int) -> random.Random:
    return random.Random(f"{seed} {site}")  # noqa: S311


def dictated(play: Cast, fate: Mapping[str, Outcome]) -> list[dict[str, str]]:
    """Faults for the simulator."""
    operation = play.spec.operation
    fails, silent = FAILS.get(operation.kind, ("", "")), SILENT.get(operation.kind, ("site", "dark"))
    if play.spec.upgrade is None and operation.kind == "upgrade":
        fails = FAILS["patch"]
    elif isinstance(operation, AddSubcloudOperation) and operation.enroll:
        fails = ("deploy.enroll", "fail")
    elif isinstance(operation, InstallOperation) and operation.through == "dcmanager":
        fails = ("deploy.install", "fail")
    how = {Outcome.FAILED: fails, Outcome.UNREACHABLE: silent}
    return [
        {"site": site, "on": how[outcome][0], "do": how[outcome][1]}
        for site, outcome in fate.items()
        if outcome in how
    ]


@dataclass(frozen=True)
class Learned:
    """What the records tell of how long such work takes."""

    run_times: tuple[RunTime, ...]
    versions: dict[str, str]

    @classmethod
    async def of(cls, journal: Journal, kind: str) -> "Learned":
        return cls(await journal.run_times(kind), await journal.versions())

    @property
    def usual(self) -> timedelta:
        """What a site takes, roughly, before the simulator has drawn it."""
        taken = sorted(run.taken for run in self.run_times)
        return taken[len(taken) // 2] if taken else UNKNOWN

    def lengths(self, play: Cast, seed: int, drawn: Mapping[str, timedelta]) -> dict[str, timedelta]:
        """Of each site, drawn from runs on its topology; else what the simulator has drawn."""
        made, by_topology = {}, self._by_topology(play)
        for site in play.sites:
            dice = dice_of(site.name, seed)
            dice.random()
            taken, _ = self._taken(play, site, by_topology)
            made[site.name] = dice.choice(taken) if taken else drawn[site.name]
        return made

    def words(self, play: Cast) -> str:
        kind, by_topology = play.spec.operation.kind, self._by_topology(play)
        told, lacking = dict[str, None](), set()
        for site in sorted(play.sites, key=lambda site: site.topology):
            taken, words = self._taken(play, site, by_topology)
            if taken:
                told[f"{len(taken)} runs{words} on {site.topology}"] = None
            else:
                lacking.add(site.topology)
        if lacking:
            few = "too few runs" if kind in STRETCHED else f"how long a {kind} takes is not learned"
            told[f"the simulator's ranges on {', '.join(sorted(lacking))} ({few})"] = None
        return "; ".join(told)

    def _taken(
        self, play: Cast, site: Site, by_topology: Mapping[str, Sequence[RunTime]]
    ) -> tuple[list[timedelta], str]:
        """By enough recorded runs of the site's topology, those of its pair of releases for preference."""
        own = by_topology.get(site.topology, ())
        is_to_release = play.spec.operation.kind in TO_A_RELEASE
        before = self.versions.get(site.name, "") if is_to_release else ""
        chosen, words = estimate.closest(own, before, play.spec.operation.target)
        is_whole = len(chosen) == len(own) or not is_to_release
        return [run.taken for run in chosen], "" if is_whole else f" {words}"

    def _by_topology(self, play: Cast) -> dict[str, list[RunTime]]:
        if play.spec.operation.kind not in STRETCHED:
            return {}
        known: dict[str, list[RunTime]] = {}
        for run in self.run_times:
            if run.site in play.inventory:
                known.setdefault(play.inventory.site(run.site).topology, []).append(run)
        return known

    async def keep(self, store: Store, kind: str, speed: float) -> None:
        """In the rehearsal's own records, as long as they would be by its wall: windows reckon with them."""
        then = datetime.now(UTC) - timedelta(days=1)
        for number, run in enumerate(self.run_times):
            await store.record_site_run(
                SiteRun(
                    run_id=f"before-{number}", site=run.site, operation=kind, release=run.release,
                    outcome=Outcome.SUCCEEDED, reason=HISTORY, version_before=run.before,
                    began=then, ended=then + run.taken / speed,
                )
            )  # fmt: skip
        for site, version in self.versions.items():
            await store.record_site_run(
                SiteRun(
                    run_id=f"stands-{site}", site=site, operation="seen", release=version,
                    outcome=Outcome.SUCCEEDED, reason=HISTORY, version_after=version, began=then, ended=then,
                )
            )  # fmt: skip


def question(play: Cast) -> str:
    """What the simulator is asked for the lengths that it has drawn."""
    operation = play.spec.operation
    asked = f"/durations?operation={operation.kind}"
    if operation.kind in TO_A_RELEASE:
        asked += f"&release={operation.target}"
    if isinstance(operation, AddSubcloudOperation):
        configures = any(site.deploy and site.deploy.deploy_config for site in play.sites)
        asked += f"&configures={'true' if configures else 'false'}"
    return asked


def stretches(
    lengths: Mapping[str, timedelta], drawn: Mapping[str, timedelta], speed: float
) -> dict[str, float]:
    """By how much each site's own work has to be longer than it was drawn, for its run to last as long as it
    shall: the requests, which nothing compresses, are part of a run."""
    overhead = OVERHEAD * speed
    return {
        site: max(length - overhead, length / 4) / drawn[site]
        for site, length in lengths.items()
        if length != drawn[site] and drawn[site] > timedelta(0)
    }


def fitting_speed(play: Cast, usual: timedelta) -> float:
    """As fast as two cores can be without being what the sites wait for. `usual`: what a site takes."""
    at_once = min(play.spec.window.max_in_flight, len(play.sites))
    return max(min(SITES_A_SECOND * usual.total_seconds() / at_once, FASTEST), 1.0)


def foretold(play: Cast, lengths: Sequence[timedelta], speed: float) -> timedelta:
    """By the wall, what is waited for in open windows left aside."""
    by_sites = len(lengths) / SITES_A_SECOND
    by_campaign = estimate.campaign_time(play.spec, lengths).total_seconds() / speed
    rounds = -(-len(lengths) // PREPARED_AT_ONCE)
    before = rounds * PREPARING.get(play.setting.prepares, timedelta(0)) / speed
    return STARTS_WITHIN + len(lengths) * A_SITE + before + timedelta(seconds=max(by_sites, by_campaign))


@dataclass(frozen=True)
class Seen:
    """What was asked of the simulated regions and of the plan."""

    plan: CampaignPlan
    by_service: dict[str, int]
    repeats: int


def told(
    play: Cast,
    clock: RehearsalClock,
    fate: Mapping[str, Outcome],
    seen: Seen,
    campaign: CampaignRun,
    result: CampaignResult,
    events: Sequence[CampaignEvent],
    runs: Sequence[SiteRun],
    *,
    lasts: timedelta,
) -> Rehearsed:
    """In the fleet's time; what durations rest on, seed and wall are still to be filled in."""
    campaign, runs = clock.campaign_shown(campaign), tuple(clock.run_shown(run) for run in runs)
    made = summed_up(play.spec, play.inventory, campaign, result, runs)
    last = {run.site: run for run in sorted(runs, key=lambda run: run.ended)}
    deep = Deep(
        speed=clock.dial.speed,
        sites=tuple(
            DeepSite(
                site=name,
                outcome=last[name].outcome,
                reason=last[name].reason,
                dictated=fate.get(name, Outcome.SUCCEEDED),
            )
            for name in (*play.regions, *play.names)
            if name in last
        ),
        blocked=tuple(
            PlanBlock(site=each.site, decision=each.decision, why=each.why)
            for each in seen.plan.sites
            if each.decision in (Decision.WAIT, Decision.END)
        ),
        requests=sum(seen.by_service.values()),
        by_service=seen.by_service,
        repeats=seen.repeats,
        skipped=clock.skipped,
        foretold=lasts,
    )
    shown = tuple(clock.event_shown(event) for event in events)
    return Rehearsed(made.model_copy(update={"deep": deep, "assumed": play.assumed}), campaign, shown, runs)
