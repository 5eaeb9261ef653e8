"""A Job in the site that carries bytes, with its credentials: made, awaited, read and removed.

The Job is made first and its Secret second, because the Secret belongs to the Job (an owner reference): what
removes the Job, a person or Kubernetes itself after its time to live, removes the credentials. A pod whose
Secret is not there yet waits for it. Both have a name made of run and number, so an attempt that comes after
a dead one finds what is there and goes on with it; what has the name and not the mark is somebody else's.

The program leaves its result in its termination message, and says in its log how far it is: nobody logs in to
it, and it needs no rights in the cluster.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.errors import Busy, Refused
from activities.http import NoAnswer, Rejected
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import failure, translated
from activities.kubernetes.job_manifests import job_manifest, mark, secret_manifest
from activities.kubernetes.resources import JOBS, NODES, PODS, SECRETS, ClusterApi, Document, Resource
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import Heartbeat, pause, seconds
from models.archive import ObjectEntry
from models.jobs import (
    JOB_OF,
    AwaitJobRequest,
    FoundJob,
    FoundJobs,
    JobEnd,
    JobRequest,
    JobsRequest,
    JobStep,
    RemoveJobRequest,
)
from models.kubernetes import MANAGED, OURS
from models.timing import Timing

if TYPE_CHECKING:
    from activities.kubernetes.client import Client

SETTLE = timedelta(seconds=60)
"""The API server's own limit of a request (--request-timeout); later it does nothing more."""
POLL_S = 5.0
OVERDUE = timedelta(minutes=5)
"""After the Job's own time: Kubernetes ends it late, and a cluster that restarts later still."""
SHOWN = 400


def window_s(timing: Timing) -> float:
    """Job and Secret are sent in it, and between them stand Ceph's programs, of a second or two each."""
    return 5 * timing.send_window_s


class Cargo(Protocol):
    """What Jobs carry, and who they are for that: Ceph's and the store's affair."""

    async def filled(self, job: JobRequest) -> str:
        """What its program is told, with credentials made for it. The same again for the same Job."""

    async def taken_back(self, site: str, name: str) -> None:
        """The credentials that were made for the Job of that name; nothing where they are gone."""

    async def arrived(self, job: JobRequest) -> ObjectEntry | None:
        """What the Job has sent, once it is in the store whole."""


@dataclass
class KubernetesJobs:
    clusters: Clusters
    cargo: Cargo

    @activity.defn
    async def begin_job(self, job: JobRequest) -> JobStep:
        """It and its Secret are there. Raises Busy where somebody else's thing has its name."""
        window, attempt = SendWindow(window_s(self.clusters.timing)), activity.info().attempt
        async with self.clusters.opened(job.site) as cluster:
            with translated():
                self.clusters.must_be(job.site, await cluster.list(NODES))
                there = await cluster.find(JOBS, job.name, job.namespace)
                secret = await cluster.find(SECRETS, job.name, job.namespace)
            did = there is None or secret is None or attempt > 1
            if there is None:
                uid = await self._made(cluster, window, JOBS, job, job_manifest(job))
            else:
                uid = _ours(there, job)
            if secret is None:
                filled = secret_manifest(job, uid, await self.cargo.filled(job))
                await self._made(cluster, window, SECRETS, job, filled)
            else:
                _ours(secret, job)
        return JobStep(did=did, uid=uid, attempt=attempt)

    @activity.defn
    async def await_job(self, request: AwaitJobRequest) -> JobEnd:
        """Until it has ended, with what its program left."""
        job, timing, attempt = request.job, self.clusters.timing, activity.info().attempt
        async with Heartbeat() as heart, self.clusters.opened(job.site) as cluster:
            deadline = heart.began + seconds(job.within) + seconds(timing.paced(OVERDUE))
            while True:
                heard = True
                try:
                    end, why = await _look(cluster, request)
                except (NoAnswer, Rejected) as error:
                    if isinstance(error, Rejected) and not error.maybe_applied and error.status != 429:
                        raise failure(error) from error
                    end, why, heard = None, str(error), False
                if end is not None:
                    return (await self._with_entry(end, job)).model_copy(update={"attempt": attempt})
                if time.time() > deadline:
                    return JobEnd(how="late" if heard else "silent", words=why, attempt=attempt)
                heart.tell(why)
                await pause(timing.poll_s(POLL_S))

    @activity.defn
    async def find_jobs(self, request: JobsRequest) -> FoundJobs:
        """All that have our mark: of a dead run, where this one has made none yet."""
        async with Heartbeat(), self.clusters.opened(request.site) as cluster:
            with translated():
                self.clusters.must_be(request.site, await cluster.list(NODES))
                marked = f"{MANAGED}={OURS},{JOB_OF}"
                found = await cluster.list(JOBS, request.namespace, labels=marked)
        jobs = tuple(
            FoundJob(
                namespace=each["metadata"]["namespace"],
                name=each["metadata"]["name"],
                uid=each["metadata"]["uid"],
                run_id=mark(each) or "",
            )
            for each in found
        )
        return FoundJobs(found=jobs, attempt=activity.info().attempt)

    @activity.defn
    async def remove_job(self, request: RemoveJobRequest) -> JobStep:
        """With its Secret and its pods. Raises Refused for what has not our mark."""
        window, attempt = SendWindow(window_s(self.clusters.timing)), activity.info().attempt
        job, did = request.job, False
        async with self.clusters.opened(request.site) as cluster:
            with translated():
                self.clusters.must_be(request.site, await cluster.list(NODES))
                secret = await cluster.find(SECRETS, job.name, job.namespace)
                there = await cluster.find(JOBS, job.name, job.namespace)
            # The credentials go first.
            await self.cargo.taken_back(request.site, job.name)
            if secret is not None and _is_of(secret, job.uid):
                await self._gone(cluster, window, SECRETS, secret)
                did = True
            if there is not None and there["metadata"]["uid"] == job.uid and not _is_leaving(there):
                if mark(there) is None:
                    raise Refused(f"Job {job.namespace}/{job.name} has no mark of ours; left alone")
                await self._gone(cluster, window, JOBS, there)
                did = True
        return JobStep(did=did or attempt > 1, uid=job.uid, attempt=attempt)

    async def _with_entry(self, end: JobEnd, job: JobRequest) -> JobEnd:
        """By the store: that a program says so is not enough, and what it has put counts however it ended."""
        if job.carriage.way != "send" or end.how not in ("so", "failed", "gone"):
            return end
        entry = await self.cargo.arrived(job)
        if entry is None:
            words = end.words or "it succeeded, and what it was to send is not in the store"
            return JobEnd(how="failed" if end.how == "so" else end.how, words=words)
        return JobEnd(how="so", entry=entry)

    async def _made(
        self, cluster: ClusterApi, window: SendWindow, of: Resource, job: JobRequest, body: Document
    ) -> str:
        """Its uid."""

        async def effect() -> str | None:
            now = await cluster.find(of, job.name, job.namespace)
            return _ours(now, job) if now is not None else None

        async def send() -> str:
            return str((await cluster.create(of, job.namespace, body))["metadata"]["uid"])

        window.check()
        sent = await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.clusters.timing.pace,
            what=f"create {of.kind} {job.name}",
            refused=failure,
        )
        return sent.value

    async def _gone(self, cluster: ClusterApi, window: SendWindow, of: Resource, there: Document) -> None:
        meta = there["metadata"]
        name, namespace, uid = meta["name"], meta["namespace"], meta["uid"]

        async def effect() -> bool | None:
            now = await cluster.find(of, name, namespace)
            return True if now is None or now["metadata"]["uid"] != uid or _is_leaving(now) else None

        async def send() -> bool:
            try:
                await cluster.delete(of, name, namespace, uid)
            except Rejected as error:
                if error.status != 404:
                    raise
            return True

        window.check()
        await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.clusters.timing.pace,
            what=f"delete {of.kind} {name}",
            refused=failure,
        )


async def _look(cluster: "Client", request: AwaitJobRequest) -> tuple[JobEnd | None, str]:
    """How it ended, or how far it is."""
    job = request.job
    found = await cluster.find(JOBS, job.name, job.namespace)
    if found is None or found["metadata"]["uid"] != request.uid:
        return JobEnd(how="gone", words=f"Job {job.namespace}/{job.name} is not there any more"), ""
    pods = await cluster.list(PODS, job.namespace, labels=f"job-name={job.name}")
    pods.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    status = found.get("status") or {}
    if status.get("succeeded"):
        return JobEnd(how="so"), ""
    for each in status.get("conditions") or ():
        if each["type"] == "Failed" and each["status"] == "True":
            left = next((words for pod in reversed(pods) if (words := _said(pod))), "")
            told = ": ".join(part for part in (each.get("reason"), each.get("message")) if part)
            return JobEnd(how="failed", words=(left or told)[-SHOWN:]), ""
    return None, await _progress(cluster, job, pods)


async def _progress(cluster: "Client", job: JobRequest, pods: list[Document]) -> str:
    if not pods:
        return "no pod yet"
    status, name = pods[-1].get("status") or {}, pods[-1]["metadata"]["name"]
    if status.get("phase") == "Running":
        return await cluster.last_line(job.namespace, name) or "running"
    for each in status.get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "False":
            return f"{each.get('reason', '')}: {each.get('message', '')}"[:SHOWN]
    for each in status.get("containerStatuses") or ():
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            return ": ".join(part for part in (waiting["reason"], waiting.get("message")) if part)[:SHOWN]
    return str(status.get("phase") or "pending")


def _said(pod: Document) -> str:
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        over = (each.get("state") or {}).get("terminated")
        if over:
            return str(over.get("message") or "")
    return ""


def _ours(there: Document, job: JobRequest) -> str:
    """Its uid."""
    if mark(there) != job.run_id:
        raise Busy(f"{job.namespace}/{job.name} is there, and not of this run")
    return str(there["metadata"]["uid"])


def _is_of(secret: Document, uid: str) -> bool:
    owners = secret["metadata"].get("ownerReferences") or ()
    return mark(secret) is not None and any(each["uid"] == uid for each in owners)


def _is_leaving(there: Document) -> bool:
    return "deletionTimestamp" in there["metadata"]
