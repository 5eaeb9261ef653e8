"""UploadRelease: a release into the USM of a system controller or site, from files on its active controller.

    wait until nobody is at work; is it this cloud
    `already` where USM has the release
    where they are to be sent: bring the files to the controller, byte by byte
    ask USM to take the files, once; wait until it has
    remove what was brought

It holds the cloud's lock, so no upgrade begins meanwhile. USM tells `uploading` and nothing of bytes; what is
brought there tells them. A run that is stopped or killed leaves USM to its work, and what is brought on the
controller; the next one goes on with both.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.usm.uploading import SETTLE, UploadActivities
    from models import contracts
    from models.outcome import Outcome
    from models.patch import SiteResult
    from models.upload import AwaitUploadRequest, SendUploadRequest, UploadReleaseRequest, UploadStep
    from rules.bringup import change_gate
    from workflows.steps import policies
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.carrying import Carrying
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import (
        Ended,
        ended_by,
        raise_unless_good,
        refuse_unless_locked,
        to_a_safe_point,
    )
    from workflows.steps.watch import SiteWatch

UPLOADED_WITHIN = timedelta(hours=2)
"""USM unpacks an ISO of some 10 GB in minutes; slow disks take longer."""


@workflow.defn(name=contracts.UPLOAD_RELEASE)
class UploadRelease(SiteProcedure):
    @workflow.init
    def __init__(self, request: UploadReleaseRequest) -> None:
        super().__init__(request.site, f"upload {request.release}")
        self._request = request
        self._watch = SiteWatch(request.site, request.release, self._log, lambda: self._stop)
        self._sent = 0
        self._carrying: Carrying | None = None

    @workflow.run
    async def run(self, request: UploadReleaseRequest) -> SiteResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        version = self._watch.seen.site.version if self._watch.seen and self._watch.seen.site else ""
        by = (f"asked for by {request.by}",) if request.by else ()
        result = SiteResult(
            site=request.site,
            outcome=outcome,
            reason=reason,
            release=request.release,
            version_before=version,
            version_after=version,
            evidence=(*by, *(self._carrying.evidence if self._carrying else request.files)),
            began=began,
            ended=workflow.now(),
        )
        await self._close(
            site=request.site,
            operation="upload",
            target=request.release,
            region=self._watch.region,
            campaign=None,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._upload()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._sent)

    async def _upload(self) -> tuple[Outcome, str]:
        request = self._request
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(
                lambda seen: change_gate(request.site, seen), request.ready_within
            )
        assert seen.controller is not None
        files = request.files
        if request.send is not None:
            self._carrying = carrying = Carrying(
                request.site, request.release, request.send, self._log, seen.timing, lambda: self._stop
            )
            with self._log.during("look", "whether USM has it"):
                there = await self._await("uploading, begun by somebody else")
            if not there.state:
                with self._log.during("send"):
                    files = await carrying.bring(files)
        sending = SendUploadRequest(
            site=request.site, region=seen.controller.region, release=request.release, files=files
        )
        with self._log.during("upload", "USM takes the files"):
            step: UploadStep = await mutated(
                self._log,
                seen.timing,
                UploadActivities.upload_release,
                sending,
                whole=seen.timing.mutation_timeout(SETTLE),
                tries_within=policies.MUTATION_TRIES,
                summary=f"upload {request.release}",
            )
            self._sent += step.did
            if step.state == "uploading":
                step = await self._await("uploading" if step.did else "uploading, begun by somebody else")
        if step.state in ("", "uploading", "upload-failed"):
            said = step.state or "not known there"
            raise Ended(
                Outcome.FAILED, f"{request.release} is {said}: {step.words or 'see software.log there'}"
            )
        words = f"{request.release} is {step.state} on {request.site}{await self._cleared()}"
        return (Outcome.SUCCEEDED if self._sent else Outcome.ALREADY), words

    async def _cleared(self) -> str:
        """What is to be said of the files that were brought: nothing where they are gone."""
        if self._carrying is None:
            return ""
        with self._log.during("clear", "what was brought goes"):
            try:
                await self._carrying.drop()
            except ActivityError as error:
                return f"; what was brought lies in {self._carrying.folder} there: {ended_by(error).reason}"
        return ""

    async def _await(self, why: str) -> UploadStep:
        request = self._request
        self._log.waits_for(why)
        found: UploadStep = await awaited(
            self._log,
            self._watch.timing,
            UploadActivities.await_upload,
            AwaitUploadRequest(site=request.site, release=request.release, within=UPLOADED_WITHIN),
            within=UPLOADED_WITHIN,
            summary="wait until it is uploaded",
        )
        return found
