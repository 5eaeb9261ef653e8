"""What an acceptance puts into a cluster, waits for, and takes out again.

Everything that we create has our mark (labels: by whom, for which run) and a name made of the run, so a lost
answer or another attempt finds it by its name. Only what has the mark is deleted, and only that very thing,
by its uid. Pods end by themselves after an hour, whatever becomes of us.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Busy, Refused
from activities.http import NoAnswer, Rejected
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import failure, translated
from activities.kubernetes.manifests import manifest, mark
from activities.kubernetes.reading import SHOWN, of_claim, of_pod
from activities.kubernetes.resources import CLAIMS, EVENTS, NODES, PODS, ClusterApi, Document, Resource
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import Heartbeat, pause, seconds
from models.kubernetes import (
    MANAGED,
    OURS,
    PROBE_OF,
    AwaitGoneRequest,
    AwaitProbeRequest,
    Leftover,
    Leftovers,
    LeftoversRequest,
    ProbeEnd,
    ProbeRequest,
    ProbeStep,
    RemoveRequest,
)

SETTLE = timedelta(seconds=60)
"""The API server's own limit of a request (--request-timeout); later it does nothing more."""
POLL_S = 2.0
GRACE_S = 1
KINDS: dict[str, Resource] = {"pods": PODS, "persistentvolumeclaims": CLAIMS}
Verdict = tuple[ProbeEnd | None, str]
"""How it ended, or what it waits for."""


@dataclass
class KubernetesProbes:
    clusters: Clusters

    @activity.defn
    async def find_leftovers(self, request: LeftoversRequest) -> Leftovers:
        """All that has our mark, in every namespace."""
        found: list[Leftover] = []
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                self.clusters.must_be(request.site, await cluster.list(NODES))
                for plural, of in KINDS.items():
                    marked = await cluster.list(of, labels=f"{MANAGED}={OURS},{PROBE_OF}")
                    found += [_leftover(plural, each) for each in marked]
        return Leftovers(found=tuple(found), attempt=activity.info().attempt)

    @activity.defn
    async def create_probe(self, probe: ProbeRequest) -> ProbeStep:
        """Accepted; it runs later. Raises Busy where somebody else's thing has its name."""
        window, attempt = SendWindow(self.clusters.timing.send_window_s), activity.info().attempt
        of = CLAIMS if probe.kind == "claim" else PODS
        async with self.clusters.opened(probe.site) as cluster:
            with translated():
                self.clusters.must_be(probe.site, await cluster.list(NODES))
                there = await cluster.find(of, probe.name, probe.namespace)
            if there is not None:
                return ProbeStep(did=attempt > 1, uid=_ours(there, probe), attempt=attempt)
            window.check()

            async def effect() -> str | None:
                now = await cluster.find(of, probe.name, probe.namespace)
                return _ours(now, probe) if now is not None else None

            async def send() -> str:
                made = await cluster.create(of, probe.namespace, manifest(probe))
                return str(made["metadata"]["uid"])

            sent = await send_once(
                send=send,
                effect=effect,
                settle=SETTLE,
                pace=self.clusters.timing.pace,
                what=f"create {probe.name}",
                refused=failure,
            )
        return ProbeStep(did=True, uid=sent.value, attempt=attempt)

    @activity.defn
    async def remove_probe(self, request: RemoveRequest) -> ProbeStep:
        """Accepted; it is gone later. Raises Refused for what has not our mark."""
        window, attempt = SendWindow(self.clusters.timing.send_window_s), activity.info().attempt
        what, of = request.leftover, KINDS[request.leftover.kind]
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                self.clusters.must_be(request.site, await cluster.list(NODES))
                there = await cluster.find(of, what.name, what.namespace)
            if _is_leaving(there, what):
                return ProbeStep(did=attempt > 1, uid=what.uid, attempt=attempt)
            if there is not None and mark(there) is None:
                raise Refused(f"{what.kind} {what.namespace}/{what.name} has no mark of ours; left alone")
            window.check()

            async def effect() -> bool | None:
                return _is_leaving(await cluster.find(of, what.name, what.namespace), what) or None

            async def send() -> bool:
                grace_s = GRACE_S if of is PODS else None
                try:
                    await cluster.delete(of, what.name, what.namespace, what.uid, grace_s)
                except Rejected as error:
                    if error.status != 404:
                        raise
                return True

            await send_once(
                send=send,
                effect=effect,
                settle=SETTLE,
                pace=self.clusters.timing.pace,
                what=f"delete {what.name}",
                refused=failure,
            )
        return ProbeStep(did=True, uid=what.uid, attempt=attempt)

    @activity.defn
    async def await_probe(self, request: AwaitProbeRequest) -> ProbeEnd:
        """Until it is so, cannot be any more, or the time is over: then with what holds it."""
        probe = request.probe
        of, verdict = (CLAIMS, of_claim) if probe.kind == "claim" else (PODS, of_pod)

        async def look(cluster: ClusterApi) -> Verdict:
            found = await cluster.find(of, probe.name, probe.namespace)
            if found is None:
                return ProbeEnd(how="gone", words=f"{probe.name} is not there any more"), ""
            end, why = verdict(found, probe)
            if end is None:
                uid = found["metadata"]["uid"]
                told = await cluster.list(EVENTS, probe.namespace, fields=f"involvedObject.uid={uid}")
                why = "; ".join(dict.fromkeys([*([why] if why else []), *_warnings(told)]))[:SHOWN]
            return end, why

        return await self._until(probe.site, look, request.within)

    @activity.defn
    async def await_gone(self, request: AwaitGoneRequest) -> ProbeEnd:
        what = request.leftover

        async def look(cluster: ClusterApi) -> Verdict:
            found = await cluster.find(KINDS[what.kind], what.name, what.namespace)
            if found is None or found["metadata"]["uid"] != what.uid:
                return ProbeEnd(how="so"), ""
            return None, f"{what.kind} {what.namespace}/{what.name} is still there"

        return await self._until(request.site, look, request.within)

    async def _until(
        self, site: str, look: Callable[[ClusterApi], Awaitable[Verdict]], within: timedelta
    ) -> ProbeEnd:
        timing, attempt = self.clusters.timing, activity.info().attempt
        async with Heartbeat() as heart, self.clusters.opened(site) as cluster:
            deadline = heart.began + seconds(timing.paced(within))
            while True:
                heard = True
                try:
                    end, why = await look(cluster)
                except (NoAnswer, Rejected) as error:
                    if isinstance(error, Rejected) and not error.maybe_applied and error.status != 429:
                        raise failure(error) from error
                    end, why, heard = None, str(error), False
                if end is not None:
                    return end.model_copy(update={"attempt": attempt})
                if time.time() > deadline:
                    return ProbeEnd(how="late" if heard else "silent", words=why, attempt=attempt)
                heart.tell(why)
                await pause(timing.poll_s(POLL_S))


def _ours(there: Document, probe: ProbeRequest) -> str:
    """Its uid."""
    if mark(there) != probe.run_id:
        raise Busy(f"{probe.namespace}/{probe.name} is there, and not of this run")
    return str(there["metadata"]["uid"])


def _is_leaving(there: Document | None, what: Leftover) -> bool:
    """Gone, another thing by now, or being deleted."""
    if there is None or there["metadata"]["uid"] != what.uid:
        return True
    return "deletionTimestamp" in there["metadata"]


def _leftover(plural: str, found: Document) -> Leftover:
    meta = found["metadata"]
    return Leftover.model_validate(
        {"kind": plural, "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}
    )


def _warnings(events: list[Document]) -> list[str]:
    """Also the volume binder's FailedBinding, which it calls normal."""
    return [
        f"{each.get('reason', '')}: {each.get('message', '')}"
        for each in events
        if each.get("type") == "Warning" or str(each.get("reason", "")).startswith("Failed")
    ]
