"""A USM deployment as data: its states, its hosts' states, and which may follow which (update 51560ae).

(none) -> start -> start-done -> host -> host-done -> activate -> activate-done -> completed -> (none), with a
`-failed` twin where work runs. An abort turns back: before the activation to host-rollback, after it through
activate-rollback. The state of the whole follows from the states of the hosts while these change
(`DeployState.host_deploy_updated`). What USM forbids raises `IllegalError` with its words.
"""

from dataclasses import dataclass, field

from simulator.cloud.releases import Release

NEXT: dict[str, tuple[str, ...]] = {
    "start": ("start-done", "start-failed"),
    "start-failed": (),
    "start-done": ("host",),
    "host": ("host", "host-failed", "host-done", "host-rollback"),
    "host-failed": ("host", "host-failed", "host-done", "host-rollback"),
    "host-done": ("activate", "host-rollback", "host-failed"),
    "host-rollback": ("host-rollback", "host-rollback-failed", "host-rollback-done"),
    "host-rollback-failed": ("host-rollback", "host-rollback-done"),
    "host-rollback-done": (),
    "activate": ("activate-done", "activate-failed"),
    "activate-failed": ("activate", "activate-rollback-pending"),
    "activate-done": ("completed", "activate-rollback-pending"),
    "activate-rollback": ("activate-rollback-done", "activate-rollback-failed"),
    "activate-rollback-done": ("host-rollback",),
    "activate-rollback-failed": ("activate-rollback",),
    "activate-rollback-pending": ("activate-rollback",),
    "completed": ("activate-rollback-pending",),
}
HOST_NEXT: dict[str, tuple[str, ...]] = {
    "pending": ("deploying", "rollback-deployed"),
    "deploying": ("deployed", "failed"),
    "failed": ("deploying", "rollback-deployed", "rollback-pending", "failed"),
    "deployed": ("rollback-pending", "failed"),
    "rollback-pending": ("rollback-deploying",),
    "rollback-deploying": ("rollback-deployed", "rollback-failed"),
    "rollback-failed": ("rollback-deploying",),
    "rollback-deployed": (),
}
ENDED = ("deployed", "rollback-deployed")
WORKING = ("deploying", "rollback-deploying")
TURNED = ("activate-done", "activate-failed", "completed")
"""From these an abort leads through activate-rollback."""
FAILED_TWIN = {
    "start": "start-failed",
    "activate": "activate-failed",
    "activate-rollback": "activate-rollback-failed",
}
"""What becomes of work whose software-controller is started anew; of `host` its hosts fail."""


class IllegalError(Exception):
    """A change that USM does not allow, in its words."""


@dataclass(slots=True)
class Deployment:
    """The one deployment that may exist."""

    release: Release
    """What it deploys, also when an abort has swapped from and to."""
    base: Release
    """What ran before."""
    reboot_required: bool
    hosts: dict[str, str] = field(default_factory=dict)
    state: str = "start"
    aborted: bool = False
    kubernetes: str = ""
    """The active version of Kubernetes when it began."""

    @property
    def major(self) -> bool:
        return self.release.version != self.base.version

    @property
    def from_release(self) -> str:
        return (self.release if self.aborted else self.base).sw_version

    @property
    def to_release(self) -> str:
        return (self.base if self.aborted else self.release).sw_version

    @property
    def target(self) -> Release:
        """What the hosts are being brought to."""
        return self.base if self.aborted else self.release

    @property
    def turning_back(self) -> bool:
        return "rollback" in self.state

    def enter(self, state: str) -> None:
        """Raises: IllegalError."""
        if state not in NEXT[self.state]:
            raise IllegalError(f"Can not transform deploy to {state} from {self.state}")
        self.state = state

    def move(self, host: str, state: str) -> None:
        """Raises: IllegalError."""
        was = self.hosts[host]
        if state not in HOST_NEXT[was]:
            raise IllegalError(f"{host} can not transform from {was} to {state}.")
        self.hosts[host] = state
        self._follow()

    def begin_host(self, host: str) -> None:
        """The whole and then the host begin; a host in no fitting state goes through it unmarked."""
        back = self.state in ("activate-rollback-done", "host-rollback", "host-rollback-failed")
        self.enter("host-rollback" if back else "host")
        was = self.hosts[host]
        if was in ("pending", "failed"):
            self.move(host, "deploying")
        elif was in ("rollback-pending", "rollback-failed"):
            self.move(host, "rollback-deploying")

    def end_host(self, host: str, failed: bool = False) -> None:
        was = self.hosts[host]
        if was == "deploying":
            self.move(host, "failed" if failed else "deployed")
        elif was == "rollback-deploying":
            self.move(host, "rollback-failed" if failed else "rollback-deployed")

    def abort(self) -> None:
        """Turn back. USM does not undo this where a host's state forbids the change.

        Raises: IllegalError.
        """
        self.enter("activate-rollback-pending" if self.state in TURNED else "host-rollback")
        self.aborted = True
        for host, state in list(self.hosts.items()):
            self.move(host, "rollback-deployed" if state == "pending" else "rollback-pending")

    def _follow(self) -> None:
        if self.state not in ("host", "host-failed", "host-rollback", "host-rollback-failed"):
            return
        states = set(self.hosts.values())
        back = self.state.startswith("host-rollback")
        if states & {"failed", "rollback-failed"}:
            if self.state in ("host", "host-rollback"):
                self.enter("host-rollback-failed" if back else "host-failed")
        elif states & {"pending", "deploying", "rollback-pending", "rollback-deploying"}:
            self.enter("host-rollback" if back else "host")
        elif states in ({"deployed"}, {"rollback-deployed"}):
            self.enter("host-rollback-done" if self.state == "host-rollback" else "host-done")
