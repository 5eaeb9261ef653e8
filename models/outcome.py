"""How a site's run can end. One word a site, the same in reports, search attributes and exit codes."""

from enum import StrEnum


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    """The change is in and verified."""
    ALREADY = "already"
    """The site was there before we came; nothing was touched."""
    FAILED = "failed"
    """Something was tried and did not end well; the reason and the site's state are recorded."""
    BLOCKED = "blocked"
    """A gate held until the deadline; nothing was changed."""
    REFUSED = "refused"
    """The request is wrong for this site (identity, version, words of the site); never retried by itself."""
    UNREACHABLE = "unreachable"
    """The site could not be reached until the deadline; nothing was changed."""
    SKIPPED = "skipped"
    """Taken out by an operator, or gone from the inventory."""
    ABORTED = "aborted"
    """Cancelled, ended at a safe point."""
    TERMINATED = "terminated"
    """Its workflow was terminated: nobody cleaned up; what the site is still doing is reported."""


GOOD = frozenset({Outcome.SUCCEEDED, Outcome.ALREADY})
BAD = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.TERMINATED})
"""Counted against the `failed` budget."""
