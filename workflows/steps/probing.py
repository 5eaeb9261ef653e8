"""Probes in a site's cluster from a workflow: put in, waited for, taken out again on every exit.

What a run that was killed left behind is found by our mark and taken out first, so a probe finds the cluster
as an application would. A probe that cannot be made is a check that failed, in the cluster's words; what is
left standing in the end is one, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.kubernetes import probing
    from activities.kubernetes.probing import KubernetesProbes
    from models.kubernetes import (
        AwaitGoneRequest,
        AwaitProbeRequest,
        Leftover,
        LeftoversRequest,
        ProbeEnd,
        ProbeKind,
        ProbeRequest,
        ProbeStep,
        RemoveRequest,
        WantedCluster,
    )
    from rules import cluster as cluster_rules
    from rules import probe as rules
    from workflows.steps.probe_requests import ProbeRequests
    from workflows.steps.site import failure_of


@dataclass
class ClusterProbes(ProbeRequests):
    version: str = ""

    async def try_resources(self, wanted: WantedCluster) -> None:
        """A pod with what the profile declares, on the node that offers most of it."""
        node = cluster_rules.probed(wanted)
        probe = self._probe(
            "resources",
            node=node.name if node else "",
            resources=cluster_rules.probe_resources(node),
        )
        end = await self._try(probe)
        self.checks += rules.of_resources(probe, end, node)

    async def try_volume(self) -> None:
        """A claim, then a pod that mounts and, if it can, writes it."""
        claim = self._probe("claim", storage_class=self.request.storage_class)
        bound = await self._try(claim)
        self.checks.append(rules.of_claim(bound))
        pod = self._probe("volume", resources={"cpu": "100m", "memory": "64Mi"})
        end = await self._try(pod) if bound.how == "so" else None
        self.checks.append(rules.of_volume(pod, end))

    async def take_out(self) -> None:
        """All that has our mark, of this run and of those that were killed; what stays is told."""
        self.left = []
        try:
            found = await self.ask(
                KubernetesProbes.find_leftovers,
                LeftoversRequest(site=self.request.site),
                timedelta(0),
                "look for our mark",
            )
        except ActivityError as error:
            self.left = [f"nobody could look for what was put in: {failure_of(error)[1]}"]
            return
        # A claim waits for the pods that use it.
        for what in sorted(found.found, key=lambda each: each.kind != "pods"):
            self.log.waits_for(f"{what.namespace}/{what.name} is taken out again")
            why = await self._remove(what)
            if why:
                self.left.append(f"{what.kind} {what.namespace}/{what.name}: {why}")

    async def _remove(self, what: Leftover) -> str:
        """Why it is still there; empty when it is gone."""
        site, within = self.request.site, self.request.probe_within
        try:
            remove = RemoveRequest(site=site, leftover=what)
            await self._act(KubernetesProbes.remove_probe, remove, f"remove {what.name}")
            gone = await self.wait(
                KubernetesProbes.await_gone,
                AwaitGoneRequest(site=site, leftover=what, within=within),
                f"wait until {what.name} is gone",
            )
        except ActivityError as error:
            return failure_of(error)[1]
        return "" if gone.how == "so" else rules.said(gone)

    def _probe(self, kind: "ProbeKind", **more: Any) -> ProbeRequest:
        image = "" if kind == "claim" else self.request.image or cluster_rules.pause_image(self.version)
        return ProbeRequest(
            site=self.request.site,
            run_id=self.run_id,
            kind=kind,
            namespace=self.request.namespace,
            image=image,
            shell=bool(self.request.image),
            **more,
        )

    async def _try(self, probe: ProbeRequest) -> ProbeEnd:
        """Put in and waited for. A refusal of it is how it came out."""
        try:
            self.log.waits_for(f"{probe.name} is put in")
            await self._act(KubernetesProbes.create_probe, probe, f"create {probe.name}")
            self.log.waits_for(f"{probe.name} is waited for")
            end: ProbeEnd = await self.wait(
                KubernetesProbes.await_probe,
                AwaitProbeRequest(probe=probe, within=self.request.probe_within),
                f"wait for {probe.name}",
            )
        except ActivityError as error:
            return ProbeEnd(how="failed", words=failure_of(error)[1])
        return end

    async def _act(self, method: Callable[..., Any], request: Any, summary: str) -> ProbeStep:
        step: ProbeStep = await self.ask(method, request, probing.SETTLE, summary)
        self.sent += step.did
        return step
