"""USM's deployment machine in one cloud (update 51560ae, 2026-08).

(none) -> start -> start-done -> host -> host-done -> activate -> activate-done -> completed -> (none), with a
`-failed` twin for start, host and activate, and a rollback branch. start, host and activate are accepted at
once and end later; complete, abort and delete end at once. The release goes available -> deploying ->
deployed; the one it came from stays deployed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.cloud.hosts import Host, Then, nothing

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud


@dataclass(slots=True)
class Deployment:
    """The one deployment that may exist; `hosts` maps a hostname to pending, deploying, deployed, failed."""

    from_release: str
    to_release: str
    reboot_required: bool
    state: str = "start"
    hosts: dict[str, str] = field(default_factory=dict)


class Usm:
    """Releases and the deployment of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.states: dict[str, str] = {}
        self.deployment: Deployment | None = None

    @property
    def running(self) -> str:
        """The newest release that is deployed."""
        return max(name for name, state in self.states.items() if state == "deployed")

    def is_deployed(self, release: str) -> bool:
        return self.states.get(release) == "deployed"

    def start(self, release: str, seconds: float, then: Then = nothing) -> None:
        metadata = self.cloud.catalogue[release]
        self.deployment = Deployment(
            from_release=self.cloud.catalogue[self.running].sw_version,
            to_release=metadata.sw_version,
            reboot_required=metadata.reboot_required,
            hosts={host.name: "pending" for host in self.cloud.hosts},
        )
        self.states[release] = "deploying"
        self.cloud.alarms.raise_("900.023", f"host={self.cloud.active.name}")
        self._end_later(seconds, lambda deployment: self._enter(deployment, "start-done"), then)

    def deploy_host(self, host: Host, seconds: float, then: Then = nothing, fails: bool = False) -> None:
        deployment = self._existing()
        deployment.state = "host"
        deployment.hosts[host.name] = "deploying"
        self.cloud.alarms.clear("900.021", f"host={host.name}")

        def end(current: Deployment) -> None:
            if fails:
                self.host_failed(host)
                return
            current.hosts[host.name] = "deployed"
            if current.reboot_required:
                self.cloud.alarms.raise_("900.020", f"host={host.name}", host=host.name)
            if all(state == "deployed" for state in current.hosts.values()):
                current.state = "host-done"

        self._end_later(seconds, end, then)

    def host_failed(self, host: Host) -> None:
        deployment = self._existing()
        deployment.hosts[host.name] = "failed"
        deployment.state = "host-failed"
        self.cloud.alarms.raise_("900.021", f"host={host.name}", host=host.name)
        self.cloud.life_ended("usm", f"usm.deploy_host:{host.name}")

    def activate(self, seconds: float, then: Then = nothing) -> None:
        self._existing().state = "activate"
        self._end_later(seconds, lambda deployment: self._enter(deployment, "activate-done"), then)

    def complete(self) -> None:
        deployment = self._existing()
        deployment.state = "completed"
        self.states[self.target()] = "deployed"

    def abort(self, seconds: float) -> None:
        """Turn back: hosts that were reached are undone, then the release is merely available again."""
        deployment = self._existing()
        deployment.state = "host-rollback"
        reached = [name for name, state in deployment.hosts.items() if state != "pending"]
        for name in deployment.hosts:
            deployment.hosts[name] = "rollback-pending" if name in reached else "rollback-deployed"
        if not reached:
            deployment.state = "host-rollback-done"
            return

        def end(current: Deployment) -> None:
            for name in reached:
                current.hosts[name] = "rollback-deployed"
            current.state = "host-rollback-done"

        self._end_later(seconds, end, nothing)

    def delete(self) -> None:
        deployment = self._existing()
        if deployment.state != "completed":
            self.states[self.target()] = "available"
        self.deployment = None
        for alarm_id in ("900.020", "900.021", "900.023"):
            self.cloud.alarms.clear(alarm_id)

    def target(self) -> str:
        """The release id that the deployment leads to."""
        wanted = self._existing().to_release
        return next(name for name, item in self.cloud.catalogue.items() if item.sw_version == wanted)

    def _existing(self) -> Deployment:
        if self.deployment is None:
            raise LookupError("there is no deployment")
        return self.deployment

    def _enter(self, deployment: Deployment, state: str) -> None:
        deployment.state = state

    def _end_later(self, seconds: float, end: Callable[[Deployment], None], then: Then) -> None:
        begun = self.deployment

        def ended() -> None:
            if begun is not None and self.deployment is begun:
                end(begun)
            then()

        self.cloud.clock.later(seconds, ended)
