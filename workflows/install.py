"""InstallHost: take one server from its BMC to an installed system that answers.

    look: the fleet, the site, the BMC, the address; is it this machine, may it be wiped
    make the host's own boot image, where none is given
    BIOS settings for the next boot; empty the drives; power off
    insert the image, verify it; boot from it once; power on
    wait for the proof: it answers at its OAM address, has called home, or its site's sysinv has it
    make the disk the boot device; eject; compare the settings; remove the image; record

Through Ironic the middle is another: enroll, manage, provide, name the image, deploy. Looks, gates, the wait
for the host and what follows it are the same, because `active` says that the machine was switched on with the
image, which Ironic has made its boot device for good.

Through dcmanager it makes the image and boots it, with waits of its own; gates, proof and what follows them
are the same. The subcloud is created where it is not there, and stands install-complete afterwards.

The order is that of StarlingX's rvmc, with each step verified and the disk set explicitly at the end: "Once"
is not honoured everywhere. Up to the power-on a cancel or a failure puts everything back as it was found:
drive empty, override as before, power as before. From the power-on the disk is being written: a cancel lets
it finish, a failure leaves the machine off, its drive empty, and says so.

The run holds the lock of the site, or is the child of the workflow that does.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bmc import BmcFacts, BootOverride, HostRef, SettingsRequest
    from models.install import InstallHostRequest, InstallResult
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import deploy as deploy_rules
    from rules import install as rules
    from rules import node as node_rules
    from workflows.steps import policies
    from workflows.steps.bmc import HostBmc
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.image import HostImage
    from workflows.steps.node import HostNode
    from workflows.steps.site import (
        Ended,
        failure_of,
        raise_unless_good,
        refuse_unless_host_locked,
        to_a_safe_point,
    )
    from workflows.steps.undo import Undo
    from workflows.steps.watch import SiteWatch
    from workflows.steps.wipe import WipeApproval

BOOTED_WITHIN = timedelta(minutes=10)
"""From power-on until a server has passed POST and booted the medium; only where a BMC shows neither progress
nor a used-up override does it take as long. An override that is kept must go before the installer reboots."""
OPERATION = "install"


@workflow.defn(name=contracts.INSTALL_HOST)
class InstallHost(WipeApproval):
    @workflow.init
    def __init__(self, request: InstallHostRequest) -> None:
        super().__init__(request.path, f"install {request.brings}")
        self._request = request
        self._host = HostRef(site=request.site, host=request.host)
        self._bmc = HostBmc(self._host, self._log, Timing())
        self._node = HostNode(self._host, self._log, Timing())
        self._undo = Undo(self._bmc, self._node)
        self._watch = SiteWatch(request.site, request.release, self._log, lambda: self._stop)
        self._image = HostImage(self._host, request, self._log)
        self._subcloud = SubcloudDeploy(request.site, self._log, Timing(), lambda: self._stop)
        self._facts: BmcFacts | None = None
        self._wipes(request.path, request.wipe)

    @workflow.run
    async def run(self, request: InstallHostRequest) -> InstallResult:
        refuse_unless_host_locked(self._host)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        await self._close(
            site=request.site,
            operation=OPERATION,
            target=self._image.brings,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=f"{request.host}: {reason}",
            began=began,
            evidence=(*([result.bmc] if result.bmc else []), *result.evidence),
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise_unless_good(outcome, reason, result)
        return result

    # -- the procedure

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._install()
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            left = await self._put_back()
            outcome, reason = self._said_truly(end, len(left))
            return outcome, "; ".join((reason, *left))

    async def _install(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            await self._pass_site_gate()
            facts = await self._pass_host_gate()
            if self._request.through == "dcmanager":
                await self._subcloud.pass_install_gate()
            else:
                await self._image.prepare()
            await self._await_approval(self._bmc.timing.paced(self._request.ready_within))
            self._safe_point()
        await self._make_image()
        plan = rules.plan(self._request, facts)
        self._undo.found(facts, plan)
        if self._request.through == "dcmanager":
            await self._install_by_dcmanager()
        else:
            await self._boot_medium(facts, plan)
        await self._await_installed(facts, plan)
        return await self._finish(facts)

    async def _boot_medium(self, facts: BmcFacts, plan: rules.Plan) -> None:
        """The installer runs, and the boot after it comes from the disk."""
        if self._request.through == "ironic":
            await self._deploy(facts)
        else:
            await self._prepare(facts, plan)
            await self._point_at_medium(plan)
            self._safe_point()
        with self._log.during("boot the medium"):
            if self._request.through == "redfish":
                self._undo.disk_is_written()
                await self._bmc.power("On", plan.on)
            await self._bmc.await_host("installer", BOOTED_WITHIN, self._image.proof)
            await self._boot_from_disk(facts)

    async def _install_by_dcmanager(self) -> None:
        """Until dcmanager says that it is installed. What its script leaves behind where it fails is ours to
        take back, once it is at work no more."""
        self._safe_point()
        try:
            self._evidence.append(await self._subcloud.install(self._request.installed_within))
        except (Ended, ActivityError):
            seen = self._subcloud.facts
            if deploy_rules.is_at_install(seen):
                self._evidence.append("dcmanager is still at it, so its BMC was left alone")
            elif not deploy_rules.is_untouched(seen):
                self._undo.override()
                self._undo.disk_is_written()
                await self._note_media()
            raise
        assert self._subcloud.facts is not None
        self._evidence.append(f"installed by dcmanager with {self._subcloud.facts.software_version}")
        await self._note_media()

    async def _note_media(self) -> None:
        """What somebody else's hand has left in the drives is to be ejected."""
        now = await self._bmc.look(policies.LOOK)
        for slot in now.slots:
            if slot.inserted:
                self._undo.medium(slot.path)

    async def _deploy(self, facts: BmcFacts) -> None:
        """By Ironic, until the machine is switched on with the image in one of its drives."""
        # Cleaning ends with the machine off.
        self._undo.power()
        await self._node.to_available(facts, self._safe_point)
        self._safe_point()
        since = await self._node.name_image(self._image.url)
        self._undo.override()
        self._undo.disk_is_written()
        end = await self._node.deploy(self._image.url, since)
        if not node_rules.may_have_booted(end):
            self._undo.disk_is_untouched()
        if end.how != "so":
            raise Ended(node_rules.outcome_of(end), end.words)
        await self._note_media()

    async def _make_image(self) -> None:
        if not self._image.is_to_be_made:
            return
        self._safe_point()
        with self._log.during("image", "its boot image is made"):
            self._evidence.append(await self._image.make(self._bmc.timing))

    async def _prepare(self, facts: BmcFacts, plan: rules.Plan) -> None:
        """Settings, empty drives, power off: nothing that cannot be taken back."""
        settings = self._settings()
        if settings.attributes or settings.secure_boot is not None:
            self._safe_point()
            with self._log.during("settings"):
                words = await self._bmc.set_pending(settings)
                self._undo.pending(words)
        self._safe_point()
        if plan.occupied and facts.power != "Off":
            # What runs may run from that medium.
            await self._power_off(plan)
        with self._log.during("eject"):
            for slot in plan.occupied:
                self._evidence.append(f"ejected {slot.image or 'a medium'} from {slot.path}")
                await self._bmc.eject(slot.path)
        self._safe_point()
        await self._power_off(plan)

    async def _power_off(self, plan: rules.Plan) -> None:
        with self._log.during("power off"):
            self._undo.power()
            await self._bmc.power("Off", plan.off)

    async def _point_at_medium(self, plan: rules.Plan) -> None:
        """Inserts into the first drive that can."""
        self._safe_point()
        with self._log.during("insert"):
            for number, slot in enumerate(plan.drives, start=1):
                self._undo.medium(slot.path)
                try:
                    await self._bmc.insert(slot.path, self._image.url)
                    break
                except ActivityError as error:
                    if failure_of(error)[0] != "Refused" or number == len(plan.drives):
                        raise
                    self._evidence.append(f"{slot.path}: {failure_of(error)[1]}")
        self._safe_point()
        with self._log.during("boot override"):
            self._undo.override()
            wanted = BootOverride(enabled="Once", target=plan.target, mode=plan.mode)
            await self._bmc.override(wanted)

    async def _await_installed(self, facts: BmcFacts, plan: rules.Plan) -> None:
        with self._log.during("install", f"{self._image.brings} installs itself"):
            began = workflow.now()
            end = await self._bmc.await_host("host", self._request.installed_within, self._image.proof)
            if end.how == "off":
                # Some installers end by switching off.
                await self._bmc.override(rules.from_disk(facts))
                await self._undo.eject()
                await self._bmc.power("On", plan.on)
                spent = (workflow.now() - began) * self._bmc.timing.pace
                left = max(self._request.installed_within - spent, timedelta(minutes=1))
                end = await self._bmc.await_host("host", left, self._image.proof)
            if end.how != "so":
                raise Ended(Outcome.FAILED, rules.not_installed(self._request, facts, end.words))
            is_banner = self._request.proof == "ssh"
            self._evidence.append(f"answers as {end.words}" if is_banner else end.words)

    async def _finish(self, facts: BmcFacts) -> tuple[Outcome, str]:
        """The next boot comes from the disk, the drive is empty, the settings are in force."""
        with self._log.during("boot from disk"):
            await self._boot_from_disk(facts)
        with self._log.during("eject"):
            await self._undo.eject()
        self._undo.nothing()
        await self._remove_image()
        settings = self._settings()
        if settings.attributes or settings.secure_boot is not None:
            with self._log.during("settings"):
                wrong = await self._bmc.settings_left(settings)
            if wrong:
                self._evidence += wrong
                return Outcome.FAILED, f"{self._image.brings} {rules.proven(self._request)}, but {wrong[0]}"
        return Outcome.SUCCEEDED, f"{self._image.brings} {rules.proven(self._request)}"

    async def _remove_image(self) -> None:
        """It has served; a folder that could not be tidied does not make the host less installed."""
        try:
            await self._image.remove()
        except ActivityError as error:
            self._evidence.append(failure_of(error)[1])

    async def _boot_from_disk(self, facts: BmcFacts) -> None:
        """Where "Once" is used up there is nothing to say; where it is kept the disk is set."""
        now = await self._bmc.look(policies.LOOK)
        if now.override.enabled != "Disabled" and now.override.target != "Hdd":
            await self._bmc.override(rules.from_disk(facts))

    async def _put_back(self) -> list[str]:
        """Runs shielded from a cancel; what cannot be put back is said in words."""
        if not self._undo.is_due:
            return []
        with self._log.during("put back"):
            left = await self._undo.all()
        self._evidence += left
        return left

    # -- gates

    async def _pass_site_gate(self) -> None:
        seen = await self._watch.pass_gate(
            lambda seen: rules.site_gate(self._request, seen), self._request.ready_within
        )
        self._bmc.timing = self._node.timing = self._subcloud.timing = seen.timing
        if seen.site is None:
            said = seen.silence or seen.refusal or "no answer"
            self._evidence.append(f"sysinv of {self._request.site} could not be asked: {said}")
        self._image.sysinv_may_be_silent(seen.site is None or seen.topology == "AIO-SX")

    async def _pass_host_gate(self) -> BmcFacts:
        facts = self._facts = await self._bmc.look(self._request.reachable_within)
        self._evidence += rules.warnings(facts)
        address = await self._bmc.ask_address()
        answers = self._watch.seen is not None and self._watch.seen.site is not None
        gate = rules.host_gate(self._request, facts, address, sysinv_answers=answers)
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)
        if self._request.through == "ironic":
            self._evidence += node_rules.warnings(await self._node.pass_gate())
        return facts

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled before anything was installed")

    def _settings(self) -> SettingsRequest:
        request = self._request
        return SettingsRequest(on=self._host, attributes=request.bios, secure_boot=request.secure_boot)

    # -- the end

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> InstallResult:
        return InstallResult(
            site=self._request.site,
            host=self._request.host,
            outcome=outcome,
            reason=reason,
            image=self._image.url,
            bmc=str(self._facts.identity) if self._facts else "",
            left=tuple(self._undo.left),
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
