"""May a site be restored by its own playbooks over SSH, what comes next, and what each step destroys.

The backup must be one that the site's own backup.yml has made, whole in our archive, of this site, topology
and release. Where the site still answers, or its controller-0 does, that is known before anything is touched;
of a machine that is silent the release is known once it is installed, and held against the backup before the
playbook is started. restore_platform.yml wants a freshly installed host and begins once in its life: one that
has failed there is installed anew. Optimized is for AIO-SX alone, and knows no archive of users' images
(StarlingX: backup and restore; ansible-playbooks, `restore_platform.yml`).
"""

import re
from datetime import UTC, datetime
from typing import Literal

from models.archive import BackupId
from models.bootstrap import PlaybookEnd, PlaybookRun, RestoreValues
from models.deploy import FIRST_HOST
from models.outcome import Outcome
from models.platform import OwnArchive
from models.platform_restore import RestorableHost
from models.restore import BackupFacts, RestoreSiteRequest, RestoreStep
from models.site import Observation
from rules import restore_hosts
from rules.install import PASSED, Gate, quiet_gate
from rules.restore import major

PLATFORM_BOOK: Literal["restore_platform"] = "restore_platform"
Next = Literal["begin", "carry", "follow", "go on"]
"""begin: install controller-0; carry: it is installed; follow: the playbook runs; go on: it has ended."""
NEVER = datetime.min.replace(tzinfo=UTC)
SYSTEM_TYPE = {"AIO-SX": "All-in-one", "AIO-DX": "All-in-one", "Standard": "Standard"}
ADVICE = (
    (r"wrong ansible_become_pass|incorrect sudo password", "correct the password of ssh in the inventory"),
    (r"already unlocked", "it wants a freshly installed host: start without --no-install"),
    (r"already in progress", "it begins once in a host's life: start without --no-install"),
    (r"region|subfunction", "the host is of another kind of site than the backup: was it installed right?"),
    (r"backup_encryption|passphrase|\.gpg", "the archive was encrypted by the playbook: restore it by hand"),
    (r"does not exist in", "start again: the archive is brought there anew"),
)
"""The playbook's own checks, by its words (starlingx-site, section 6), and what to do."""


def site_gate(site: str, seen: Observation) -> Gate:
    """Nobody is at work there. That it is silent, or that dcmanager is, says nothing: it may be gone."""
    return quiet_gate(site, seen)


def archive_gate(
    request: RestoreSiteRequest, backup: BackupFacts, topology: str, seen: Observation | None
) -> Gate:
    """`topology` as the inventory declares it; `seen`: the site as it answers now, where it does."""
    words = _wrong(request, backup, topology) or _not_of(request.site, backup, seen)
    return Gate(words, Outcome.REFUSED) if words else PASSED


def _wrong(request: RestoreSiteRequest, backup: BackupFacts, topology: str) -> str:
    if not backup.backup:
        return f"{request.site} has no backup"
    of = BackupId.parse(backup.backup).site
    if of != request.site:
        return f"{backup.backup} is a backup of {of}, and this is {request.site}"
    if backup.faults or backup.origin is None:
        return f"{backup.backup} cannot be restored: {'; '.join(backup.faults) or 'it has no manifest'}"
    if not backup.own:
        return f"{backup.backup} was made by dcmanager, which restores it: RestoreSite"
    archive = platform_of(backup)
    if archive is None:
        return f"{backup.backup} cannot be restored: it has no archive of the platform"
    if archive.is_encrypted:
        return (
            f"{archive.file} was encrypted by its playbook, with a passphrase that Starflock does not have: "
            "restore it by hand (starflock backup fetch)"
        )
    if backup.origin.topology != topology and backup.origin.system_controller != request.site:
        return f"{backup.backup} is of topology {backup.origin.topology}, and {request.site} has {topology}"
    if not backup.recorded and backup.origin.topology != "AIO-SX":
        return (
            f"{backup.backup} has no record, so which hosts {request.site} had, by which MACs, is not known: "
            "restore it by hand (starflock backup fetch)"
        )
    if not backup.recorded and (request.replaced or request.leave_out):
        return (
            f"{backup.backup} has no record, so hosts cannot be named by it; where controller-0 is another "
            "machine now, its OSDs have to be wiped: --wipe-osds"
        )
    if request.volumes:
        return f"{backup.backup} has no volumes: a backup by the site's own playbook is of the platform"
    return ""


def _not_of(site: str, backup: BackupFacts, seen: Observation | None) -> str:
    if seen is None or seen.site is None or backup.origin is None:
        return ""
    for what, was, now in (
        ("region", backup.origin.region, seen.site.region),
        ("release", major(backup.origin.release), major(seen.site.version or seen.site.software_version)),
    ):
        if was and now and was != now:
            return f"{backup.backup} is of {what} {was}, and {site} has {now}"
    return ""


def platform_of(backup: BackupFacts) -> OwnArchive | None:
    return archive_of(backup, "platform")


def archive_of(backup: BackupFacts, holds: str) -> OwnArchive | None:
    return next((each for each in backup.own if each.holds == holds), None)


def next_step(request: RestoreSiteRequest, backup: BackupFacts, host: RestorableHost) -> Next | Gate:
    """Only what our records know as begun is gone on with: a host keeps the folders of restores of before."""
    installed = host.installed
    if installed is not None:
        run = run_of(host, backup, PLATFORM_BOOK) if host.begun else None
        if run is not None and run.state == "running":
            return "follow"
        if run is not None and run.state == "ended" and run.exit_code == 0:
            return "go on"
        busy = installed.busy or _other_restore(installed.running, backup)
        if busy:
            return Gate(busy, Outcome.BLOCKED, waits=True)
        release = host.release and backup.origin is not None and major(backup.origin.release)
        if release and installed.finalized and release != major(host.release):
            words = f"{backup.backup} is of release {release}, and {request.site} has {host.release}"
            return Gate(words, Outcome.REFUSED)
    if request.install and not (host.installed_for_it and is_fresh(host)):
        return "begin"
    gate = host_gate(request, backup, host)
    return gate if gate.outcome is not None else "carry"


def is_fresh(host: RestorableHost) -> bool:
    return host.installed is not None and not (host.installed.finalized or host.restoring)


def _other_restore(run: PlaybookRun | None, backup: BackupFacts) -> str:
    if run is not None and run.book == PLATFORM_BOOK:
        return f"run {run.run} of ours restores {run.backup or 'another backup'}, not {backup.backup}"
    return ""


def run_of(host: RestorableHost, backup: BackupFacts, book: str) -> PlaybookRun | None:
    """The newest of ours that restores this backup by this playbook."""
    runs = host.installed.runs if host.installed else ()
    found = [run for run in runs if run.ours and run.book == book and run.backup == backup.backup]
    return max(found, key=lambda run: run.started or NEVER, default=None)


def host_gate(request: RestoreSiteRequest, backup: BackupFacts, host: RestorableHost) -> Gate:
    """Of controller-0 as it was installed, before the playbook is started."""
    words = _unfit(request, backup, host)
    return Gate(words, Outcome.REFUSED) if words else PASSED


def _unfit(request: RestoreSiteRequest, backup: BackupFacts, host: RestorableHost) -> str:
    installed, origin = host.installed, backup.origin
    assert origin is not None
    if installed is None:
        return f"controller-0 of {request.site} is silent: {host.silence}"
    address = installed.address
    if installed.finalized:
        return (
            f"{address} was unlocked, and restore_platform.yml wants a freshly installed host: start without "
            "--no-install, or install it first"
        )
    if host.restoring:
        return (
            f"a restore has begun on {address} and has not ended; restore_platform.yml begins once in a "
            "host's life: start without --no-install, or install it first"
        )
    if not host.playbook:
        return f"{address} has no restore_platform.yml below /usr/share/ansible/stx-ansible/playbooks"
    if installed.lacks:
        return f"{address} lacks {', '.join(installed.lacks)}"
    if host.release and major(host.release) != major(origin.release):
        return f"{backup.backup} is of release {major(origin.release)}, and {address} has {host.release}"
    wanted = SYSTEM_TYPE.get(origin.topology, "")
    if host.system_type and wanted and host.system_type != wanted:
        return (
            f"{backup.backup} is of a site {origin.topology}, and {address} was installed {host.system_type}"
        )
    return ""


def is_optimized(backup: BackupFacts) -> bool:
    return (
        backup.origin is not None
        and backup.origin.topology == "AIO-SX"
        and archive_of(backup, "user images") is None
    )


def carried(backup: BackupFacts) -> tuple[OwnArchive, ...]:
    """What is brought to the freshly installed host before its playbook is started."""
    holds = ["platform", "registry" if is_optimized(backup) else "user images"]
    return tuple(each for each in backup.own if each.holds in holds)


def values(request: RestoreSiteRequest, backup: BackupFacts, folder: str) -> RestoreValues:
    """Of restore_platform.yml."""
    platform, registry = platform_of(backup), archive_of(backup, "registry")
    assert platform is not None
    optimized = is_optimized(backup)
    return RestoreValues(
        backup=backup.backup,
        folder=folder,
        file=platform.file,
        registry=registry.file if optimized and registry is not None else "",
        optimized=optimized,
        wipe_ceph_osds=wipes_osds(request, backup),
    )


def wipes_osds(request: RestoreSiteRequest, backup: BackupFacts) -> bool:
    """Of a backup without a record, which is of one host, nothing is known but what a person says."""
    if not backup.recorded:
        return request.wipe_osds
    return restore_hosts.wipes_osds(request, backup.hosts)


def left_behind(backup: BackupFacts) -> tuple[str, ...]:
    """Archives that nothing is done with, in words."""
    told = []
    for each in backup.own:
        if each.holds == "another":
            told.append(f"{each.file} is not restored: no step takes it")
        elif each.holds == "registry" and not is_optimized(backup):
            told.append(f"{each.file} is not restored: the registry's is for AIO-SX; images are pulled anew")
    return tuple(told)


def ended(book: str, end: PlaybookEnd) -> tuple[Outcome, str]:
    """Of a playbook that did not restore, or of which nobody knows."""
    at = f" at {end.task!r}" if end.task else ""
    if end.how == "failed":
        advice = next((words for sign, words in ADVICE if re.search(sign, end.words, re.I)), "")
        more = advice or "start again, it begins with the installation" * (book == PLATFORM_BOOK)
        told = f"{book}.yml ended with {end.exit_code}{at}" + (f"; {more}" if more else "")
        return Outcome.FAILED, told
    if end.how == "died":
        return Outcome.FAILED, f"{book}.yml died{at} without an exit record"
    if end.how == "late":
        return Outcome.FAILED, f"{book}.yml takes too long{at}. It was left running: another run follows it"
    if end.how == "silent":
        return Outcome.FAILED, f"the host is silent: {end.words}. {book}.yml may be running: start again"
    return Outcome.FAILED, f"the run of {book}.yml is gone from the host{at}: {end.words}"


def steps(request: RestoreSiteRequest, backup: BackupFacts, first: Next) -> tuple[RestoreStep, ...]:
    """What would be done, in order."""
    done: list[RestoreStep] = []
    later = f"everything of {request.site} that is younger than {backup.backup}"
    off = switched_off(request, backup) if first in ("begin", "carry") else ()
    done += [RestoreStep(what=f"{', '.join(off)}: switched off by BMC, if on")] if off else []
    if first == "begin":
        disks = "the system disk of controller-0, and whatever runs on it"
        done.append(RestoreStep(what="controller-0 is installed by its BMC", destroys=disks))
    elif first == "carry":
        done.append(RestoreStep(what="controller-0 is taken as it is installed"))
    if first in ("begin", "carry"):
        files = ", ".join(each.file for each in carried(backup))
        done.append(RestoreStep(what=f"brought to controller-0, by hash: {files}"))
    if first != "go on":
        how = "optimized" if is_optimized(backup) else "legacy"
        what = f"restore_platform.yml restores the platform ({how})"
        done.append(RestoreStep(what=what, destroys=later))
        done += _osds_step(request, backup)
    if archive_of(backup, "user images") is not None:
        done.append(RestoreStep(what="restore_user_images.yml restores the users' images"))
    done.append(RestoreStep(what=f"{FIRST_HOST} is unlocked"))
    if archive_of(backup, "vault") is not None:
        done.append(RestoreStep(what="restore_dc_vault.yml restores dcmanager's vault"))
    done += restore_hosts.steps(request, backup)
    done += restore_hosts.pools_step(request, backup)
    done.append(RestoreStep(what="applications recover, the restore is completed"))
    last = "the site is compared with the record of the backup"
    return (*done, RestoreStep(what=last if backup.recorded else "nothing is compared: there is no record"))


def _osds_step(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[RestoreStep, ...]:
    if backup.recorded or not request.wipe_osds:
        return restore_hosts.osds_step(request, backup)
    what = "Ceph's OSDs of controller-0, if any, are wiped, because that was asked for (--wipe-osds)"
    return (RestoreStep(what=what, destroys="all data of Ceph on controller-0"),)


def switched_off(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[str, ...]:
    """Hosts that must not serve the site while controller-0 begins anew, where their BMCs are declared."""
    wipes = restore_hosts.wipes_osds(request, backup.hosts)
    further = restore_hosts.further(request, backup.hosts)
    return tuple(
        host.name
        for host in further
        if host.has_bmc and restore_hosts.is_installed_anew(request, host, wipes=wipes)
    )
