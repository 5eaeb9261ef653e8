"""A VIM strategy and its phases, stages and steps, in the shapes that nfv 1fa7c30 (2026-08) puts on the wire.

Data and view only; `cloud/vim.py` moves it and `cloud/plan.py` says which stages there are.
"""

from dataclasses import dataclass, field
from typing import Any

from simulator.cloud import clock
from simulator.cloud.releases import Dialect

ENDED_STEPS = ("success", "degraded", "failed", "timed-out", "aborted")


@dataclass(slots=True)
class Step:
    """One step; `seconds` is how long it takes here, `timeout` what nfv would allow."""

    name: str
    timeout: int
    seconds: float = 0.0
    hosts: tuple[tuple[str, str], ...] = ()
    """(uuid, name) of the hosts it acts on."""
    result: str = "initial"
    reason: str = ""
    start: str = ""
    end: str = ""

    def view(self, number: int) -> dict[str, Any]:
        return {
            "step-id": number,
            "step-name": self.name,
            "timeout": self.timeout,
            "entity-type": "hosts" if self.hosts else "",
            "entity-uuids": [uuid for uuid, _ in self.hosts],
            "entity-names": [name for _, name in self.hosts],
            "result": self.result,
            "reason": self.reason,
            "start-date-time": self.start,
            "end-date-time": self.end,
        }


@dataclass(slots=True)
class Stage:
    """Steps that run one after the other."""

    name: str
    steps: list[Step]
    abortable: bool = True
    current_step: int = 0
    inprogress: bool = False
    result: str = "initial"
    reason: str = ""
    start: str = ""
    end: str = ""

    def view(self, number: int) -> dict[str, Any]:
        return {
            "stage-id": number,
            "stage-name": self.name,
            "timeout": sum(step.timeout for step in self.steps) + 1,
            "total-steps": len(self.steps),
            "current-step": self.current_step,
            "steps": [step.view(i) for i, step in enumerate(self.steps)],
            "inprogress": self.inprogress,
            "result": self.result,
            "reason": self.reason,
            "start-date-time": self.start,
            "end-date-time": self.end,
        }


@dataclass(slots=True)
class Phase:
    """build, apply or abort."""

    name: str
    stages: list[Stage] = field(default_factory=list)
    current_stage: int = 0
    stop_at_stage: int = 0
    inprogress: bool = False
    result: str = "initial"
    reason: str = ""
    response: str = ""
    start: str = ""
    end: str = ""

    @property
    def percentage(self) -> int:
        """nfv counts only while the phase runs; a phase at rest says 100."""
        if not self.inprogress:
            return 100
        steps = [step for stage in self.stages for step in stage.steps]
        if not steps:
            return 100
        return 100 * sum(step.result in ENDED_STEPS for step in steps) // len(steps)

    def begin(self, stop_at: int) -> None:
        self.inprogress, self.result, self.stop_at_stage = True, "inprogress", stop_at
        self.start = self.start or clock.spaced()

    def finish(self, result: str, reason: str = "") -> None:
        self.inprogress, self.result, self.reason, self.end = False, result, reason, clock.spaced()

    def view(self) -> dict[str, Any]:
        return {
            "phase-name": self.name,
            "timeout": sum(step.timeout for stage in self.stages for step in stage.steps)
            + len(self.stages)
            + 1,
            "total-stages": len(self.stages),
            "current-stage": self.current_stage,
            "stop-at-stage": self.stop_at_stage,
            "stages": [stage.view(i) for i, stage in enumerate(self.stages)],
            "inprogress": self.inprogress,
            "completion-percentage": self.percentage,
            "result": self.result,
            "reason": self.reason,
            "response": self.response,
            "start-date-time": self.start,
            "end-date-time": self.end,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """The body of a create, defaults filled in."""

    releases: tuple[str, ...] = ()
    rollback: bool = False
    delete: bool = False
    snapshot: bool = False
    cleanup: bool = False
    pre_upgrade_deploy: bool = False
    controller_apply_type: str = "serial"
    storage_apply_type: str = "serial"
    worker_apply_type: str = "serial"
    max_parallel_worker_hosts: int = 2
    default_instance_action: str = "stop-start"
    alarm_restrictions: str = "strict"


@dataclass(slots=True)
class Spoil:
    """What a fault does to this strategy; nothing, unless one was asked for."""

    build_fails: bool = False
    apply_fails: bool = False
    apply_times_out: bool = False
    apply_seconds: float | None = None
    alarm: bool = False
    lies: bool = False
    host_fails: bool = False


@dataclass(slots=True)
class Strategy:
    """The one strategy that a VIM holds. A foreign one was planted by a fault, not made by a request."""

    uuid: str
    wanted: Wanted
    name: str = "sw-upgrade"
    foreign: bool = False
    state: str = "initial"
    current_phase: str = "initial"
    build: Phase = field(default_factory=lambda: Phase("build"))
    apply: Phase = field(default_factory=lambda: Phase("apply"))
    abort: Phase = field(default_factory=lambda: Phase("abort"))
    spoil: Spoil = field(default_factory=Spoil)

    @property
    def busy(self) -> bool:
        return self.state in ("building", "applying", "aborting")

    @property
    def phase(self) -> Phase:
        return {"apply": self.apply, "abort": self.abort}.get(self.current_phase, self.build)

    def view(self, dialect: Dialect) -> dict[str, Any]:
        wanted = self.wanted
        first = wanted.releases[0] if wanted.releases else ""
        release: Any = first if dialect is Dialect.STX_12 else list(wanted.releases)
        body: dict[str, Any] = {"uuid": self.uuid, "name": self.name}
        if self.name == "sw-upgrade":
            body["release"] = release
            if dialect is Dialect.NEXT:
                body |= {
                    "release-id": first,
                    "metapackages": [],
                    "pre-upgrade-deploy": wanted.pre_upgrade_deploy,
                    "kube-version": None,
                }
        return body | {
            "controller-apply-type": wanted.controller_apply_type,
            "storage-apply-type": wanted.storage_apply_type,
            "swift-apply-type": "ignore",
            "worker-apply-type": wanted.worker_apply_type,
            "max-parallel-worker-hosts": wanted.max_parallel_worker_hosts,
            "default-instance-action": wanted.default_instance_action,
            "alarm-restrictions": wanted.alarm_restrictions,
            "state": self.state,
            "current-phase": self.current_phase,
            "current-phase-completion-percentage": self.phase.percentage if self.state != "initial" else 0,
            "build-phase": self.build.view(),
            "apply-phase": self.apply.view(),
            "abort-phase": self.abort.view(),
        }
