"""The scenario `upgrade`: sites with VMs and pods to a patch or the next major release, host by host.

A region of one kind has nine sites, and each trouble meets one of its own: a lost answer to each kind of
request, an unlock that fails once, an activation that never succeeds and is turned back, a site that is dark,
one where somebody else is at work. In a mixed region a share of the sites, drawn from the seed, is met by one
trouble each, in turn. In the end the simulator is asked how long each workload was away: where there is a
second host, replicated pods and VMs that nothing ties to theirs must not have been at all.
"""

import random
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from cli.demo.scenario import Scenario, Stage, fault

Kind = Literal["patch", "major"]
Topology = Literal["aio-sx", "aio-dx", "standard", "mixed"]
Dialect = Literal["12", "next"]
RELEASES: dict[Dialect, dict[Kind, str]] = {
    "12": {"patch": "starlingx-26.03.2", "major": "starlingx-26.09.0"},
    "next": {"patch": "starlingx-26.09.2", "major": "starlingx-27.03.0"},
}
CAN_GO_ON_ELSEWHERE = frozenset({"pods-replicated", "vm-movable"})
MIXED_SITES, MIXED_LEAST = 100, 10
"""Ten sites have one of every kind."""
MIXED_SPEED = 240.0
MIXED_FAULTS = 5.0
CANARIES = 2
HOST = "controller-0"
TROUBLES: tuple[tuple[str, str, int | None], ...] = (
    ("usm.activate", "fail", None),
    ("usm.host", "drop-after", 1),
    ("site", "dark", None),
    ("host.unlock", "fail", 1),
    ("site", "hold", None),
    ("usm.start", "drop-after", 1),
    ("host.lock", "fail", None),
    ("usm.activate", "drop-before", 1),
    ("usm.precheck", "fail", None),
    ("usm.complete", "drop-after", 1),
)
"""(on, do, times)"""


@dataclass(frozen=True)
class UpgradeScenario(Scenario):
    topology: Topology = "aio-sx"
    brings: Kind = "patch"
    struck_percent: float | None = None
    """Of the sites; None: the nine of a region of one kind."""
    dialect: Dialect = "12"
    """Which StarlingX the region is before: 12, or the one after it."""

    kind: ClassVar[str] = "upgrade"
    usual_sites: ClassVar[int] = 9
    least_sites: ClassVar[int] = 9
    usual_speed: ClassVar[float] = 120.0
    work_s: ClassVar[float] = 12.0
    send_window_s: ClassVar[float] = 8.0
    width: ClassVar[int] = 9
    is_measured: ClassVar[bool] = True
    to_look_around: ClassVar[tuple[str, ...]] = (
        "site status edge-0001",
        "host lock edge-0009/controller-0 --by me --plan",
    )

    @property
    def release(self) -> str:
        return RELEASES[self.dialect][self.brings]

    @property
    def at_once(self) -> int:
        return max(self.width, self.sites // 8)

    def keeps_alive(self, kind: str, topology: str) -> bool:
        return topology != "AIO-SX" and kind in CAN_GO_ON_ELSEWHERE

    @property
    def simulator_options(self) -> tuple[str, ...]:
        workloads = ("--kubernetes", "--pods", "2", "--openstack", "--vms", "2")
        major = ("--major", "controller") if self.brings == "major" else ()
        return ("--topology", self.topology, "--dialect", self.dialect, *workloads, *major)

    @property
    def faults(self) -> list[dict[str, Any]]:
        if self.struck_percent is not None:
            return self._drawn(self.struck_percent)
        on_host = fault(3, "usm.host", "drop-after", times=1)
        return [
            fault(2, "usm.start", "drop-after", times=1),
            on_host | {"site": f"{on_host['site']}/{HOST}"},
            fault(4, "usm.activate", "drop-before", times=1),
            fault(5, "host.unlock", "fail", times=1),
            fault(6, "usm.activate", "fail"),
            fault(7, "site", "dark"),
            fault(8, "site", "hold"),
        ]

    def _drawn(self, percent: float) -> list[dict[str, Any]]:
        """One trouble after the other, at sites after the first wave."""
        count = max(1, round(self.sites * percent / 100)) if percent else 0
        dice = random.Random(f"{self.seed}/faults")  # noqa: S311 - to be drawn again the same
        struck = dice.sample(range(CANARIES + 1, self.sites + 1), count)
        found = []
        for number, site in enumerate(struck):
            on, do, times = TROUBLES[number % len(TROUBLES)]
            one = fault(site, on, do) | ({"times": times} if times else {})
            found.append(one | ({"site": f"{one['site']}/{HOST}"} if on == "usm.host" else {}))
        return found

    @property
    def budget(self) -> dict[str, int]:
        """The faults are known, so no trouble of theirs may end the demo."""
        return {key: max(most, len(self.faults)) for key, most in super().budget.items()}

    def stages(self, images: str) -> tuple[Stage, ...]:
        operation = {
            "kind": "upgrade",
            "release": self.release,
            "controller_fails": "roll-back",
            "policy": self.policy,
            "reachable_within": self.patience,
            "ready_within": self.patience,
        }
        query = f"operation=upgrade&release={self.release}"
        waves: list[dict[str, Any]] = [{"count": 1, "soak": "2m"}, {"percent": 100}]
        if self.struck_percent is not None:
            waves[0]["count"] = CANARIES
        return (Stage("demo-upgrade", query, operation, waves),)

    @property
    def policy(self) -> dict[str, Any]:
        """The only host of a site takes its VMs down with it; elsewhere those that cannot move live wait."""
        immovable = "leave" if self.topology in ("aio-sx", "mixed") else "stop-start"
        return {"vms": {"immovable": immovable}, "pods": {"bare": "delete"}}
