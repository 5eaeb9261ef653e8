"""What workflows ask of a site's Ceph: one look, the wait until it is well, may these OSDs stop.

Nothing here changes anything. The wait ends when the judgement that was handed in says good or block, when
its time is over, or when nobody has answered for too long: a monitor restarts with its host, and a single
one moves with a swact. Looks of a worker that has died are not kept: its successor begins to count anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.ceph import reading
from activities.ceph.commands import CephWays
from activities.ceph.errors import Said, failure
from activities.errors import Transient, Unreachable
from activities.http import NoAnswer
from activities.waiting import Heartbeat, pause, seconds
from models.ceph import (
    AwaitCephRequest,
    AwaitOsdsRequest,
    CephEnd,
    CephExpectation,
    CephHost,
    CephHostRef,
    CephRef,
    CephSample,
    CephVerdict,
    DestroyAnswer,
    StopAnswer,
    StopRequest,
)
from models.timing import Timing

POLL_S = 3.0
KEPT = 16

Judge = Callable[[Sequence[CephSample], CephExpectation, timedelta], CephVerdict]


Judgement = Callable[[Sequence[CephSample]], CephVerdict]


@dataclass
class CephLooks:
    ways: CephWays
    judge: Judge
    timing: Timing

    @activity.defn
    async def look_at_ceph(self, ref: CephRef) -> CephSample:
        try:
            async with self.ways.opened(ref.site) as port:
                return await reading.look(port)
        except (NoAnswer, Said) as error:
            raise failure(error) from error

    @activity.defn
    async def look_at_ceph_host(self, ref: CephHostRef) -> CephHost:
        """What a host has to do with its site's Ceph. A site without one is told by the inventory."""
        attempt = activity.info().attempt
        if not self.ways.has_ceph(ref.site):
            return CephHost(attempt=attempt)
        alone = self.ways.is_alone(ref.site)
        try:
            async with Heartbeat(), self.ways.opened(ref.site) as port:
                osds, monitor, mark, sample = await asyncio.gather(
                    reading.osds_of(port, ref.host),
                    reading.has_monitor(port, ref.host),
                    reading.marked_by(port),
                    reading.look(port),
                )
                stop = await reading.may_stop(port, osds) if osds and not alone else None
        except (NoAnswer, Said) as error:
            failed = failure(error)
            silent = ref.bears_silence and isinstance(failed, Unreachable)
            raise (Transient(failed.message) if silent else failed) from error
        return CephHost(
            declared=True,
            alone=alone,
            osds=osds,
            monitor=monitor,
            sample=sample,
            mark=mark,
            stop=stop,
            attempt=attempt,
        )

    @activity.defn
    async def may_stop_osds(self, request: StopRequest) -> StopAnswer:
        """What the cluster says; the verdict is the rules'."""
        try:
            async with self.ways.opened(request.site) as port:
                answer = await reading.may_stop(port, request.osds)
        except (NoAnswer, Said) as error:
            raise failure(error) from error
        return answer.model_copy(update={"attempt": activity.info().attempt})

    @activity.defn
    async def may_destroy_osds(self, request: StopRequest) -> DestroyAnswer:
        try:
            async with self.ways.opened(request.site) as port:
                answer = await reading.may_destroy(port, request.osds)
        except (NoAnswer, Said) as error:
            raise failure(error) from error
        return answer.model_copy(update={"attempt": activity.info().attempt})

    @activity.defn
    async def await_ceph(self, request: AwaitCephRequest) -> CephEnd:
        steady = self.timing.paced(request.steady)
        return await self._await(
            request, lambda samples: self.judge(samples, request.expected, steady), steady=steady
        )

    @activity.defn
    async def await_osds(self, request: AwaitOsdsRequest) -> CephEnd:
        """Until they are up, however the cluster is otherwise."""

        def judged(samples: Sequence[CephSample]) -> CephVerdict:
            last = samples[-1]
            down = [osd for osd in request.osds if osd in last.down or osd not in last.osds]
            if not down:
                return CephVerdict(how="good")
            return CephVerdict(how="wait", why=f"{', '.join(f'osd.{each}' for each in down)} not up")

        return await self._await(request, judged, steady=timedelta(0))

    async def _await(
        self, request: AwaitCephRequest | AwaitOsdsRequest, judged: Judgement, *, steady: timedelta
    ) -> CephEnd:
        timing, silence_s = self.timing, seconds(self.timing.paced(request.silence))
        samples: deque[CephSample] = deque()
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            heard = _heard_before(heart.began)
            while True:
                try:
                    async with self.ways.opened(request.site) as port:
                        samples.append(await reading.look(port))
                except NoAnswer as error:
                    how, words = "silent", str(error)
                    samples.clear()
                    if time.time() - heard > silence_s:
                        return CephEnd(how="silent", words=words, attempt=activity.info().attempt)
                except Said as error:
                    raise failure(error) from error
                else:
                    heard = time.time()
                    verdict = judged(samples)
                    if verdict.how != "wait":
                        return CephEnd(
                            how="so" if verdict.how == "good" else "blocked",
                            words=verdict.why,
                            sample=samples[-1],
                            attempt=activity.info().attempt,
                        )
                    how, words = "late", verdict.why
                    while len(samples) > KEPT and samples[-1].at - samples[1].at >= steady:
                        samples.popleft()
                if time.time() > deadline:
                    last = samples[-1] if samples else None
                    return CephEnd(how=how, words=words, sample=last, attempt=activity.info().attempt)
                heart.tell(heard, words)
                await pause(timing.poll_s(POLL_S))


def _heard_before(began: float) -> float:
    """When an attempt before this one last heard from the cluster."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else began
