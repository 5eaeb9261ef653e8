"""A host's disks are wiped only where its name was written out a second time: in the request, or by a person
who is asked while the run waits."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.campaign import Answer
    from models.install import ApproveWipe
    from models.outcome import Outcome
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended


class WipeApproval(SiteProcedure):
    """Part of a workflow that wipes one host's disks."""

    _path: str
    _may_wipe: bool
    _also: tuple[str, ...] = ()
    """Other hosts of the site whose disks go with it; the one approval is for all of them."""

    def _wipes(self, path: str, named: str | None) -> None:
        """`path` is SITE/HOST, `named` what the request says may be wiped."""
        self._path, self._may_wipe = path, named == path

    @workflow.update
    def approve_wipe(self, request: ApproveWipe) -> Answer:
        self._may_wipe = True
        self._evidence.append(f"wipe approved by {request.owner}")
        return Answer(message=f"{request.host} may be wiped, by {request.owner}")

    @approve_wipe.validator
    def _may_approve(self, request: ApproveWipe) -> None:
        if request.host != self._path:
            words = f"this run is about {self._path}, not {request.host}; nothing was approved"
            raise ApplicationError(words, type=Outcome.REFUSED, non_retryable=True)

    async def _await_approval(self, within: timedelta) -> None:
        """Raises Ended when nobody says yes. A cancel ends the wait, too."""
        if self._may_wipe:
            return
        whose = ", ".join((self._path, *self._also))
        self._log.waits_for(f"waits for approve_wipe: whatever is on the disks of {whose} will be gone")
        try:
            await workflow.wait_condition(lambda: self._may_wipe or self._stop, timeout=within)
        except TimeoutError:
            raise Ended(
                Outcome.BLOCKED, f"nobody approved that {self._path} is wiped; nothing was changed"
            ) from None
