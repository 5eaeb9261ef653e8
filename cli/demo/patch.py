"""The scenario `patch`: a region is brought to a release.

The faults are laid so that each kind meets a wave of its own liking: dropped connections from the canary
on, what ends a site badly at the front of the last wave, where its waiting hides behind the others' work.
"""

from typing import Any, ClassVar

from cli.demo.scenario import Scenario, Stage, fault

RELEASE = "starlingx-26.03.1"
CANARIES = 2


class PatchScenario(Scenario):
    kind: ClassVar[str] = "patch"
    usual_sites: ClassVar[int] = 200
    width: ClassVar[int] = 50
    per_cell: ClassVar[int] = 1
    to_look_around: ClassVar[tuple[str, ...]] = (
        "site status edge-0001",
        "site explain edge-0001 --release starlingx-26.03.2",
    )

    @property
    def second_wave_percent(self) -> int:
        """10 %; more of a small fleet, so that the wave is not empty."""
        return 10 if self.sites >= 40 else 40

    @property
    def faults(self) -> list[dict[str, Any]]:
        last = self.sites * self.second_wave_percent // 100
        return [
            fault(2, "vim.create", "drop-after", times=1),
            fault(CANARIES + 1, "vim.create", "drop-before", times=1),
            fault(last, "vim.apply", "drop-after", times=1),
            fault(last + 1, "vim.apply", "drop-before", times=1),
            fault(last + 2, "vim.delete", "drop-after", times=1),
            fault(self.sites - 2, "keystone", "drop-before", times=1),
            fault(self.sites - 1, "vim.create", "drop-after", times=1),
            fault(self.sites, "vim.apply", "drop-after", times=1),
            fault(last + 3, "vim.apply", "fail"),
            fault(last + 4, "site", "dark"),
            fault(last + 5, "site", "hold"),
        ]

    def stages(self, images: str) -> tuple[Stage, ...]:
        operation = {
            "kind": "patch",
            "release": RELEASE,
            "reachable_within": self.patience,
            "ready_within": self.patience,
        }
        waves: list[dict[str, Any]] = [
            {"count": CANARIES, "soak": "2m"},
            {"percent": self.second_wave_percent, "soak": "2m"},
            {"percent": 100},
        ]
        return (Stage("demo", f"release={RELEASE}", operation, waves),)
