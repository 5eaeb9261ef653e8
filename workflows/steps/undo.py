"""How a host is left when its installation ends early: as it was found, or, once its disk was written, safe.

Each step tells what it is about to do; here stands how that is taken back, in the order in which a person
would: override first, so that no boot meets the medium; then power, because nothing is ejected below a
running installer; then the medium; then power as it was found. The first refusal of our credentials ends it,
because BMCs lock accounts. A host that was driven through Ironic is taken back by it first, and where that
fails the BMC is left alone, too: somebody has the node in hand. What could not be taken back is left in
words.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models.bmc import BmcFacts, BootOverride
    from rules.install import Plan, from_disk
    from workflows.steps.bmc import HostBmc
    from workflows.steps.node import HostNode
    from workflows.steps.site import Ended, failure_of

NOT_OFF = "it could not be switched off"


@dataclass
class Undo:
    bmc: HostBmc
    node: HostNode
    left: list[str] = field(default_factory=list)
    _facts: BmcFacts | None = None
    _plan: Plan | None = None
    _slots: list[str] = field(default_factory=list)
    _override: bool = False
    _power: bool = False
    _pending: str = ""
    _disk: bool = False

    def found(self, facts: BmcFacts, plan: Plan) -> None:
        self._facts, self._plan = facts, plan

    def medium(self, slot: str) -> None:
        self._slots.append(slot)

    def override(self) -> None:
        self._override = True

    def power(self) -> None:
        self._power = True

    def pending(self, words: str) -> None:
        self._pending = words

    def disk_is_written(self) -> None:
        self._disk = True

    def disk_is_untouched(self) -> None:
        self._disk = False

    def nothing(self) -> None:
        """The host is installed: what is so now stays."""
        self._slots, self._override, self._power, self._disk, self._pending = [], False, False, False, ""
        self.node.keep()

    @property
    def is_due(self) -> bool:
        at_bmc = self._slots or self._override or self._power or self._disk or self._pending
        return bool(at_bmc or self.node.is_touched)

    async def eject(self) -> None:
        while self._slots:
            await self.bmc.eject(self._slots[-1])
            self._slots.pop()

    async def all(self) -> list[str]:
        """Returns what is left, in words."""
        assert self._facts is not None
        assert self._plan is not None
        facts, plan = self._facts, self._plan
        steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        if self.node.is_touched:
            steps.append(("its node in Ironic could not be put back", self.node.put_back))
        if self._override:
            before = from_disk(facts) if self._disk else _as_found(facts)
            steps.append(("the boot override is still set", lambda: self.bmc.override(before)))
        if self._disk:
            steps.append((NOT_OFF, lambda: self.bmc.power("Off", plan.off)))
        if self._slots:
            steps.append(("the medium could not be ejected", self.eject))
        if self._power and not self._disk and facts.power == "On":
            steps.append(
                ("it was on and could not be switched on again", lambda: self.bmc.power("On", plan.on))
            )
        for number, (words, step) in enumerate(steps):
            try:
                await step()
            except (Ended, ActivityError) as error:
                kind, said = failure_of(error) if isinstance(error, ActivityError) else ("", error.reason)
                self.left.append(f"{words}: {said}")
                if step == self.node.put_back or (kind == "Refused" and "credentials" in said):
                    self.left += [f"{later} (not tried)" for later, _ in steps[number + 1 :]]
                    break
        self.left += self.node.left
        if self._disk:
            is_off = not any(line.startswith(NOT_OFF) for line in self.left)
            now = "; it was left switched off" if is_off else ", and it may be running"
            self.left.append(f"its disks may hold half an installation{now}")
        elif self._pending:
            self.left.append(f"these settings come into force with its next boot: {self._pending}")
        return self.left


def _as_found(facts: BmcFacts) -> BootOverride:
    """Never again to a medium that is gone."""
    found = facts.override
    if found.enabled == "Disabled" or found.target in ("Cd", "UsbCd", "None"):
        return BootOverride(enabled="Disabled", target="None")
    return found
