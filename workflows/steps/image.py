"""What a host is installed from, and by what it is known to be installed, from a workflow.

A given image is taken as it is. One that is made is asked for early, so that a refusal comes before anybody
is asked to approve, and made when nothing else is in the way: it copies gigabytes, so it has the time of a
bulk transfer and beats. A call home is expected before the machine is switched on, under a token of this run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.image.activities import ImageActivities
    from activities.journal.calls import Calls
    from models.bmc import HostRef, file_of
    from models.install import (
        DeclaredImage,
        DeclaredImageRequest,
        ExpectCallRequest,
        ExpectedCall,
        InstallHostRequest,
        MadeImage,
        MakeImageRequest,
    )
    from models.operations import PHONE_HOME
    from models.timing import Timing
    from rules.boot_arguments import boot_arguments
    from workflows.steps import policies
    from workflows.steps.bmc import ProofWanted
    from workflows.steps.progress import StepLog

MADE_WITHIN = timedelta(hours=1)
"""Ten gigabytes read twice and written once, at 10 MB/s, behind another one."""
ASKED_WITHIN = timedelta(minutes=2)
TRIES_WITHIN = timedelta(minutes=10)


@dataclass
class HostImage:
    host: HostRef
    request: InstallHostRequest
    log: StepLog
    url: str = field(init=False)
    """Where the BMC fetches it; empty until it is made."""
    brings: str = field(init=False)
    """What it installs, for the records."""
    proof: ProofWanted = field(init=False)
    _declared: DeclaredImage | None = None
    _calls_at: str = ""

    def __post_init__(self) -> None:
        self.url, self.brings = self.request.image or "", self.request.brings
        self.proof = ProofWanted(self.request.proof)

    def sysinv_may_be_silent(self, is_so: bool) -> None:
        self.proof = replace(self.proof, sysinv_may_be_silent=is_so)

    async def prepare(self) -> None:
        """Raises ActivityError where it cannot be made, or its call would not be heard."""
        request = self.request
        if request.image is None:
            wanted = DeclaredImageRequest(on=self.host, values=request.values, proof=request.proof)
            self._declared = await self._ask(
                ImageActivities.declared_image, wanted, "can its boot image be made"
            )
            self.brings = request.release or self._declared.base
        if request.proof == "phone-home":
            token = workflow.uuid4().hex
            expected: ExpectedCall = await self._ask(
                Calls.expect_call, ExpectCallRequest(on=self.host, token=token), "expect its call home"
            )
            self.proof = replace(self.proof, token=token)
            self._calls_at = expected.url
            self.url = self.url.replace(PHONE_HOME, quote(expected.url, safe=""))

    @property
    def is_to_be_made(self) -> bool:
        return self._declared is not None

    async def make(self, timing: Timing) -> str:
        """Returns what was made, in words. Never paced: it is real work, however fast time is said to run."""
        assert self._declared is not None
        arguments = boot_arguments(self._declared.values, self.host.site, self._calls_at)
        made: MadeImage = await workflow.execute_activity_method(
            ImageActivities.make_image,
            MakeImageRequest(on=self.host, arguments=arguments.words, without=arguments.without),
            start_to_close_timeout=MADE_WITHIN,
            schedule_to_close_timeout=2 * MADE_WITHIN,
            heartbeat_timeout=policies.heartbeat(timing),
            retry_policy=policies.WAIT_RETRY,
            summary="make the boot image",
        )
        self.log.attempts = max(self.log.attempts, made.attempt)
        self.url = made.url
        return f"boot image {file_of(made.url)}: {made.words}"

    async def remove(self) -> None:
        """Of all images that were made for this host."""
        if self.is_to_be_made:
            await self._ask(ImageActivities.remove_images, self.host, "remove the boot image")

    async def _ask(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        return await workflow.execute_activity_method(
            method,
            request,
            start_to_close_timeout=ASKED_WITHIN,
            schedule_to_close_timeout=TRIES_WITHIN,
            retry_policy=policies.WAIT_RETRY,
            summary=summary,
        )
