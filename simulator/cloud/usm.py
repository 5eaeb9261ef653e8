"""USM of one cloud: its releases, the one deployment, and what software each host runs (update 51560ae).

start, the hosts, activate and activate-rollback are accepted at once and end later; complete, abort and
delete end at once. An in-service release runs on a host as soon as it is deployed there, one that needs a
reboot after the host's next boot, a rolled-back host goes back the same way. The VIM and whoever speaks to
the API move the deployment through here. While a major release starts or is activated the API restarts and
is silent; a software-controller that is started anew fails the work it was in.
"""

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.cloud.deployment import FAILED_TWIN, WORKING, Deployment
from simulator.cloud.hosts import Host, Then, nothing
from simulator.cloud.releases import Release, dialect_of

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

_SHARES = {"start": 0.25, "host": 0.4, "activate": 0.2}
"""Of the drawn software time; the hosts share theirs."""
_MAJOR = 2.0
"""How much longer the software work of a major release takes."""
AGENT_LIMIT_S = 600.0
"""USM takes a host whose agent has not answered by then for failed."""
RESTART_S = 60.0
"""How long the API is away when its service restarts."""
PRECHECK_HOLDS_S = 300.0
CONTROLLER = "host=controller"


class Usm:
    """Releases and the deployment of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.states: dict[str, str] = {}
        self.deployment: Deployment | None = None
        self.runs: dict[str, str] = {}
        """By host, the release that it runs where that is not simply `running`."""
        self.boots: dict[str, str] = {}
        """By host, the release that its next boot takes."""
        self.prechecked: dict[str, float] = {}
        """By release, when the system was last found healthy for it."""
        self._turns: dict[str, int] = {}
        """By host, or nothing for the whole: the attempt whose end counts."""
        self._silences: set[int] = set()
        self._numbers = itertools.count()

    @property
    def running(self) -> str:
        """The newest release that is deployed."""
        deployed = [name for name, state in self.states.items() if state in ("deployed", "committed")]
        return max(deployed, key=self.order)

    @property
    def release(self) -> Release:
        """What the active controller runs."""
        return self.of_host(self.cloud.active)

    @property
    def version(self) -> str:
        """The product version that the site is on; of a site that is nowhere, what it would be."""
        return self.release.version if self.cloud.hosts else self.cloud.dialect.version

    @property
    def silent(self) -> bool:
        """Whether the API refuses connections though its host is up."""
        return bool(self._silences)

    def order(self, name: str) -> tuple[int, ...]:
        return tuple(int(part) for part in self.cloud.catalogue[name].sw_version.split("."))

    def of_host(self, host: Host) -> Release:
        return self.cloud.catalogue[self.runs.get(host.name) or self.running]

    def is_deployed(self, release: str) -> bool:
        return self.states.get(release) == "deployed"

    def target(self) -> str:
        """The release id that the deployment is about."""
        return self._existing().release.release_id

    def seconds(self, part: str, major: bool) -> float:
        """Of start, host (one of them) or activate on this site."""
        whole = self.cloud.durations.apply * _SHARES[part] * (_MAJOR if major else 1.0)
        return min(whole / len(self.cloud.hosts), 0.95 * AGENT_LIMIT_S) if part == "host" else whole

    # -- forward --------------------------------------------------------------------------------------

    def start(self, release: str, seconds: float, then: Then = nothing, fails: bool = False) -> None:
        running = self.running
        metadata = self.cloud.catalogue[release]
        self.deployment = Deployment(
            release=metadata,
            base=self.cloud.catalogue[running],
            reboot_required=metadata.reboot_required,
            hosts={host.name: "pending" for host in self.cloud.hosts},
            kubernetes=self.cloud.kubernetes.active,
        )
        self.runs = dict.fromkeys(self.deployment.hosts, running)
        self.boots.clear()
        self.prechecked.pop(release, None)
        self.states[release] = "deploying"
        self.cloud.alarms.raise_("900.023", CONTROLLER)

        def end(current: Deployment) -> None:
            if current.state == "start":
                current.enter("start-failed" if fails else "start-done")

        self._silence_within(seconds)
        self._end_later("", seconds, end, then)

    def deploy_host(self, host: Host, seconds: float, then: Then = nothing, fails: bool = False) -> None:
        """Deploy on one host, or take it back; a failed one may be tried again."""
        deployment = self._existing()
        deployment.begin_host(host.name)
        entity = f"host={host.name}"
        self.cloud.alarms.clear("900.021", entity)

        def end(current: Deployment) -> None:
            if current.hosts[host.name] not in WORKING:
                return
            if fails:
                self.host_failed(host)
                return
            current.end_host(host.name)
            if current.reboot_required:
                self.boots[host.name] = current.target.release_id
                self.cloud.alarms.raise_("900.020", entity, host=host.name)
            else:
                self.runs[host.name] = current.target.release_id
            self._cleanup_is_due(current)

        self._end_later(host.name, seconds, end, then)

    def host_failed(self, host: Host) -> None:
        deployment = self._existing()
        back = deployment.hosts[host.name] == "rollback-deploying"
        deployment.end_host(host.name, failed=True)
        self.cloud.alarms.raise_("900.021", f"host={host.name}", host=host.name)
        self._may_be_repeated(f"usm.{'rollback' if back else 'deploy'}_host:{host.name}")

    def activate(self, seconds: float, then: Then = nothing, fails: bool = False) -> None:
        self._work("activate", seconds, then, fails)

    def complete(self) -> None:
        deployment = self._existing()
        deployment.enter("completed")
        self._cleanup_is_due(deployment)

    def delete(self) -> None:
        deployment = self._existing()
        name = deployment.release.release_id
        self.states[name] = "deployed" if deployment.state == "completed" else "available"
        if deployment.state == "completed" and deployment.major:
            for other, state in self.states.items():
                replaced = self.cloud.catalogue[other].version == deployment.base.version
                if replaced and state in ("deployed", "available", "committed"):
                    self.states[other] = "unavailable"
            self.cloud.alarms.raise_("900.024", CONTROLLER)
        self.deployment = None
        self.runs.clear()
        self.boots.clear()
        for alarm_id in ("900.020", "900.021", "900.022", "900.023"):
            self.cloud.alarms.clear(alarm_id)

    # -- back -----------------------------------------------------------------------------------------

    def abort(self) -> None:
        self._existing().abort()

    def activate_rollback(self, seconds: float, then: Then = nothing, fails: bool = False) -> None:
        self._work("activate-rollback", seconds, then, fails)

    # -- what hosts and services do -------------------------------------------------------------------

    def booted(self, host: Host) -> None:
        """The host has come up: it runs what was deployed on it."""
        if host.name in self.boots:
            self.runs[host.name] = self.boots.pop(host.name)
            self.cloud.alarms.clear("900.020", f"host={host.name}")
        if self.deployment is None:
            return
        state = self.deployment.hosts.get(host.name)
        if state in WORKING:
            self.host_failed(host)
        if host.active:
            self._interrupted()
        self.spoken()

    def spoken(self) -> None:
        """The active controller's software decides which dialect the site speaks."""
        self.cloud.dialect = dialect_of(self.release.version)

    def restart(self, seconds: float = RESTART_S) -> None:
        """software-controller is started anew."""
        self.be_silent(seconds)
        self._interrupted()

    def be_silent(self, seconds: float) -> None:
        number = next(self._numbers)
        self._silences.add(number)
        self.cloud.clock.later(seconds, lambda: self._silences.discard(number))

    # -- inside ---------------------------------------------------------------------------------------

    def _interrupted(self) -> None:
        """`set_interruption_fail_state`: what was under way has failed."""
        deployment = self.deployment
        if deployment is None:
            return
        twin = FAILED_TWIN.get(deployment.state)
        if twin is not None:
            mark = f"usm.{deployment.state.replace('-', '_')}"
            deployment.enter(twin)
            if twin != "start-failed":
                self._may_be_repeated(mark)
        elif deployment.state in ("host", "host-rollback"):
            for host in self.cloud.hosts:
                if deployment.hosts.get(host.name) in WORKING:
                    self.host_failed(host)

    def _work(self, state: str, seconds: float, then: Then, fails: bool) -> None:
        deployment = self._existing()
        deployment.enter(state)

        def end(current: Deployment) -> None:
            if current.state != state:
                return
            current.enter(f"{state}-failed" if fails else f"{state}-done")
            if fails:
                self._may_be_repeated(f"usm.{state.replace('-', '_')}")

        self._silence_within(seconds)
        self._end_later("", seconds, end, then)

    def _silence_within(self, seconds: float) -> None:
        """Scripts of a major release restart the API in the middle of their work."""
        if self._existing().major:
            begun = self.deployment

            def away() -> None:
                if self.deployment is begun:
                    self.be_silent(seconds * 0.2)

            self.cloud.clock.later(seconds * 0.4, away)

    def _cleanup_is_due(self, deployment: Deployment) -> None:
        if deployment.major and deployment.state in ("completed", "host-rollback-done"):
            self.cloud.alarms.raise_("900.022", CONTROLLER)

    def _may_be_repeated(self, mark: str) -> None:
        self.cloud.life_ended("usm", mark)

    def _existing(self) -> Deployment:
        if self.deployment is None:
            raise LookupError("there is no deployment")
        return self.deployment

    def _end_later(self, what: str, seconds: float, end: Callable[[Deployment], None], then: Then) -> None:
        begun, turn = self.deployment, next(self._numbers)
        self._turns[what] = turn

        def ended() -> None:
            if begun is not None and self.deployment is begun and self._turns.get(what) == turn:
                end(begun)
            then()

        self.cloud.clock.later(seconds, ended)
