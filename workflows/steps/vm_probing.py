"""A test VM in a site's OpenStack from a workflow: made, waited for, taken away again on every exit.

What a run that was killed left behind is found by our mark and taken away first. A VM that cannot be made or
does not come up is a check that failed, in Nova's words; what is left standing in the end is one, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.openstack import probing
    from activities.openstack.probing import OpenstackProbes
    from models.openstack import (
        AwaitVmRequest,
        RemoveVmRequest,
        VmEnd,
        VmLeftover,
        VmLeftovers,
        VmLeftoversRequest,
        VmRequest,
        VmStep,
        WantedOpenstack,
    )
    from rules import openstack as rules
    from workflows.steps.probe_requests import ProbeRequests
    from workflows.steps.site import failure_of


@dataclass
class VmProbes(ProbeRequests):
    unseen: str = ""
    """Why nobody could look for our mark; then nothing is made."""
    tried: bool = False

    async def try_vm(self, wanted: WantedOpenstack) -> None:
        end = VmEnd(how="failed", words=self.unseen) if self.unseen else await self._try()
        self.checks.append(rules.of_vm(wanted, end))

    async def take_out(self) -> None:
        """All that has our mark, of this run and of those that were killed; what stays is told."""
        if self.unseen and not self.tried:
            return
        self.left = []
        request = VmLeftoversRequest(site=self.request.site)
        summary = "look for our mark in OpenStack"
        try:
            found: VmLeftovers = await self.ask(
                OpenstackProbes.find_test_vms,
                request,
                timedelta(0),
                summary,
                looking=probing.looking(self.timing),
            )
        except ActivityError as error:
            self.unseen = failure_of(error)[1]
            self.left = [f"nobody could look for what was made in OpenStack: {self.unseen}"]
            return
        for vm in found.found:
            self.log.waits_for(f"VM {vm.name} is taken away again")
            why = await self._remove(vm)
            if why:
                self.left.append(f"VM {vm.name} ({vm.id}): {why}")

    async def _try(self) -> VmEnd:
        """Made and waited for. A refusal of it is how it came out."""
        site = self.request.site
        vm = VmRequest(site=site, run_id=self.run_id)
        self.tried = True
        try:
            self.log.waits_for(f"{vm.name} is made")
            made = await self._act(OpenstackProbes.create_test_vm, vm, f"create {vm.name}")
            self.log.waits_for(f"{vm.name} is waited for")
            end: VmEnd = await self.wait(
                OpenstackProbes.await_test_vm,
                AwaitVmRequest(site=site, vm=made.vm, within=self.request.probe_within),
                f"wait for {vm.name}",
            )
        except ActivityError as error:
            return VmEnd(how="failed", words=failure_of(error)[1])
        return end

    async def _remove(self, vm: VmLeftover) -> str:
        """Why it is still there; empty when it is gone."""
        site, within = self.request.site, self.request.probe_within
        try:
            await self._act(
                OpenstackProbes.remove_test_vm, RemoveVmRequest(site=site, vm=vm), f"remove {vm.name}"
            )
            gone: VmEnd = await self.wait(
                OpenstackProbes.await_test_vm_gone,
                AwaitVmRequest(site=site, vm=vm.id, within=within),
                f"wait until {vm.name} is gone",
            )
        except ActivityError as error:
            return failure_of(error)[1]
        return "" if gone.how == "so" else rules.said(gone)

    async def _act(
        self, method: Callable[..., Any], request: VmRequest | RemoveVmRequest, summary: str
    ) -> VmStep:
        step: VmStep = await self.ask(
            method, request, probing.SETTLE, summary, looking=probing.looking(self.timing)
        )
        self.sent += step.did
        return step
