"""May a site's own backup.yml be started, is one of ours to be followed, and what did it come to.

The playbook's own preconditions stand first, in its order, so that what it would refuse after minutes is said
at once (ansible-playbooks, `backup/prepare-env`). What the site says through its API, where it answers, is
judged as before a backup by dcmanager.
"""

from dataclasses import dataclass

from models.bootstrap import BackupHost, PlaybookEnd, PlaybookRun
from models.outcome import Outcome
from models.site import Observation
from rules.backup import health_gate
from rules.install import PASSED, Gate, quiet_gate

FLAG_S = 20 * 60
"""So long the playbook believes a flag of another backup."""
HOME_MIB = 2000
"""`max_home_dir_usage`: everything below /home gets into the archive."""


@dataclass(frozen=True)
class Decision:
    gate: Gate = PASSED
    follow: PlaybookRun | None = None
    """A backup of Starflock's that is in flight: it is followed instead of a new one."""


def site_gate(site: str, seen: Observation) -> Gate:
    """A site whose APIs are silent may be backed up all the same: the playbook looks for itself."""
    gate = quiet_gate(site, seen)
    if gate.outcome is not None or seen.site is None:
        return gate
    return health_gate(seen.site)


def decide(host: BackupHost) -> Decision:
    installed, address = host.installed, host.installed.address
    run = installed.running
    if run is not None and run.ours and run.book == installed.book:
        return Decision(follow=run)
    if installed.busy:
        return Decision(Gate(installed.busy, Outcome.BLOCKED, waits=True))
    if not host.playbook:
        return _refused(f"{address} has no backup.yml below /usr/share/ansible/stx-ansible/playbooks")
    if installed.lacks:
        return _refused(f"{address} lacks {', '.join(installed.lacks)}")
    if not installed.finalized:
        return _refused(f"{address} was never unlocked: there is nothing to back up")
    if not host.active:
        return _refused(f"{address} is not the active controller: declare the floating address")
    if host.flag_s is not None and host.flag_s < FLAG_S:
        words = f"a backup has begun on {address} {host.flag_s // 60} min ago"
        return Decision(Gate(words, Outcome.BLOCKED))
    if host.home_mib > HOME_MIB:
        words = f"/home of {address} has {host.home_mib} MiB, and backup.yml takes {HOME_MIB} at most"
        return Decision(Gate(words, Outcome.BLOCKED))
    return Decision()


def ended(end: PlaybookEnd) -> tuple[Outcome, str]:
    """Of a playbook that made no backup, or of which nobody knows."""
    at = f" at {end.task!r}" if end.task else ""
    if end.how == "failed":
        return Outcome.FAILED, f"backup.yml ended with {end.exit_code}{at}"
    if end.how == "died":
        return Outcome.FAILED, f"backup.yml died{at} without an exit record"
    if end.how == "late":
        return Outcome.FAILED, f"backup.yml takes too long{at}. It was left running: another run follows it"
    if end.how == "silent":
        return Outcome.FAILED, f"the host is silent: {end.words}. backup.yml may be running"
    return Outcome.FAILED, f"the run of backup.yml is gone from the host{at}: {end.words}"


def _refused(words: str) -> Decision:
    return Decision(Gate(words, Outcome.REFUSED))
