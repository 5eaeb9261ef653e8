"""What a demo comes to: outcomes against what the faults alone dictate, and the ledger's repeats."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.base import Frozen
from models.outcome import GOOD, Outcome

NO_RECORD = "none"


class Surprise(Frozen):
    """A site that ended otherwise than its faults dictate."""

    site: str
    expected: str
    found: str


class Outage(Frozen):
    """How long a workload was away, in simulated seconds."""

    site: str
    workload: str
    kind: str
    """What the simulator says it is."""
    kept_alive: bool
    """It must be up all the time: it can go on elsewhere, and there is an elsewhere."""
    outage_s: float
    probes: int
    missed: int
    period_s: float


class Night(Frozen):
    """When a site was worked on; times by its own clock."""

    site: str
    timezone: str
    windows: tuple[str, ...]
    began: str
    ended: str
    after_start_s: float
    """Wall seconds since the first site was started."""
    after_opening_s: float | None
    """Wall seconds since its window had opened; None: it has none."""
    in_window: bool | None
    """It was started early enough to be done in its window."""
    done_in_window: bool | None
    held: str
    """Why an earlier run ended before it touched anything."""


class Verdict(Frozen):
    """The one JSON object of `starflock demo -o json`."""

    ok: bool
    scenario: str
    sites: int
    outcomes: dict[Outcome, int]
    unexpected: tuple[Surprise, ...]
    duplicate_mutations: int
    """Requests that arrived again after they had been applied, by the simulator's ledger."""
    left: tuple[str, ...]
    """What stands in drives of BMCs at the end: SITE/HOST and image."""
    accepted: int
    """Sites that were examined in the end and found as they shall be; 0 where the scenario examines none."""
    complaints: tuple[str, ...]
    """Failed checks of that: site, check, found and wanted."""
    steps: tuple[str, ...] = ()
    """Of the first site that came to a good end, in order, where the scenario measures workloads."""
    outages: tuple[Outage, ...] = ()
    """Workloads of sites that came to a good end, as the simulator probed them."""
    nights: tuple[Night, ...] = ()
    """Where sites have windows: when each was worked on."""
    worker_kills: int
    wall_s: float
    """From start to end of each campaign."""
    ideal_s: float
    """List scheduling over the durations that the simulator drew; nothing but the sites takes time."""
    report: str
    ui: str
    reason: str = ""
    """Why it is not ok, in words."""


@dataclass
class Ends:
    """How the sites ended over several campaigns: a bad end is final, a good one is the last campaign's."""

    dictated: dict[str, str] = field(default_factory=dict)
    found: dict[str, Outcome] = field(default_factory=dict)

    def add(self, dictated: Mapping[str, str], found: Mapping[str, Outcome]) -> None:
        """What the faults dictate for a campaign over all sites, and how those ended that took part."""
        for site, word in dictated.items():
            if self.dictated.get(site, Outcome.SUCCEEDED) in GOOD:
                self.dictated[site] = word
        self.found |= found

    @property
    def stopped(self) -> list[str]:
        return [site for site, outcome in self.found.items() if outcome not in GOOD]

    @property
    def good(self) -> list[str]:
        return [site for site, outcome in self.found.items() if outcome in GOOD]


def surprises(expected: Mapping[str, str], found: Mapping[str, str]) -> tuple[Surprise, ...]:
    """In the order of the region, then what was recorded of sites that it does not have."""
    return tuple(
        Surprise(site=site, expected=expected.get(site, NO_RECORD), found=found.get(site, NO_RECORD))
        for site in dict.fromkeys([*expected, *found])
        if expected.get(site) != found.get(site)
    )


def judged(
    *,
    scenario: str,
    expected: Mapping[str, str],
    found: Mapping[str, Outcome],
    repeated: Sequence[str],
    left: Sequence[str],
    accepted: int = 0,
    complaints: Sequence[str] = (),
    steps: Sequence[str] = (),
    outages: Sequence[Outage] = (),
    nights: Sequence[Night] = (),
    kills: int,
    wall_s: float,
    ideal_s: float,
    report: str,
    ui: str,
    reason: str = "",
) -> Verdict:
    unexpected = surprises(expected, found)
    reasons = [reason] if reason else []
    if unexpected:
        first = unexpected[0]
        reasons.append(
            f"{len(unexpected)} sites did not end as their faults dictate; {first.site}: expected "
            f"{first.expected}, found {first.found}"
        )
    if repeated:
        words = f"{len(repeated)} requests arrived again after they had been applied"
        reasons.append(f"{words}: {', '.join(repeated[:3])}")
    if left:
        reasons.append(f"{len(left)} media are still in their drives: {', '.join(left[:3])}")
    if complaints:
        reasons.append(f"{len(complaints)} checks failed: {'; '.join(complaints[:3])}")
    away = [each for each in outages if each.outage_s and each.kept_alive]
    if away:
        first_away = away[0]
        words = f"{first_away.workload} of {first_away.site} for {first_away.outage_s:g} s"
        reasons.append(f"{len(away)} workloads were away that should have been kept alive: {words}")
    return Verdict(
        ok=not reasons,
        scenario=scenario,
        sites=len(expected),
        outcomes=dict(Counter(found.values())),
        unexpected=unexpected,
        duplicate_mutations=len(repeated),
        left=tuple(left),
        accepted=accepted,
        complaints=tuple(complaints),
        steps=tuple(steps),
        outages=tuple(outages),
        nights=tuple(nights),
        worker_kills=kills,
        wall_s=round(wall_s, 2),
        ideal_s=round(ideal_s, 2),
        report=report,
        ui=ui,
        reason="; ".join(reasons),
    )
