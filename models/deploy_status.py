"""The deploy statuses of a subcloud, by the phase that they belong to (distcloud 8ae01823, `consts.py`).

A phase may begin from some of them, is under way in two or three, and ends in one of three ways. When the
manager starts anew it turns what was under way into a failure.
"""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["install", "bootstrap", "enroll", "configure", "complete"]


@dataclass(frozen=True)
class Statuses:
    """Of one phase."""

    begins: frozenset[str]
    running: frozenset[str]
    done: str
    failed: frozenset[str] = frozenset()
    aborted: str = ""

    @property
    def ended(self) -> frozenset[str]:
        return frozenset({self.done, self.aborted, *self.failed}) - {""}

    @property
    def all(self) -> frozenset[str]:
        return self.running | self.ended


CREATED, COMPLETE = "create-complete", "complete"
CREATING = frozenset({"not-deployed", "creating"})
STATUSES: dict[Phase, Statuses] = {
    "install": Statuses(
        begins=frozenset(
            {CREATED, "pre-install-failed", "install-failed", "install-complete", "install-aborted"}
        ),
        running=frozenset({"pre-install", "installing", "aborting-install"}),
        done="install-complete",
        failed=frozenset({"pre-install-failed", "install-failed"}),
        aborted="install-aborted",
    ),
    "bootstrap": Statuses(
        begins=frozenset(
            {
                CREATED,
                "install-complete",
                "pre-bootstrap-failed",
                "bootstrap-failed",
                "bootstrap-aborted",
                "bootstrap-complete",
            }
        ),
        running=frozenset({"pre-bootstrap", "bootstrapping", "aborting-bootstrap"}),
        done="bootstrap-complete",
        failed=frozenset({"pre-bootstrap-failed", "bootstrap-failed"}),
        aborted="bootstrap-aborted",
    ),
    "enroll": Statuses(
        begins=frozenset(
            {
                CREATED,
                "pre-init-enroll-failed",
                "init-enroll-failed",
                "pre-enroll-failed",
                "enroll-failed",
                "factory-restore-complete",
            }
        ),
        running=frozenset(
            {"pre-init-enroll", "initiating-enroll", "init-enroll-complete", "pre-enroll", "enrolling"}
        ),
        done="enroll-complete",
        failed=frozenset(
            {"pre-init-enroll-failed", "init-enroll-failed", "pre-enroll-failed", "enroll-failed"}
        ),
    ),
    "configure": Statuses(
        begins=frozenset(
            {
                COMPLETE,
                "bootstrap-complete",
                "enroll-complete",
                "pre-config-failed",
                "config-failed",
                "config-aborted",
            }
        ),
        running=frozenset({"pre-config", "configuring", "aborting-config"}),
        done=COMPLETE,
        failed=frozenset({"pre-config-failed", "config-failed"}),
        aborted="config-aborted",
    ),
    "complete": Statuses(
        begins=frozenset({"bootstrap-complete", "enroll-complete"}), running=frozenset(), done=COMPLETE
    ),
}
ABORTABLE = frozenset({"installing", "bootstrapping", "configuring"})
RUNS: dict[str, Phase] = {status: phase for phase, each in STATUSES.items() for status in each.running}
RESUMES: dict[str, Phase] = {
    status: phase for phase, each in STATUSES.items() for status in {*each.failed, each.aborted} - {""}
}
"""Where a deployment that has stopped goes on."""
RESTORING = frozenset({"pre-restore", "restoring"})
"""Beside an install's, with which a restore may begin."""
RESTORE_FAILED = frozenset({"restore-prep-failed", "restore-failed"})
FAILED = (
    frozenset(status for each in STATUSES.values() for status in each.failed)
    | {"create-failed"}
    | RESTORE_FAILED
)
BACKING_UP = frozenset({"validating", "pre-backup", "backing-up", "deleting-backup"})
"""Of `backup-status`: something is under way."""
BACKUP_FAILED = frozenset({"validate-failed", "backup-prep-failed", "failed"})
ABORTED = frozenset(each.aborted for each in STATUSES.values() if each.aborted)
