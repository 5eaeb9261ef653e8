"""The scenario `install`: bare servers of six vendors are installed through their BMCs.

Each kind of trouble that a BMC is known for meets a host of its own: what passes is to be got over, what is
for ever is to end in words, with the drive empty.
"""

from typing import Any, ClassVar

from cli.demo.scenario import Scenario, Stage, fault


class InstallScenario(Scenario):
    kind: ClassVar[str] = "install"
    usual_sites: ClassVar[int] = 20
    width: ClassVar[int] = 10
    to_look_around: ClassVar[tuple[str, ...]] = (
        "site status edge-0008",
        "host inventory edge-0001/controller-0",
        "host sensors edge-0001/controller-0",
    )

    @property
    def simulator_options(self) -> tuple[str, ...]:
        return ("--bare",)

    @property
    def faults(self) -> list[dict[str, Any]]:
        return [
            fault(2, "bmc.insert", "drop-after", times=1),
            fault(3, "bmc.reset", "drop-after", times=1),
            fault(4, "bmc.boot", "race", times=1),
            fault(5, "bmc.session", "occupy"),
            fault(6, "bmc.insert", "fail", times=1),
            fault(7, "bmc.eject", "drop-before", times=1),
            fault(8, "bmc.reset", "lie"),
            fault(9, "bmc", "drop-before"),
            fault(10, "bmc.insert", "refuse"),
            fault(11, "bmc.reset", "dark", times=1),
            fault(12, "bmc.get", "forget", times=1),
        ]

    def stages(self, images: str) -> tuple[Stage, ...]:
        hosts = [f"edge-{number:04d}/controller-0" for number in range(1, self.sites + 1)]
        operation = {
            "kind": "install",
            "image": f"{images}/{{site}}.iso",
            "release": "starlingx-26.03.0",
            "wipe": hosts,
            "reachable_within": self.patience,
            "ready_within": self.patience,
        }
        return (Stage("demo", "operation=install", operation, [{"count": 1}, {"percent": 100}]),)
