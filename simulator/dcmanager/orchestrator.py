"""dcmanager's own orchestrator, with the intervals of the real one (distcloud 8ae01823, 2026-08).

A window of steps by id; slots are refilled only at the manager's tick of 30 s, a VIM build is polled each
10 s, an apply each 60 s, and a state is followed by the next one at the worker's tick of 10 s. It drives the
VIM in each subcloud directly. Other types than sw-deploy and prestage only pass through their states.
"""

from simulator.cloud import clock
from simulator.cloud.strategy import Wanted
from simulator.dcmanager import options, subclouds
from simulator.dcmanager.errors import DcError
from simulator.dcmanager.selection import ENDPOINT_OF
from simulator.dcmanager.state import Database, FleetStrategy, StrategyStep

MANAGER_TICK_S = 30.0
WORKER_TICK_S = 10.0
BUILD_POLL_S = 10.0
APPLY_POLL_S = 60.0
SILENT_POLLS = 30
_OTHER_STATES = {
    "kube-rootca-update": (
        "creating vim kube rootca update strategy",
        "applying vim kube rootca update strategy",
    ),
    "kubernetes": ("kube creating vim kube upgrade strategy", "kube applying vim kube upgrade strategy"),
    "firmware": ("creating fw update strategy", "applying fw update strategy"),
}
CREATE, APPLY = "create VIM sw-deploy strategy", "apply VIM sw-deploy strategy"


def start(db: Database, strategy: FleetStrategy) -> None:
    _tick(db, strategy)


def remove(db: Database, strategy: FleetStrategy) -> None:
    """Delete the finished VIM strategies of the members, then the row."""

    def gone() -> None:
        for step in strategy.steps:
            vim = step.subcloud.cloud.vim
            if vim.strategy is not None and not vim.strategy.foreign and not vim.strategy.busy:
                vim.delete(force=False)
        if db.strategy is strategy:
            db.strategy = None

    db.controller.clock.later(MANAGER_TICK_S, gone)


def _tick(db: Database, strategy: FleetStrategy) -> None:
    if db.strategy is not strategy or strategy.state not in ("applying", "abort requested", "aborting"):
        return
    if strategy.state == "abort requested":
        strategy.state = "aborting"
        for step in strategy.steps:
            if step.state == "initial":
                step.state, step.stage, step.finished_at = "aborted", "Complete", clock.spaced()
    open_steps = [step for step in strategy.steps if not (step.ended and step.stage == "Complete")]
    if not open_steps:
        _finish(strategy)
        return
    if strategy.state == "applying":
        for step in open_steps[: strategy.max_parallel]:
            if step.state == "initial":
                _begin(db, strategy, step)
    db.controller.clock.later(MANAGER_TICK_S, lambda: _tick(db, strategy))


def _finish(strategy: FleetStrategy) -> None:
    states = {step.state for step in strategy.steps}
    if strategy.state == "aborting":
        strategy.state = "aborted"
    else:
        strategy.state = "failed" if "failed" in states else "complete"
    strategy.updated_at = clock.tee()


def _begin(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    step.stage, step.started_at = "Apply", clock.spaced()
    later = db.controller.clock.later
    if strategy.type == "sw-deploy":
        _enter(step, "sw-deploy pre-check")
        later(WORKER_TICK_S, lambda: _precheck(db, strategy, step))
    elif strategy.type == "prestage":
        _enter(step, "prestaging-packages")
        _prestage(db, strategy, step)
    else:
        creating, applying = _OTHER_STATES[strategy.type]
        _enter(step, creating)
        later(2 * BUILD_POLL_S, lambda: _enter(step, applying))
        later(2 * BUILD_POLL_S + APPLY_POLL_S + WORKER_TICK_S, lambda: _others_done(db, strategy, step))


def _others_done(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    step.subcloud.sync[ENDPOINT_OF[strategy.type]] = "in-sync"
    _end(db, step, "complete")


def _prestage(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    row = step.subcloud
    try:
        subclouds.check_prestage(db, row)
    except DcError as refused:
        _end(db, step, "failed", f"prestage-precheck: {refused.description}")
        return
    subclouds.start_prestage(db, row)

    def ended() -> None:
        if row.prestage_status == "prestaging":
            db.controller.clock.later(WORKER_TICK_S, ended)
        elif row.prestage_status == "complete" and strategy.type == "sw-deploy":
            _create(db, strategy, step)
        else:
            good = row.prestage_status == "complete"
            _end(db, step, "complete" if good else "failed", "" if good else "prestaging-packages: failed")

    db.controller.clock.later(WORKER_TICK_S, ended)


def _precheck(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    args = strategy.extra_args or {}
    usm = step.subcloud.cloud.usm
    release = args.get("release_id")
    if release and usm.is_deployed(release) and usm.deployment is None:
        _end(db, step, "complete")
    elif args.get("with_prestage"):
        _enter(step, "prestaging-packages")
        _prestage(db, strategy, step)
    elif release and release not in usm.states:
        _end(db, step, "failed", f"sw-deploy pre-check: Release {release} is not prestaged")
    else:
        _create(db, strategy, step)


def _create(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    _enter(step, CREATE)
    cloud, args = step.subcloud.cloud, strategy.extra_args or {}
    if cloud.dark:
        _end(db, step, "failed", f"{CREATE}: Unable to establish connection to the subcloud")
        return
    if cloud.vim.strategy is not None and cloud.vim.strategy.state in ("applied", "aborted", "build-failed"):
        cloud.vim.delete(force=False)
    if cloud.vim.strategy is not None:
        text = "Failed to create a VIM strategy. There already is an existing strategy in this state"
        _end(db, step, "failed", f"{CREATE}: {text}. State: {cloud.vim.strategy.state}")
        return
    chosen = options.values_for(db, step.subcloud.id)
    cloud.vim.create(
        Wanted(
            releases=(args["release_id"],) if args.get("release_id") else (),
            rollback=bool(args.get("rollback")),
            delete=bool(args.get("delete")),
            cleanup=bool(args.get("cleanup")),
            storage_apply_type=str(chosen["storage-apply-type"]),
            worker_apply_type=str(chosen["worker-apply-type"]),
            default_instance_action=str(chosen["default-instance-action"]),
            alarm_restrictions=str(chosen["alarm-restriction-type"]),
        )
    )
    db.controller.clock.later(BUILD_POLL_S, lambda: _built(db, strategy, step))


def _built(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    vim = step.subcloud.cloud.vim
    state = vim.strategy.state if vim.strategy else "missing"
    later = db.controller.clock.later
    if state == "building":
        later(BUILD_POLL_S, lambda: _built(db, strategy, step))
    elif state == "ready-to-apply":
        later(WORKER_TICK_S, lambda: _apply(db, strategy, step))
    else:
        reason = vim.strategy.build.reason if vim.strategy else "the strategy is gone"
        _end(db, step, "failed", f"{CREATE}: VIM strategy build failed: {reason}. State: {state}")


def _apply(db: Database, strategy: FleetStrategy, step: StrategyStep) -> None:
    _enter(step, APPLY)
    cloud = step.subcloud.cloud
    if cloud.dark or cloud.vim.strategy is None or cloud.vim.apply(None):
        _end(db, step, "failed", f"{APPLY}: VIM strategy apply was refused")
        return
    db.controller.clock.later(APPLY_POLL_S, lambda: _applied(db, strategy, step, 0))


def _applied(db: Database, strategy: FleetStrategy, step: StrategyStep, silent: int) -> None:
    cloud = step.subcloud.cloud
    state = cloud.vim.strategy.state if cloud.vim.strategy else "missing"
    later = db.controller.clock.later
    if cloud.dark and silent < SILENT_POLLS:
        later(APPLY_POLL_S, lambda: _applied(db, strategy, step, silent + 1))
    elif state == "applying" and cloud.vim.strategy is not None and not cloud.dark:
        step.details = f"apply phase is {cloud.vim.strategy.apply.percentage}% complete"
        later(APPLY_POLL_S, lambda: _applied(db, strategy, step, 0))
    elif state == "applied":
        step.details = ""
        _enter(step, "finish sw-deploy strategy")
        later(WORKER_TICK_S, lambda: _end(db, step, "complete"))
    else:
        reason = cloud.vim.strategy.apply.reason if cloud.vim.strategy else "the strategy is gone"
        _end(db, step, "failed", f"{APPLY}: VIM strategy apply failed: {reason}. State: {state}")


def _enter(step: StrategyStep, state: str) -> None:
    step.state, step.updated_at = state, clock.spaced()


def _end(db: Database, step: StrategyStep, state: str, details: str = "") -> None:
    """A step is first `Apply`, and `Complete` at the worker's next tick."""
    _enter(step, state)
    step.details, step.finished_at = details, clock.spaced()

    def closed() -> None:
        step.stage, step.updated_at = "Complete", clock.spaced()

    db.controller.clock.later(WORKER_TICK_S, closed)
