"""A host's BMC from a workflow: each step acts and waits until the machine is so.

Acting and waiting are two activities (a mutation never waits). What the BMC accepted and did not do ends the
run with both said: what was asked, and how it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.redfish.activities import RedfishActivities
    from activities.redfish.looks import RedfishLooks
    from activities.redfish.sending import SETTLE, window_s
    from models.bmc import (
        AddressAnswer,
        AwaitBmcRequest,
        AwaitHostRequest,
        BmcEnd,
        BmcFacts,
        BmcStep,
        BootOverride,
        EjectRequest,
        HostRef,
        InsertRequest,
        OverrideRequest,
        PowerRequest,
        SettingsRequest,
    )
    from models.operations import Proof
    from models.outcome import Outcome
    from models.timing import Timing
    from workflows.steps import policies
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

POWER_WITHIN = timedelta(minutes=7)
"""For each kind of reset; StarlingX's rvmc gives 840 s to both together."""
EMPTY_WITHIN = timedelta(minutes=5)
"""An eject takes seconds; iDRACs say "inserted" for a minute more."""
INSERTED_WITHIN = timedelta(minutes=35)
"""rvmc: 200 looks, 10 s apart; some BMCs copy the image first."""
TRIES_WITHIN = timedelta(minutes=20)
"""For a mutation with all its attempts: a BMC that restarts is back in five minutes."""


@dataclass(frozen=True)
class ProofWanted:
    """By what a host is known to be installed."""

    proof: Proof = "ssh"
    token: str = ""
    sysinv_may_be_silent: bool = True


@dataclass
class HostBmc:
    host: HostRef
    log: StepLog
    timing: Timing

    async def look(self, within: timedelta) -> BmcFacts:
        found: BmcFacts = await self._read(RedfishLooks.look_at_bmc, self.host, within, "look at the BMC")
        return found

    async def ask_address(self) -> AddressAnswer:
        found: AddressAnswer = await self._read(
            RedfishLooks.ask_address, self.host, policies.LOOK, "does it answer already"
        )
        return found

    async def settings_left(self, request: SettingsRequest) -> tuple[str, ...]:
        found: tuple[str, ...] = await self._read(
            RedfishLooks.settings_left, request, TRIES_WITHIN, "are the settings in force"
        )
        return found

    async def power(self, want: Literal["On", "Off"], kinds: tuple[str, ...]) -> None:
        """Tries one kind of reset after the other until the machine is on or off. Raises Ended."""
        words = ""
        for number in range(len(kinds)):
            request = PowerRequest(on=self.host, want=want, kinds=kinds[number:])
            step = await self._act(
                RedfishActivities.set_power, request, want.lower(), f"power {want.lower()}"
            )
            if not step.did:
                return
            end = await self._until("on" if want == "On" else "off", POWER_WITHIN)
            if end.how == "so":
                return
            words = end.words
        tried = " and ".join(kinds)
        raise Ended(Outcome.FAILED, f"its BMC accepted {tried}, but {words or 'does not answer'}")

    async def eject(self, slot: str) -> None:
        step = await self._act(
            RedfishActivities.eject_medium, EjectRequest(on=self.host, slot=slot), "eject", "eject"
        )
        if step.did:
            end = await self._until("empty", EMPTY_WITHIN, slot=slot)
            if end.how != "so":
                raise Ended(
                    Outcome.FAILED, f"its BMC accepted the eject, but {end.words or 'does not answer'}"
                )

    async def insert(self, slot: str, image: str) -> None:
        step = await self._act(
            RedfishActivities.insert_medium,
            InsertRequest(on=self.host, slot=slot, image=image),
            "insert",
            "insert the image",
        )
        end = await self._until("inserted", INSERTED_WITHIN, slot=slot, image=image, task=step.task)
        if end.how == "failed":
            raise Ended(Outcome.BLOCKED, f"the image was not inserted: {end.words}")
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"its BMC accepted the image, but {end.words or 'does not answer'}")

    async def override(self, wanted: BootOverride) -> str:
        """What the BMC made of `Enabled`."""
        step = await self._act(
            RedfishActivities.override_boot,
            OverrideRequest(on=self.host, wanted=wanted),
            "override",
            f"boot from {wanted.target}" if wanted.enabled != "Disabled" else "no boot override",
        )
        return step.words

    async def set_pending(self, request: SettingsRequest) -> str:
        step = await self._act(
            RedfishActivities.set_pending, request, "settings", "settings for the next boot"
        )
        return step.words

    async def await_host(
        self, until: Literal["installer", "host"], within: timedelta, proof: ProofWanted
    ) -> BmcEnd:
        """Any wait is taken up by another worker where one died."""
        end: BmcEnd = await awaited(
            self.log,
            self.timing,
            RedfishLooks.await_host,
            AwaitHostRequest(on=self.host, until=until, within=within, **vars(proof)),
            within=within,
            summary="wait for the installer" if until == "installer" else "wait for the installed host",
            queue=policies.bmc_queue(),
        )
        return end

    async def _until(
        self, until: Literal["on", "off", "empty", "inserted"], within: timedelta, **more: str
    ) -> BmcEnd:
        end: BmcEnd = await awaited(
            self.log,
            self.timing,
            RedfishLooks.await_bmc,
            AwaitBmcRequest(on=self.host, until=until, within=within, **more),
            within=within,
            summary=f"wait until {until}",
            queue=policies.bmc_queue(),
        )
        return end

    async def _act(self, method: Callable[..., Any], request: Any, doing: str, summary: str) -> BmcStep:
        # The window, the requests' time-outs and the settle time: a replaced attempt sends no more.
        whole = self.timing.mutation_timeout(SETTLE[doing]) + timedelta(seconds=window_s(self.timing))
        step: BmcStep = await mutated(
            self.log,
            self.timing,
            method,
            request,
            whole=whole,
            tries_within=TRIES_WITHIN,
            summary=summary,
            queue=policies.bmc_queue(),
        )
        return step

    async def _read(self, method: Callable[..., Any], request: Any, within: timedelta, summary: str) -> Any:
        # A worker that dies is noticed by its heartbeat, and that costs the BMC none of its time.
        beat = policies.heartbeat(self.timing)
        return await workflow.execute_activity_method(
            method,
            request,
            task_queue=policies.bmc_queue(),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=max(self.timing.paced(within), self.timing.two_requests) + 3 * beat,
            heartbeat_timeout=beat,
            retry_policy=policies.WAIT_RETRY,
            summary=summary,
        )
