"""May a site be backed up now, is what came of it a backup, and is the last one young enough."""

from datetime import datetime, timedelta

from models.backup import BackupEnd, BackupSiteRequest
from models.deploy import SubcloudFacts
from models.deploy_status import BACKING_UP
from models.outcome import Outcome
from models.platform import PARTITION, VAULT
from models.site import Observation, SiteFacts
from rules import alarms
from rules.bringup import change_gate
from rules.install import PASSED, Gate

RESTARTS = 3
"""How often a backup is begun again because dcmanager has started anew in the middle of it."""
IGNORED = alarms.IGNORED_BEFORE_PATCH - {"200.001", "200.003", "250.001"}
"""dcmanager asks for a healthy site: hosts in service and configured, no alarm that affects management."""
UNSAFE_APPLICATIONS = frozenset({"removing", "recovering", "applying", "updating", "restore-requested"})
"""Removing and recovering raise no alarm, so the site's own health passes, and the backup fails (Launchpad
2144002)."""


def site_gate(request: BackupSiteRequest, seen: Observation) -> Gate:
    """What dcmanager and the playbook would refuse, and what would be in the middle of a change."""
    gate = change_gate(request.site, seen)
    if gate.outcome is not None:
        return gate
    controller, site = seen.controller, seen.site
    assert controller is not None
    assert site is not None
    if controller.availability != "online":
        return Gate(f"dcmanager says {controller.availability}", Outcome.UNREACHABLE, waits=True)
    if controller.management_state != "managed" or controller.deploy_status != "complete":
        said = f"{controller.management_state}, {controller.deploy_status}"
        return Gate(
            f"the subcloud is {said}: dcmanager backs up what is managed", Outcome.BLOCKED, waits=True
        )
    if controller.prestage_status == "prestaging":
        return Gate("dcmanager prestages the subcloud", Outcome.BLOCKED, waits=True)
    return health_gate(site)


def health_gate(site: SiteFacts) -> Gate:
    """What the playbook itself would refuse, dcmanager's or the site's own."""
    moving = [f"{app.name} {app.status}" for app in site.apps_moving if app.status in UNSAFE_APPLICATIONS]
    if moving:
        return Gate(f"applications move: {', '.join(moving)}", Outcome.BLOCKED, waits=True)
    away = [host.says for host in site.hosts if not host.in_service]
    if away:
        return Gate(f"not in service: {', '.join(away)}", Outcome.BLOCKED, waits=True)
    holding = alarms.holding(site.alarms, IGNORED)
    if holding:
        return Gate(f"alarms hold: {alarms.in_words(holding)}", Outcome.BLOCKED, waits=True)
    return PASSED


def free_gate(facts: SubcloudFacts) -> Gate:
    """Nobody else's backup is under way."""
    if not facts.found:
        return Gate(f"dcmanager has no subcloud {facts.name}", Outcome.REFUSED)
    if facts.backup_status in BACKING_UP:
        words = f"somebody else's backup of {facts.name} is {facts.backup_status}"
        return Gate(words, Outcome.BLOCKED, waits=True)
    return PASSED


def is_made(before: SubcloudFacts, end: BackupEnd, *, local: bool) -> bool:
    """There is one that was not there before, where it was to be."""
    wanted = "complete-local" if local else "complete-central"
    now = end.facts
    return (
        end.how == "ended"
        and now is not None
        and now.backup_status == wanted
        and now.backup_time is not None
        and (before.backup_time is None or now.backup_time > before.backup_time)
    )


def is_restart(end: BackupEnd) -> bool:
    """dcmanager knows of no reason: it has started anew meanwhile, or found the site in bad health."""
    return end.how == "ended" and not end.words


def ended(end: BackupEnd) -> tuple[Outcome, str]:
    """Of a backup that was not made."""
    now = end.facts
    if end.how == "silent":
        return Outcome.UNREACHABLE, f"dcmanager does not answer: {end.words}"
    if end.how == "gone":
        return Outcome.FAILED, end.words
    if end.how == "late":
        said = now.backup_status if now else "not known"
        return Outcome.FAILED, f"the backup takes longer than it may; it is {said}"
    status = now.backup_status if now else "not known"
    if status == "validate-failed":
        return Outcome.BLOCKED, "dcmanager found the site in bad health (validate-failed)"
    return Outcome.FAILED, f"the backup ended {status}: {' '.join(end.words.split()) or 'no reason is given'}"


def where(controller: str, subcloud: str, site: str, release: str, *, local: bool) -> str:
    """The folder in which dcmanager's playbook keeps it (ansible-playbooks, subcloud-bnr)."""
    folder = kept_in(subcloud, release, local=local)
    return f"{site} itself, {folder}" if local else f"dcmanager of {controller}, {folder}"


def kept_in(subcloud: str, release: str, *, local: bool) -> str:
    return f"{PARTITION}/{release}" if local else f"{VAULT}/{subcloud}/{release}"


def age_gate(site: str, taken: datetime | None, now: datetime, at_most: timedelta | None) -> Gate:
    """Of an upgrade: there is a backup, and it is young enough."""
    if at_most is None:
        return PASSED
    if taken is None:
        words = f"{site} has no backup (starflock site backup {site})"
        return Gate(words, Outcome.BLOCKED, waits=True)
    age = now - taken
    if age > at_most:
        words = (
            f"the last backup of {site} is of {taken:%Y-%m-%d %H:%M} UTC, {_hours(age)} old; at most "
            f"{_hours(at_most)} is asked for (starflock site backup {site})"
        )
        return Gate(words, Outcome.BLOCKED, waits=True)
    return PASSED


def _hours(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return (
        f"{hours / 24:.0f} days"
        if hours >= 48
        else f"{hours:.0f} h"
        if hours >= 2
        else f"{hours * 60:.0f} min"
    )


def folder(release: str) -> str:
    """dcmanager's of a release: 26.03 of 26.03.1."""
    return ".".join(release.rsplit("-", 1)[-1].split(".")[:2])
