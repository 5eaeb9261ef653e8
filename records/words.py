"""What each outcome is called, how it is drawn and what a person does about it.

An outcome is never told by colour alone: it has a word, a letter and a shape, the same in the grid, the
tables and the legend, so that a grey print and a colour-blind reader lose nothing.
"""

from models.base import Frozen
from models.outcome import GOOD, Outcome


class Sign(Frozen):
    """How an outcome looks in a report."""

    letter: str
    means: str
    """One line for the legend."""
    next_step: str = ""
    """What a person does next; empty where nobody has to do anything."""


SIGNS: dict[Outcome, Sign] = {
    Outcome.FAILED: Sign(
        letter="F",
        means="tried, and did not end well",
        next_step="The evidence names the step it stopped at. Put that right on the site, then run it again; "
        "a deployment that was left half-way is resumed.",
    ),
    Outcome.TERMINATED: Sign(
        letter="T",
        means="its workflow was terminated; nobody cleaned up",
        next_step="Look at what the site is still doing, let it end or undo it by hand, then run it again.",
    ),
    Outcome.REFUSED: Sign(
        letter="R",
        means="the request is wrong for this site",
        next_step="Correct the request or the inventory; it is not tried again by itself.",
    ),
    Outcome.BLOCKED: Sign(
        letter="B",
        means="a gate held until the deadline; nothing was changed",
        next_step="Clear what held it, named in the reason, then run it again. Nothing was changed there.",
    ),
    Outcome.UNREACHABLE: Sign(
        letter="U",
        means="not reached until the deadline; nothing was changed",
        next_step="Restore the connection to the site, then run it again. Nothing was changed there.",
    ),
    Outcome.ABORTED: Sign(
        letter="X",
        means="cancelled, ended at a safe point",
        next_step="It stopped on request. Run it again when the change may go on.",
    ),
    Outcome.SKIPPED: Sign(letter="K", means="taken out by an operator, or gone from the inventory"),
    Outcome.SUCCEEDED: Sign(letter="S", means="the change is in and verified"),
    Outcome.ALREADY: Sign(letter="A", means="was there before; nothing was touched"),
}
"""In the order in which a reader looks for them: what needs a person first."""

ORDER = {outcome: place for place, outcome in enumerate(SIGNS)}


def needs_person(outcome: Outcome) -> bool:
    return bool(SIGNS[outcome].next_step)


GOALS = {
    "patch": "at {release}",
    "upgrade": "at {release}",
    "journey": "at {release}",
    "prestage": "prestaged with {release}",
    "install": "installed",
    "firmware": "at their firmware baseline",
    "add-subcloud": "added",
    "bring-up": "brought up",
    "configure": "configured",
    "verify": "accepted",
    "backup": "backed up",
    "restore": "restored",
}
"""By a campaign's kind, what its sites are when all went well."""


def goal(kind: str, release: str) -> str:
    """`done` of a kind that nobody knows here, and of a release that nobody has told."""
    found = GOALS.get(kind, "done")
    return found.format(release=release) if release or "{" not in found else "done"


def verdict(
    counts: dict[Outcome, int], total: int, wanted: str, *, running: bool, aborted: bool = False
) -> str:
    """One sentence: how many sites are what the campaign wanted them to be, and what is left."""
    if not total:
        return "The campaign has no sites."
    good = sum(counts.get(outcome, 0) for outcome in GOOD)
    people = sum(count for outcome, count in counts.items() if needs_person(outcome))
    skipped = counts.get(Outcome.SKIPPED, 0)
    silent = total - good - people - skipped
    if good == total:
        first = f"All {total} sites are {wanted}" if total > 1 else f"The one site is {wanted}"
    else:
        first = f"{good} of {total} sites {'is' if good == 1 else 'are'} {wanted}"
    parts = [first]
    if people:
        parts.append(f"{people} {'needs' if people == 1 else 'need'} a person")
    if skipped:
        parts.append(f"{skipped} {'was' if skipped == 1 else 'were'} skipped")
    if silent:
        have = "has" if silent == 1 else "have"
        parts.append(f"{silent} {have} not ended yet" if running else f"{silent} {have} no record of a run")
    sentence = "; ".join(parts) + "."
    if running:
        return f"Still running: {sentence[0].lower()}{sentence[1:]}"
    return f"Aborted: {sentence[0].lower()}{sentence[1:]}" if aborted else sentence
