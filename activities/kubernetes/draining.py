"""A node is cordoned, emptied by evictions and given back.

Cordon and mark are one merge patch, with the version of the node that was looked at, so that nobody's change
in between is undone; an uncordon takes both away and is sent only where our mark is. An eviction names the
uid of its pod. What the server answers to it:

| answer                     | means                                                                    |
|----------------------------|--------------------------------------------------------------------------|
| 2xx                        | accepted; gone later                                                     |
| 404, 409 with another uid  | gone already                                                             |
| 429                        | not now: a budget holds, or the server has too much to do; not applied   |
| 500 "more than one ..."    | never: two budgets for one pod                                           |
| no answer, any other 5xx   | may have been applied: watched for, then the attempt ends                |

Evictions are sent one after the other and only in the activity's first seconds; what does not fit is left to
the next round. Pods that share a budget which holds are not asked about in the same round.
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from temporalio import activity

from activities.errors import ActivityFailure, Blocked, Transient
from activities.http import NoAnswer, Rejected
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import failure, retry_after_s, translated
from activities.kubernetes.node_pods import by_scale, cordon_of, is_leaving, look_of, mark_of
from activities.kubernetes.resources import (
    BUDGETS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    ClusterApi,
    Document,
)
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import Heartbeat, pause, seconds
from models.drain import (
    CORDONED_BY,
    AwaitEvictedRequest,
    CordonStep,
    DrainLook,
    DrainRequest,
    Evicted,
    EvictRequest,
    EvictStep,
    HeldPod,
    PodRef,
)

SETTLE = timedelta(seconds=60)
"""The API server's own limit of a request (--request-timeout); later it does nothing more."""
POLL_S = 2.0
GATHER_S = 15.0
"""Pods that take long to end hold the others up no longer than this where a budget has room again."""
SEVERAL_BUDGETS = "more than one PodDisruptionBudget"
SHOWN = 300


@dataclass
class _Round:
    """The answers to one request's evictions."""

    sent: int = 0
    held: list[HeldPod] = field(default_factory=list)
    never: list[HeldPod] = field(default_factory=list)
    after_s: int = 0


@dataclass
class KubernetesDrain:
    clusters: Clusters

    @activity.defn
    async def examine_drain(self, request: DrainRequest) -> DrainLook:
        """Raises Refused where another cluster answers than the site's."""
        attempt = activity.info().attempt
        if not self.clusters.has(request.site):
            return DrainLook(is_declared=False, attempt=attempt)
        async with Heartbeat(), self.clusters.opened(request.site) as cluster:
            with translated():
                look = await self._look(cluster, request.site, request.host)
        return look.model_copy(update={"attempt": attempt})

    @activity.defn
    async def cordon_node(self, request: DrainRequest) -> CordonStep:
        """With our mark. A cordon that is there stays whoever's it is."""
        window, attempt = SendWindow(self.clusters.timing.send_window_s), activity.info().attempt
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                node = await self._node(cluster, request)
            if node is None or cordon_of(node):
                is_so = node is not None and mark_of(node) == request.run_id
                cordon = cordon_of(node) if node else ""
                return CordonStep(did=is_so and attempt > 1, cordon=cordon, attempt=attempt)
            patch = _patch(node, {CORDONED_BY: request.run_id}, True)
            await self._write(cluster, request, patch, window, f"cordon {request.host}", "ours")
        return CordonStep(did=True, cordon="ours", attempt=attempt)

    @activity.defn
    async def uncordon_node(self, request: DrainRequest) -> CordonStep:
        """What has the mark of any run of ours; a cordon of somebody else stays."""
        window, attempt = SendWindow(self.clusters.timing.send_window_s), activity.info().attempt
        if not self.clusters.has(request.site):
            return CordonStep(did=False, attempt=attempt)
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                node = await self._node(cluster, request)
            if node is None or not mark_of(node):
                cordon = cordon_of(node) if node else ""
                return CordonStep(did=attempt > 1 and node is not None, cordon=cordon, attempt=attempt)
            patch = _patch(node, {CORDONED_BY: None}, None)
            await self._write(cluster, request, patch, window, f"uncordon {request.host}", "")
        return CordonStep(did=True, attempt=attempt)

    @activity.defn
    async def evict_pods(self, request: EvictRequest) -> EvictStep:
        """Accepted, not gone. Raises Blocked where somebody has uncordoned the node meanwhile."""
        window, attempt = SendWindow(self.clusters.timing.send_window_s), activity.info().attempt
        answers = _Round()
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                look = await self._look(cluster, request.site, request.host)
                version = await cluster.eviction_version()
            if not look.cordon:
                raise Blocked(
                    f"somebody has uncordoned {request.host}: what is evicted would come back to it"
                )
            window.check()
            standing = {pod.uid: pod for pod in look.pods if pod.leaving_s is None}
            holding: set[str] = set()
            for pod in request.pods:
                found = standing.get(pod.uid)
                if found is None or holding.intersection(found.budgets):
                    continue
                try:
                    window.check()
                except Transient:
                    break
                if not await self._evict(cluster, version, pod, answers):
                    holding.update(found.budgets)
        return EvictStep(
            sent=answers.sent,
            held=tuple(answers.held),
            never=tuple(answers.never),
            after_s=answers.after_s,
            attempt=attempt,
        )

    @activity.defn
    async def await_evicted(self, request: AwaitEvictedRequest) -> Evicted:
        """Until none of the pods is there, or one that was not let go can be."""
        timing, attempt = self.clusters.timing, activity.info().attempt
        wanted = {pod.uid for pod in request.pods}
        async with Heartbeat() as heart, self.clusters.opened(request.site) as cluster:
            deadline = heart.began + seconds(timing.paced(request.within))
            not_before = heart.began + timing.poll_s(max(float(request.after_s), POLL_S))
            gathered = heart.began + timing.poll_s(GATHER_S)
            look, silence = DrainLook(), ""
            while True:
                try:
                    look, silence = await self._look(cluster, request.site, request.host), ""
                except (NoAnswer, Rejected) as error:
                    if isinstance(error, Rejected) and not error.maybe_applied and error.status != 429:
                        raise failure(error) from error
                    silence = str(error)
                now, there = time.time(), [pod for pod in look.pods if pod.uid in wanted]
                if not silence and not there:
                    return Evicted(how="gone", look=look, attempt=attempt)
                if now > deadline:
                    how: Literal["late", "silent"] = "silent" if silence else "late"
                    return Evicted(how=how, look=look, words=silence, attempt=attempt)
                is_ending = now < gathered and any(pod.leaving_s is not None for pod in there)
                if not silence and now >= not_before and not is_ending and _has_room(look, wanted):
                    return Evicted(how="room", look=look, attempt=attempt)
                heart.tell(silence or f"{len(there)} pods")
                await pause(timing.poll_s(POLL_S))

    async def _look(self, cluster: ClusterApi, site: str, host: str) -> DrainLook:
        nodes = await cluster.list(NODES)
        self.clusters.must_be(site, nodes)
        pods = await cluster.list(PODS, fields=f"spec.nodeName={host}")
        budgets = await cluster.list(BUDGETS)
        look = look_of(host, nodes, pods, budgets, await cluster.version_of(BUDGETS))
        if all(budget.allowed for budget in look.budgets):
            return look
        owners = [*await cluster.list(REPLICA_SETS), *await cluster.list(STATEFUL_SETS)]
        return look.model_copy(update={"budgets": by_scale(look, pods, owners)})

    async def _node(self, cluster: ClusterApi, request: DrainRequest) -> Document | None:
        node = await cluster.find(NODES, request.host)
        self.clusters.must_be(request.site, [node] if node is not None else [])
        return node

    async def _write(
        self,
        cluster: ClusterApi,
        request: DrainRequest,
        patch: Document,
        window: SendWindow,
        what: str,
        wanted: str,
    ) -> None:
        window.check()

        async def effect() -> bool | None:
            node = await cluster.find(NODES, request.host)
            return (node is None or cordon_of(node) == wanted) or None

        async def send() -> bool:
            await cluster.patch(NODES, request.host, "", patch)
            return True

        await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.clusters.timing.pace,
            what=what,
            refused=_of_a_stale_version,
        )

    async def _evict(self, cluster: ClusterApi, version: str, pod: PodRef, answers: _Round) -> bool:
        """Whether it goes; if not, why is among the answers."""

        async def effect() -> HeldPod | bool | None:
            return is_leaving(await cluster.find(PODS, pod.name, pod.namespace), pod.uid) or None

        async def send() -> HeldPod | bool:
            try:
                await cluster.evict(version, pod.name, pod.namespace, pod.uid)
            except Rejected as error:
                words = HeldPod(pod=str(pod), words=_said(error)[:SHOWN])
                if error.status == 404 or (error.status == 409 and await effect()):
                    return False
                if error.status in (409, 429):
                    answers.after_s = max(answers.after_s, retry_after_s(error.reply) or 0)
                    answers.held.append(words)
                    return words
                if SEVERAL_BUDGETS in error.words:
                    answers.never.append(words)
                    return words
                raise
            return True

        sent = await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.clusters.timing.pace,
            what=f"evict {pod}",
            refused=failure,
        )
        answers.sent += sent.value is True
        return isinstance(sent.value, bool)


def _patch(node: Document, annotations: Document, unschedulable: bool | None) -> Document:
    meta = {"resourceVersion": node["metadata"]["resourceVersion"], "annotations": annotations}
    return {"metadata": meta, "spec": {"unschedulable": unschedulable}}


def _has_room(look: DrainLook, wanted: set[str]) -> bool:
    """Whether one of those that nobody has deleted yet is let go now."""
    closed = {budget.name for budget in look.budgets if not budget.allowed}
    return any(
        pod.uid in wanted
        and pod.leaving_s is None
        and not (pod.is_running and closed.intersection(pod.budgets))
        for pod in look.pods
    )


def _of_a_stale_version(error: Rejected) -> ActivityFailure:
    """Somebody, such as the kubelet, has written to the node since it was looked at: looked at again."""
    return Transient(str(error)) if error.status == 409 else failure(error)


def _said(error: Rejected) -> str:
    """The causes name the budget; the message does not."""
    document = error.reply.json()
    details = (document.get("details") or {}) if isinstance(document, dict) else {}
    causes = [str(each.get("message") or "") for each in details.get("causes") or ()]
    return "; ".join(cause for cause in causes if cause) or error.words
