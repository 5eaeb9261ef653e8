"""What a demo comes to: outcomes against what the faults alone dictate, and the ledger's repeats."""

from collections import Counter
from collections.abc import Mapping, Sequence

from models.base import Frozen
from models.outcome import Outcome

NO_RECORD = "none"


class Surprise(Frozen):
    """A site that ended otherwise than its faults dictate."""

    site: str
    expected: str
    found: str


class Verdict(Frozen):
    """The one JSON object of `starflock demo -o json`."""

    ok: bool
    scenario: str
    sites: int
    outcomes: dict[Outcome, int]
    unexpected: tuple[Surprise, ...]
    duplicate_mutations: int
    """Requests that arrived again after they had been applied, by the simulator's ledger."""
    worker_kills: int
    wall_s: float
    """Campaign start to end."""
    ideal_s: float
    """List scheduling over the durations that the simulator drew; nothing but the sites takes time."""
    report: str
    ui: str
    reason: str = ""
    """Why it is not ok, in words."""


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
    return Verdict(
        ok=not reasons,
        scenario=scenario,
        sites=len(expected),
        outcomes=dict(Counter(found.values())),
        unexpected=unexpected,
        duplicate_mutations=len(repeated),
        worker_kills=kills,
        wall_s=round(wall_s, 2),
        ideal_s=round(ideal_s, 2),
        report=report,
        ui=ui,
        reason="; ".join(reasons),
    )
