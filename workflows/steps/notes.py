"""The campaign's log: what happened when, for the records, the report and the Temporal UI."""

from collections import deque
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.fleet.activities import FleetActivities
    from models.campaign import CampaignSpec
    from models.fleet import CampaignNote
    from models.outcome import Outcome
    from models.records import CampaignEvent, CampaignRun, SiteRun
    from rules import explain
    from rules.campaign import CampaignState
    from workflows.steps import policies

SHOWN = 12


class CampaignLog:
    def __init__(self, spec: CampaignSpec, sequence: int) -> None:
        self.sequence = sequence
        self._spec = spec
        self._unwritten: list[CampaignEvent] = []
        self._latest: deque[CampaignEvent] = deque(maxlen=SHOWN)
        self._stage = ""

    def say(self, text: str, now: datetime) -> None:
        self.sequence += 1
        event = CampaignEvent(first_run_id=_first_run_id(), sequence=self.sequence, at=now, text=text)
        self._unwritten.append(event)
        self._latest.append(event)

    def say_changes(self, state: CampaignState, now: datetime) -> None:
        """A line whenever the phase or the wave has changed."""
        stage = f"{explain.phase(state)} {state.wave}"
        if stage != self._stage:
            self._stage = stage
            self.say(explain.why(state, now), now)

    async def begin(self, state: CampaignState) -> None:
        self.say(f"started with {len(state.roster.names)} sites", state.began)
        await self._write(CampaignNote(run=self._run(state)))

    async def end(self, state: CampaignState, now: datetime) -> None:
        self.say_changes(state, now)
        result = state.result()
        run = self._run(state).model_copy(
            update={"ended": now, "aborted": result.aborted, "reason": result.reason}
        )
        await self._write(CampaignNote(run=run))

    async def flush(self) -> None:
        if self._unwritten:
            await self._write(CampaignNote())

    async def site_without_run(self, state: CampaignState, name: str, outcome: Outcome, reason: str) -> None:
        """A site that ended without a workflow of its own still has its line in the report."""
        now = workflow.now()
        self.sequence += 1
        run = SiteRun(
            run_id=f"{_first_run_id()}/{self.sequence}",
            site=name,
            operation=self._spec.operation.kind,
            release=self._spec.operation.target,
            campaign=self._spec.name,
            wave=state.wave_number(name),
            outcome=outcome,
            reason=reason,
            began=now,
            ended=now,
        )
        await self._write(CampaignNote(sites=(run,)))

    def markdown(self, state: CampaignState, now: datetime, opening: str = "") -> str:
        """For the Temporal UI: cheap enough for every turn. `opening`: what is done before the first wave."""
        lines = [f"### {self._spec.name}: {self._spec.operation.kind} to {self._spec.operation.target}", ""]
        lines.append(f"**{explain.in_markdown(explain.why(state, now, opening))}**")
        lines.append("")
        total = len(state.roster.names)
        counted = [f"{count} {outcome}" for outcome, count in state.roster.counts.items() if count]
        lines.append(f"- {total} sites: " + (", ".join(counted) or "none ended yet"))
        lines.append(f"- in flight: {state.window.in_flight} of at most {state.window.limits.max_in_flight}")
        waiting = explain.waiting_reasons(state, now, 5)
        lines += [f"- {site} waits: {why}" for site, why in waiting.items()]
        if to_try := state.sites_to_try():
            more = f" and {len(to_try) - 8} more" if len(to_try) > 8 else ""
            lines.append(f"- tried again by themselves: {', '.join(to_try[:8])}{more}")
        names = state.roster.names
        troubles = [f"{names[site]} {state.roster.outcome(site)}" for site in state.roster.troubles]
        if troubles:
            lines.append("- look at: " + ", ".join(troubles[-8:]))
        lines.append("")
        lines += [f"- {explain.clock(event.at)} {explain.in_markdown(event.text)}" for event in self._latest]
        return "\n".join(lines)

    def _run(self, state: CampaignState) -> CampaignRun:
        return CampaignRun(
            first_run_id=_first_run_id(),
            name=self._spec.name,
            spec_json=self._spec.model_dump_json(),
            inventory_hash=state.inventory_hash,
            members=len(state.roster.names),
            began=state.began,
        )

    async def _write(self, note: CampaignNote) -> None:
        events, self._unwritten = tuple(self._unwritten), []
        await workflow.execute_activity_method(
            FleetActivities.note_campaign,
            note.model_copy(update={"events": (*note.events, *events)}),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=policies.WAIT_RETRY,
            summary="write the records",
        )


def _first_run_id() -> str:
    return workflow.info().first_execution_run_id
