"""dcmanager's manager as far as it deploys: phases that run one after the other, abort, and its own restart.

A phase begins a moment after the API has accepted it (the request is cast to the manager), prepares, runs
its playbook and ends complete, failed or aborted. The install makes a boot image, drives the host's BMC as
rvmc does and waits for SSH at the bootstrap address; the bootstrap needs an installed controller-0 there and
leaves its site locked; the configuration ends complete, and the deployment manager unlocks the host after it.
A restart forgets what runs: transitory states become failed, with no word in the error description.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import aiohttp

from simulator.bmc.places import BMC_PORT, SSH_PORT
from simulator.cloud.clock import Clock
from simulator.dcmanager import durations
from simulator.dcmanager.images import BootImages
from simulator.dcmanager.landing import becomes_bare, land, unlock_by_deployment_manager
from simulator.dcmanager.rvmc import USER_AGENT as RVMC
from simulator.dcmanager.rvmc import Rvmc, RvmcError, answers
from simulator.dcmanager.state import Database, Subcloud
from simulator.proof.faults import Faults

if TYPE_CHECKING:
    from simulator.bmc.floor import Floor

Phase = Literal["create", "install", "bootstrap", "enroll", "configure", "complete"]
NO_ERROR = "No errors present"
RUNNING = {"install": "installing", "bootstrap": "bootstrapping", "configure": "configuring"}
_SHORT = {"install": "install", "bootstrap": "bootstrap", "configure": "config"}
TRANSITORY = {
    "not-deployed": "create-failed",
    "creating": "create-failed",
    "pre-install": "pre-install-failed",
    "installing": "install-failed",
    "pre-bootstrap": "pre-bootstrap-failed",
    "bootstrapping": "bootstrap-failed",
    "pre-config": "pre-config-failed",
    "configuring": "config-failed",
    "pre-init-enroll": "pre-init-enroll-failed",
    "initiating-enroll": "init-enroll-failed",
    "pre-enroll": "pre-enroll-failed",
    "enrolling": "enroll-failed",
    "pre-restore": "restore-prep-failed",
    "restoring": "restore-failed",
    "aborting-install": "install-failed",
    "aborting-bootstrap": "bootstrap-failed",
    "aborting-config": "config-failed",
}
ENROLLING = ("pre-init-enroll", "initiating-enroll", "init-enroll-complete", "pre-enroll", "enrolling")
_SEEDED_S = 120.0
"""Until cloud-init has done what the seed says; enroll_init.yml waits up to 570 s."""
_RETRY_S = 60.0
_SSH_POLL_S, _SSH_S = 10.0, 3600.0
_FAILS_AFTER = 0.2
"""Of a phase's time, where a fault lets its playbook fail."""


class PhaseFailedError(Exception):
    """The playbook has failed; the message is what dcmanager found in its log."""


@dataclass
class Deployer:
    """Runs deployments of one dcmanager."""

    db: Database
    clock: Clock
    images: BootImages
    faults: Faults
    seed: int
    password: str
    """sysadmin's, on every installed host."""
    scheme: str
    image_port: int
    bootstrap_seconds: float | None = None
    floor: "Floor | None" = None
    stretched: dict[str, float] = field(default_factory=dict)
    """How many times as long as drawn the work on a site takes."""
    _running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None

    def pace(self, row: Subcloud) -> durations.DeployPace:
        return self.pace_of(row.cloud.name)

    def pace_of(self, site: str) -> durations.DeployPace:
        drawn = durations.draw(self.seed, site, self.bootstrap_seconds)
        return drawn.times(self.stretched.get(site, 1.0))

    # -- what the API asks ----------------------------------------------------------------------------

    def create(self, row: Subcloud) -> None:
        """Its routes, certificates and files."""
        failing = self.faults.take("deploy.create", row.cloud.name, True, "fail")
        self._enter(row, "create-failed" if failing else "create-complete")
        if failing:
            self._life_ended(row, "create")

    def start(self, row: Subcloud, phases: Sequence[Phase], sysadmin: str) -> None:
        """One after the other; `sysadmin` is the password that the request carried."""
        task = asyncio.get_running_loop().create_task(self._run(row, tuple(phases), sysadmin))
        self._running[row.name] = task
        task.add_done_callback(lambda done: self._forget(row.name, done))

    def abort(self, row: Subcloud) -> None:
        phase = next(phase for phase, state in RUNNING.items() if state == row.deploy_status)
        task = self._running.pop(row.name, None)
        if task is not None:
            task.cancel()
        short = _SHORT[phase]
        self._enter(row, f"aborting-{short}")

        def aborted() -> None:
            if row.deploy_status != f"aborting-{short}":
                return
            if phase == "install" and self.floor is not None:
                self._signal_shutdown(row)
            self._enter(row, f"{short}-aborted")
            self._life_ended(row, phase)
            self._life_ended(row, "abort")

        self.clock.later(self.pace(row).abort, aborted)

    def restart(self) -> None:
        """The manager's processes end and begin again; playbooks die with them."""
        for task in list(self._running.values()):
            task.cancel()
        self._running.clear()
        for row in self.db.subclouds:
            after = TRANSITORY.get(row.deploy_status)
            if after is None:
                continue
            before, row.deploy_status = row.deploy_status, after
            row.touch()
            for phase, short in _SHORT.items():
                if before in (f"pre-{short}", RUNNING[phase], f"aborting-{short}"):
                    self._life_ended(row, phase)
            if before in ENROLLING:
                self._life_ended(row, "enroll")
            self._life_ended(row, "abort")

    async def close(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def reaches_bmc(self, row: Subcloud) -> bool:
        """dcmanager knocks at the BMC for three seconds before it begins a redeploy."""
        assert row.deployment is not None
        assert row.deployment.install is not None
        if self.floor is None or not row.cloud.hosts:
            return False
        bmc = self.floor.of(row.cloud.name)[0]
        return bmc.place.address == str(row.deployment.install["bmc_address"]) and not bmc.dark

    # -- phases ---------------------------------------------------------------------------------------

    async def _run(self, row: Subcloud, phases: tuple[Phase, ...], sysadmin: str) -> None:
        await self._sleep(durations.CAST_S)
        steps: dict[str, Callable[[Subcloud, str], object]] = {
            "install": self._install,
            "bootstrap": self._bootstrap,
            "configure": self._configure,
        }
        for phase in phases:
            if phase == "create":
                self._enter(row, "creating")
                self.create(row)
                continue
            if phase == "complete":
                self.complete(row)
                continue
            if phase == "enroll":
                await self._enroll(row, sysadmin)
                continue
            try:
                await self._phase(row, phase, steps[phase], sysadmin)
            except PhaseFailedError as failed:
                row.error_description = str(failed)[:2048]
                self._enter(row, f"{_SHORT[phase]}-failed")
                self._life_ended(row, phase)
                return

    async def _phase(
        self, row: Subcloud, phase: Phase, step: Callable[[Subcloud, str], object], sysadmin: str
    ) -> None:
        short = _SHORT[phase]
        self._enter(row, f"pre-{short}")
        await self._sleep(self.pace(row).prepare)
        row.error_description = NO_ERROR
        self._enter(row, RUNNING[phase])
        if self.faults.take(f"deploy.{short}", row.cloud.name, True, "fail") is not None:
            await self._sleep(self.pace(row).bootstrap * _FAILS_AFTER)
            raise PhaseFailedError(playbook_log(row, RUNNING[phase], "Simulated failure of a task", "fault"))
        work = step(row, sysadmin)
        assert asyncio.iscoroutine(work)
        await work

    def complete(self, row: Subcloud) -> None:
        row.error_description = NO_ERROR
        if row.deployment is not None:
            row.deployment.initial = False
        self._enter(row, "complete")

    async def _install(self, row: Subcloud, _: str) -> None:
        await self.install(row)
        self._enter(row, "install-complete")

    async def install(self, row: Subcloud) -> None:
        """Its host, from virtual media. Raises: PhaseFailedError."""
        deployment = row.deployment
        assert deployment is not None
        assert deployment.install is not None
        values = deployment.install
        path = self.images.make(row)
        becomes_bare(row.cloud)
        try:
            await self._boot(row, f"{self.scheme}://{self._own_address}:{self.image_port}{path}")
            waited = 0.0
            limit = float(values.get("wait_for_timeout", _SSH_S))
            while not await answers(str(values["bootstrap_address"]), SSH_PORT):
                if waited > limit:
                    words = f"Timeout when waiting for {values['bootstrap_address']}:22"
                    raise PhaseFailedError(playbook_log(row, "installing", "wait_for", words))
                waited += _SSH_POLL_S
                await self._sleep(_SSH_POLL_S)
            await self._rvmc(row, "").eject()
        except RvmcError as error:
            raise PhaseFailedError(
                playbook_log(row, "installing", "Eject virtual media", str(error))
            ) from None
        finally:
            self.images.remove(path)

    async def _boot(self, row: Subcloud, image: str) -> None:
        """ansible runs the script a second time, after some while, where its failure may pass."""
        for number in range(2):
            try:
                await self._rvmc(row, image).install()
                return
            except RvmcError as error:
                if number or "credentials" in str(error):
                    raise PhaseFailedError(playbook_log(row, "installing", "Run RVMC", str(error))) from None
            await self._sleep(_RETRY_S)

    def _rvmc(self, row: Subcloud, image: str) -> Rvmc:
        assert row.deployment is not None
        assert row.deployment.install is not None
        values = row.deployment.install
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": RVMC})
        return Rvmc(
            f"{self.scheme}://{values['bmc_address']}:{BMC_PORT}",
            str(values["bmc_username"]),
            _plain(values["bmc_password"]),
            image,
            self._sleep,
            self._session,
        )

    async def _bootstrap(self, row: Subcloud, sysadmin: str) -> None:
        deployment = row.deployment
        assert deployment is not None
        await self.reach(row, "bootstrapping", sysadmin)
        await self._sleep(self.pace(row).bootstrap)
        await self.reach(row, "bootstrapping", sysadmin)
        row.cloud.identity.region = row.cloud.alarms.region = row.region
        row.made_region = ""
        land(row.cloud, deployment.bootstrap)
        row.error_description = NO_ERROR
        self._enter(row, "bootstrap-complete")

    async def _configure(self, row: Subcloud, sysadmin: str) -> None:
        await self.reach(row, "configuring", sysadmin)
        await self._sleep(self.pace(row).configure)
        await self.reach(row, "configuring", sysadmin)
        unlock_by_deployment_manager(row.cloud)
        self.complete(row)

    async def _enroll(self, row: Subcloud, sysadmin: str) -> None:
        """A system that stands on its own is reconfigured through a seed image, then by Ansible; it keeps its
        region. Each part has a failure of its own."""
        deployment = row.deployment
        assert deployment is not None
        failure = "pre-init-enroll-failed"
        try:
            self._enter(row, "pre-init-enroll")
            await self._sleep(self.pace(row).prepare)
            if not deployment.on_site:
                self._enter(row, "initiating-enroll")
                await self._seed(row)
                self._enter(row, "init-enroll-complete")
            failure = "pre-enroll-failed"
            await self.reach(row, "enrolling", self.password)
            row.made_region, row.error_description = "", NO_ERROR
            self._enter(row, "pre-enroll")
            await self._sleep(self.pace(row).prepare)
            failure = "enroll-failed"
            self._enter(row, "enrolling")
            if self.faults.take("deploy.enroll", row.cloud.name, True, "fail") is not None:
                await self._sleep(self.pace(row).configure * _FAILS_AFTER)
                raise PhaseFailedError(playbook_log(row, "enrolling", "Simulated failure of a task", "fault"))
            await self.reach(row, "enrolling", sysadmin)
            await self._sleep(self.pace(row).configure)
            await self.reach(row, "enrolling", sysadmin)
        except PhaseFailedError as failed:
            row.error_description = str(failed)[:2048]
            self._enter(row, failure)
            self._life_ended(row, "enroll")
            return
        self._enter(row, "enroll-complete")

    async def _seed(self, row: Subcloud) -> None:
        """cloud-init of the running system takes it up; nothing is powered off and no boot is overridden."""
        path = self.images.make_seed(row)
        try:
            rvmc = self._rvmc(row, f"{self.scheme}://{self._own_address}:{self.image_port}{path}")
            await rvmc.present()
            await self._sleep(_SEEDED_S)
            await rvmc.eject()
        except RvmcError as error:
            raise PhaseFailedError(playbook_log(row, "enrolling", "Run RVMC", str(error))) from None
        finally:
            self.images.remove(path)

    @property
    def _own_address(self) -> str:
        return self.db.controller.identity.address

    async def reach(self, row: Subcloud, stage: str, sysadmin: str) -> None:
        """ansible logs in as sysadmin at the bootstrap address, which is that site's own controller-0."""
        assert row.deployment is not None
        address = row.deployment.address
        if not await answers(address, SSH_PORT) or not self._is_own(row, address):
            words = f"Failed to connect to the host via ssh: connect to host {address} port 22: timed out"
            raise PhaseFailedError(playbook_log(row, stage, "Gathering Facts", words))
        if sysadmin != self.password:
            words = f"Invalid/incorrect password: sysadmin@{address}: Permission denied"
            raise PhaseFailedError(playbook_log(row, stage, "Gathering Facts", words))

    def _is_own(self, row: Subcloud, address: str) -> bool:
        if self.floor is None or not row.cloud.hosts:
            return False
        bmc = self.floor.of(row.cloud.name)[0]
        return bmc.place.oam == address and bmc.machine.up and bmc.machine.disk == "installed"

    def _signal_shutdown(self, row: Subcloud) -> None:
        """After an aborted install; only an installed system hears of it."""
        assert self.floor is not None
        if row.cloud.hosts:
            self.floor.of(row.cloud.name)[0].machine.shut_down()

    # -- bookkeeping ----------------------------------------------------------------------------------

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.clock.wall(seconds))

    def _enter(self, row: Subcloud, status: str) -> None:
        row.deploy_status = status
        row.touch()

    def restore_over(self, row: Subcloud) -> None:
        row.cloud.life_ended(f"subcloud/{row.name}", "dcmanager.backup.restore")

    def _life_ended(self, row: Subcloud, phase: str) -> None:
        row.cloud.life_ended(f"subcloud/{row.name}", f"dcmanager.deploy.{phase}")
        if phase in ("install", "bootstrap", "enroll", "configure"):
            row.cloud.life_ended(f"subcloud/{row.name}", "dcmanager.redeploy")

    def _forget(self, name: str, task: "asyncio.Task[None]") -> None:
        if self._running.get(name) is task:
            del self._running[name]
        if not task.cancelled():
            task.result()


def _plain(encoded: object) -> str:
    return base64.b64decode(str(encoded)).decode()


def playbook_log(row: Subcloud, stage: str, task: str, words: str) -> str:
    """As dcmanager cuts it out of the playbook's log."""
    return (
        f"FAILED {stage} playbook of ({row.name}).\n  detail: fatal: [{row.name}]: FAILED! => {words}\n"
        f"FAILED TASK: {task}"
    )
