"""The life of a VIM strategy that is ours: create, build, apply, wait, clear away."""

from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.vim.activities import NOT_DELETABLE, VimActivities
    from models.outcome import Outcome
    from models.patch import (
        AwaitStrategyRequest,
        CreateStrategyRequest,
        PatchSiteRequest,
        StrategyEnd,
        StrategyRef,
    )
    from models.site import Observation, Strategy
    from models.timing import Timing
    from workflows.steps import policies
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by

BUILD_WITHIN = timedelta(minutes=45)
"""dcmanager gives the build 30 minutes; queries of a slow site may need a little more."""
BUILD_SILENCE = timedelta(minutes=15)
"""Building changes nothing: silence is the network's."""
APPLY_WITHIN = timedelta(hours=12)
"""The VIM bounds each stage itself; dcmanager's limit is 6 h 40 min for all of it."""
APPLY_SILENCE = timedelta(minutes=60)
"""A reboot of an AIO-SX and a swact with both reboots of an AIO-DX take up to half an hour each."""

SLACK = timedelta(minutes=10)


def instance_action(request: PatchSiteRequest, seen: Observation) -> Literal["migrate", "stop-start"]:
    """VMs cannot leave the only host of an AIO-SX; elsewhere they move unless the operator says otherwise."""
    if request.operation.instance_action == "auto":
        return "stop-start" if seen.topology == "AIO-SX" else "migrate"
    return request.operation.instance_action


async def create(
    log: StepLog, timing: Timing, request: PatchSiteRequest, seen: Observation, absent_at: datetime
) -> Strategy:
    assert seen.site is not None
    assert seen.controller is not None
    step = await workflow.execute_activity_method(
        VimActivities.create_strategy,
        CreateStrategyRequest(
            site=request.site,
            region=seen.controller.region,
            release=request.operation.release,
            dialect=seen.site.dialect,
            instance_action=instance_action(request, seen),
            alarm_restrictions=request.operation.alarm_restrictions,
            absent_at=absent_at,
        ),
        start_to_close_timeout=policies.mutation_timeout(timing, "vim.create"),
        schedule_to_close_timeout=policies.mutation_deadline(timing, "vim.create"),
        retry_policy=policies.mutation_retry(timing),
        summary=f"create strategy for {request.operation.release}",
    )
    log.attempts = step.attempt
    return step.strategy


async def apply(log: StepLog, timing: Timing, site: str, uuid: str) -> None:
    step = await workflow.execute_activity_method(
        VimActivities.apply_strategy,
        StrategyRef(site=site, uuid=uuid),
        start_to_close_timeout=policies.mutation_timeout(timing, "vim.apply"),
        schedule_to_close_timeout=policies.mutation_deadline(timing, "vim.apply"),
        retry_policy=policies.mutation_retry(timing),
        summary=f"apply {uuid}",
    )
    log.attempts = step.attempt


async def await_end(
    log: StepLog, timing: Timing, site: str, uuid: str, phase: Literal["build", "apply"]
) -> StrategyEnd:
    within, silence = (BUILD_WITHIN, BUILD_SILENCE) if phase == "build" else (APPLY_WITHIN, APPLY_SILENCE)
    end = await workflow.execute_activity_method(
        VimActivities.await_strategy,
        AwaitStrategyRequest(site=site, uuid=uuid, phase=phase, silence=silence, within=within),
        start_to_close_timeout=timing.paced(within) + SLACK,
        heartbeat_timeout=policies.heartbeat(timing),
        retry_policy=policies.WAIT_RETRY,
        summary=f"wait for the {phase} of {uuid}",
    )
    log.attempts = end.attempt
    return end


async def adopt(timing: Timing, site: str, uuid: str) -> None:
    """Records a strategy that the operator handed over, so that it stays ours through any crash."""
    await workflow.execute_activity_method(
        VimActivities.adopt_strategy,
        StrategyRef(site=site, uuid=uuid),
        start_to_close_timeout=policies.LOOK,
        schedule_to_close_timeout=policies.mutation_deadline(timing, "vim.create"),
        retry_policy=policies.mutation_retry(timing),
        summary=f"adopt {uuid}",
    )


async def clear_away(timing: Timing, site: str, uuid: str, state: str) -> str:
    """Deletes our strategy; returns what is left behind in words, empty when nothing is."""
    if state in NOT_DELETABLE:
        return f"strategy {uuid} is {state}: the VIM goes on with it and it cannot be deleted now"
    try:
        await workflow.execute_activity_method(
            VimActivities.delete_strategy,
            StrategyRef(site=site, uuid=uuid),
            start_to_close_timeout=policies.mutation_timeout(timing, "vim.delete"),
            schedule_to_close_timeout=policies.mutation_deadline(timing, "vim.delete"),
            retry_policy=policies.mutation_retry(timing),
            summary=f"delete {uuid}",
        )
    except ActivityError as error:
        return f"strategy {uuid} could not be deleted: {ended_by(error).reason}"
    return ""


def must_have_ended(end: StrategyEnd, good: str, site: str) -> None:
    """Raises Ended unless the VIM says `good` ("ready-to-apply" or "applied")."""
    strategy = end.strategy
    if end.how == "ended" and strategy is not None:
        if strategy.state == good:
            return
        where = f" at {strategy.stage}" if strategy.stage else ""
        why = f": {strategy.reason}" if strategy.reason else ""
        raise Ended(Outcome.FAILED, f"the VIM says {strategy.state}{where}{why}")
    seen = f"; last seen {strategy.state} at {strategy.percent} % {strategy.stage}" if strategy else ""
    if end.how == "gone":
        raise Ended(Outcome.FAILED, f"our strategy was deleted by someone else; {end.words}")
    if end.how == "silent":
        raise Ended(
            Outcome.FAILED, f"{site} has not answered for longer than its change may take{seen}", end.words
        )
    raise Ended(Outcome.FAILED, f"the VIM was still at work at our deadline{seen}")
