"""May a site be restored from this backup, what comes next, and what each step destroys.

A restore is dcmanager's: it takes the one archive that it keeps of a site's release. So the backup that is
meant must be of this site, this system controller, this region, this topology and this release, whole in our
archive, and by its time the one that dcmanager has. Anything else is refused before anything is touched. How
far a restore is stands in the deploy status; whether it is ours, and of which backup, in our records.
"""

from typing import Literal

from models.archive import BackupId
from models.bmc import BmcFacts
from models.deploy import SubcloudEnd, SubcloudFacts
from models.deploy_status import COMPLETE, RESTORE_FAILED, RESTORING, STATUSES
from models.outcome import Outcome
from models.restore import BackupFacts, RestoreSiteRequest, RestoreStep
from rules import restore_hosts
from rules.install import PASSED, Gate, identity_complaint

RUNNING = RESTORING | STATUSES["install"].running
FAILED = RESTORE_FAILED | STATUSES["install"].failed
NOT_BEFORE = frozenset(
    {
        "creating",
        *(status for phase in ("bootstrap", "configure", "enroll") for status in STATUSES[phase].running),
    }
)
"""Deploy statuses of other work, out of which dcmanager restores nothing."""
Next = Literal["begin", "wait", "go on"]


def archive_gate(
    request: RestoreSiteRequest, backup: BackupFacts, topology: str, controller: str, facts: SubcloudFacts
) -> Gate:
    """`topology` and `controller` as the inventory declares them."""
    return _refused(_wrong(request, backup, topology, controller, facts))


def _wrong(
    request: RestoreSiteRequest, backup: BackupFacts, topology: str, controller: str, facts: SubcloudFacts
) -> str:
    if not backup.backup:
        return f"{request.site} has no backup"
    of = BackupId.parse(backup.backup).site
    if of != request.site:
        return f"{backup.backup} is a backup of {of}, and this is {request.site}"
    if backup.faults or backup.origin is None:
        return f"{backup.backup} cannot be restored: {'; '.join(backup.faults) or 'it has no manifest'}"
    if backup.own:
        return (
            f"{backup.backup} was made by the site's own backup.yml: RestorePlatform restores it over SSH "
            "(starflock site restore), dcmanager does not"
        )
    if not facts.found:
        return f"dcmanager has no subcloud {facts.name}: add it first (starflock subcloud add)"
    origin = backup.origin
    for what, was, now in (
        ("system controller", origin.system_controller, controller),
        ("region", origin.region, facts.region),
        ("topology", origin.topology, topology),
        ("release", major(origin.release), facts.software_version),
    ):
        if was != now:
            return f"{backup.backup} is of {what} {was}, and {request.site} has {now}"
    if backup.taken != facts.backup_time and not comes_back(backup, facts):
        kept = f"one of {facts.backup_time:%Y-%m-%d %H:%M:%S} UTC" if facts.backup_time else "none"
        return (
            f"{backup.backup} stands for dcmanager's archive of {backup.taken:%Y-%m-%d %H:%M:%S} UTC, and "
            f"dcmanager keeps {kept} of {facts.name}"
        )
    return ""


def comes_back(backup: BackupFacts, facts: SubcloudFacts) -> bool:
    """dcmanager has no archive of the site any more, and ours can be put where it looks for one."""
    return bool(backup.platform) and facts.backup_time is None


def major(release: str) -> str:
    """26.03 of 26.03.1, with or without a product's name."""
    return ".".join(release.rsplit("-", 1)[-1].split(".")[:2])


def request_gate(request: RestoreSiteRequest) -> Gate:
    if request.wipe is not None and request.wipe != request.site:
        return Gate(f"wipe names {request.wipe}, and this is {request.site}", Outcome.REFUSED)
    return PASSED


def machine_gate(path: str, facts: BmcFacts) -> Gate:
    """dcmanager wipes what is behind this BMC: it must be the declared machine."""
    complaint = identity_complaint(facts)
    return _refused(f"{path}: {complaint}" if complaint else "")


def next_step(facts: SubcloudFacts, marked: bool) -> Next | Gate:
    """`marked`: a run of ours has begun to restore this very backup, and has not ended."""
    status = facts.deploy_status
    if status in RUNNING and not marked:
        return Gate(f"{facts.says}: somebody else is at work there", Outcome.BLOCKED)
    if status in RUNNING:
        return "wait"
    if status in NOT_BEFORE:
        return Gate(f"{facts.says}: dcmanager restores nothing meanwhile", Outcome.BLOCKED)
    if marked and status == COMPLETE:
        return "go on"
    return "begin"


def is_restart(end: SubcloudEnd) -> bool:
    """A failure of which dcmanager knows nothing to say: it has started anew."""
    return end.how == "failed" and not end.words


def steps(
    request: RestoreSiteRequest, backup: BackupFacts, facts: SubcloudFacts, first: Next
) -> tuple[RestoreStep, ...]:
    """What would be done, in order."""
    name, later = facts.name, f"everything of {request.site} that is younger than {backup.backup}"
    done: list[RestoreStep] = []
    if first == "begin":
        done += [RestoreStep(what=f"unmanage {name}")] if facts.management_state == "managed" else []
        done.append(_install(request, facts))
    if first == "begin" and comes_back(backup, facts):
        done.append(RestoreStep(what="the platform's archive is brought back to dcmanager's vault"))
    if first != "go on":
        restored = f"dcmanager restores the platform from its archive of {backup.taken:%Y-%m-%d %H:%M:%S} UTC"
        done.append(RestoreStep(what=restored, destroys=later))
        done += restore_hosts.osds_step(request, backup)
    others = restore_hosts.steps(request, backup)
    done += [RestoreStep(what="controller-0 is unlocked"), *others] if others else []
    done += restore_hosts.pools_step(request, backup)
    unlocked = "" if others else "controller-0 is unlocked, "
    done.append(RestoreStep(what=f"{unlocked}applications recover, the restore is completed"))
    done += [RestoreStep(what=f"manage {name}")] if request.manage else []
    return (*done, RestoreStep(what="the site is compared with the record of the backup"))


def _install(request: RestoreSiteRequest, facts: SubcloudFacts) -> RestoreStep:
    if not request.install:
        return RestoreStep(what="controller-0 is taken as somebody has installed it")
    disks = "the system disk of controller-0, and whatever runs on it"
    return RestoreStep(what=f"dcmanager installs controller-0 with {facts.software_version}", destroys=disks)


def _refused(words: str) -> Gate:
    return Gate(words, Outcome.REFUSED) if words else PASSED
