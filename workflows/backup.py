"""BackupSite: a site's platform by its dcmanager, with the record of what the site is, sealed in the archive.

    nobody is at work, the site is healthy, nobody else backs it up
    begin in the archive; dcmanager backs up, once; is there a backup that was not there before
    record the site; the signed manifest last; read back, where that is asked for

Of a standalone site or a system controller the site's own backup.yml makes the backup, over SSH, and what it
has made is sealed, with the record where the site's APIs answer. Where the system controller is declared with
ssh, dcmanager's archive gets into the store, too.

dcmanager keeps the platform's archive, of each release the last good one: the manifest says where, and that
it is under no hash of ours. Nothing is undone at the end: a run that ends early leaves no backup in the
archive, and what dcmanager has made with dcmanager. The run holds the lock of the site.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.archive import Origin
    from models.backup import BackupResult, BackupSiteRequest
    from models.deploy import SubcloudFacts
    from models.outcome import GOOD, Outcome
    from models.site import Observation
    from models.timing import Timing
    from rules import backup as rules
    from rules import own_backup as own_rules
    from workflows.steps.backing_up import SiteBackup
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.own_backup import OwnBackup
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch

OPERATION = "backup"


@workflow.defn(name=contracts.BACKUP_SITE)
class BackupSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: BackupSiteRequest) -> None:
        super().__init__(request.site, OPERATION)
        self._request = request
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._subcloud = SubcloudDeploy(request.site, self._log, Timing(), lambda: self._stop)
        self._backup = SiteBackup(request, self._subcloud, self._log)
        self._own = OwnBackup(request, self._log, self._evidence)
        self._origin: Origin | None = None
        self._sealed = ""

    @workflow.run
    async def run(self, request: BackupSiteRequest) -> BackupResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(began), self._heed_cancel)
        result = self._result(outcome, reason, began)
        await self._close(
            site=request.site,
            operation=OPERATION,
            target=result.release,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self, began: datetime) -> tuple[Outcome, str]:
        if self._request.playbook:
            return await self._by_playbook(began)
        try:
            return await self._back_up(began)
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._subcloud.sent)

    async def _by_playbook(self, began: datetime) -> tuple[Outcome, str]:
        """On every exit the secrets leave the host."""
        try:
            outcome, reason = await self._back_up_by_playbook(began)
        except (Ended, ActivityError) as error:
            outcome, reason = self._said_truly(self._end_of(error), self._own.playbook.sent)
        left = await self._own.wipe()
        if left and outcome in GOOD:
            outcome = Outcome.FAILED
        return outcome, "; ".join((reason, *left))

    async def _back_up_by_playbook(self, began: datetime) -> tuple[Outcome, str]:
        request = self._request
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(
                lambda seen: own_rules.site_gate(request.site, seen),
                request.ready_within,
                request.reachable_within,
            )
            self._subcloud.timing = seen.timing
            host = await self._own.pass_gate(seen.timing, self._watch.safe_point)
        self._backup.kind = "controller" if host.is_system_controller else "platform"
        await self._backup.open(began)
        self._watch.safe_point()
        since = await self._own.carry_out()
        if self._stop:
            words = "cancelled; backup.yml has made its archives on the host, the store has none"
            raise Ended(Outcome.ABORTED, words)
        self._origin = await self._own.keep(self._backup, host, since, seen)
        return await self._is_kept()

    async def _back_up(self, began: datetime) -> tuple[Outcome, str]:
        request = self._request
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(
                lambda seen: rules.site_gate(request, seen), request.ready_within, request.reachable_within
            )
            self._subcloud.timing = seen.timing
            before = await self._pass_free_gate()
        controller, self._origin = _origin(seen)
        self._watch.safe_point()
        await self._backup.open(began)
        self._watch.safe_point()
        made = await self._backup.make(before)
        assert made.backup_time is not None
        self._evidence.append(f"dcmanager says {made.backup_status} of {made.backup_time:%Y-%m-%d %H:%M:%S}")

        def safe_point() -> None:
            if self._stop:
                words = f"cancelled; dcmanager has made its backup of {made.name}, the archive has none"
                raise Ended(Outcome.ABORTED, words)

        safe_point()
        if seen.own_by_ssh if request.local else seen.vault_by_ssh:
            await self._backup.take_platform(before, made, self._origin.release)
            safe_point()
        await self._backup.take_storage(safe_point, self._evidence)
        await self._backup.seal(made, self._origin, controller)
        return await self._is_kept()

    async def _is_kept(self) -> tuple[Outcome, str]:
        """Sealed; and read back, where that is asked for. Raises Ended."""
        if self._request.verify:
            await self._backup.verify()
        self._sealed = self._backup.id
        return Outcome.SUCCEEDED, f"{self._backup.id} is in archive {self._backup.archive}"

    async def _pass_free_gate(self) -> SubcloudFacts:
        """dcmanager makes one backup of a site at a time; somebody else's is waited for. Raises Ended."""
        facts = await self._subcloud.look()
        gate = rules.free_gate(facts)
        if gate.waits:
            self._log.waits_for(gate.why)
            await self._backup.wait(self._request.ready_within)
            facts = await self._subcloud.look()
            gate = rules.free_gate(facts)
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)
        return facts

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> BackupResult:
        return BackupResult(
            site=self._request.site,
            outcome=outcome,
            reason=reason,
            backup=self._sealed,
            archive=self._backup.archive,
            platform=self._backup.place,
            release=self._origin.release if self._origin else "",
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )


def _origin(seen: Observation) -> tuple[str, Origin]:
    """The system controller, and what is backed up."""
    assert seen.controller is not None
    assert seen.site is not None
    release = seen.site.version.rsplit("-", 1)[-1]
    return seen.controller.name, Origin(
        region=seen.site.region,
        system_controller=seen.controller.name,
        release=release,
        topology=seen.topology,
        what="platform, by dcmanager",
    )
