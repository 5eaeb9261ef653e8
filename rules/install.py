"""May this host be installed, and what will be done to it: decided from what was read, before any send.

Installing wipes. So a host is refused that is not provably the declared one, that answers where the installed
system would, or that sysinv calls unlocked; and a medium that somebody else has put in holds the run, because
somebody may be at work there.
"""

from dataclasses import dataclass

from models.bmc import AddressAnswer, BmcFacts, BootOverride, MediaSlot, file_of
from models.holds import SiteHold
from models.install import InstallHostRequest
from models.outcome import Outcome
from models.site import Observation
from rules import quirks

VIM_AT_WORK = frozenset({"building", "applying", "aborting"})


@dataclass(frozen=True)
class Gate:
    """`outcome` ends the run with it; `waits` holds it until it passes; neither lets it go on."""

    why: str = ""
    outcome: Outcome | None = None
    waits: bool = False
    hold: SiteHold | None = None
    """Whoever waits for the site otherwise need not wait here."""


PASSED = Gate()


@dataclass(frozen=True)
class Plan:
    """What is done to the machine once every gate has passed."""

    drives: tuple[MediaSlot, ...]
    target: str
    mode: str | None
    off: tuple[str, ...]
    on: tuple[str, ...]
    occupied: tuple[MediaSlot, ...]
    """Drives that are emptied first."""


def quiet_gate(site: str, seen: Observation) -> Gate:
    """Nobody is at work: neither a freeze nor the site's own VIM holds."""
    if not seen.in_inventory:
        return Gate(f"the inventory has no site {site}", Outcome.REFUSED)
    if seen.elsewhere:
        return Gate(seen.elsewhere, Outcome.REFUSED)
    if seen.frozen:
        return Gate(f"the fleet is frozen: {seen.frozen}", Outcome.BLOCKED, waits=True)
    strategy = seen.site.strategy if seen.site is not None else None
    if strategy is not None and strategy.state in VIM_AT_WORK:
        return Gate(f"the VIM of {site} is {strategy.state} {strategy.uuid}", Outcome.BLOCKED, waits=True)
    return PASSED


def site_gate(request: InstallHostRequest, seen: Observation) -> Gate:
    """What the fleet and the site itself say. A silent site is none of them: it may not exist yet."""
    if request.wipe is not None and request.wipe != request.path:
        return Gate(f"wipe names {request.wipe}, and this is {request.path}", Outcome.REFUSED)
    gate = quiet_gate(request.site, seen)
    if gate.outcome is not None or seen.site is None or request.over_what_runs:
        return gate
    for host in seen.site.hosts:
        if host.name == request.host and host.administrative != "locked":
            return Gate(f"sysinv of {request.site} says {host.says}: lock it first", Outcome.REFUSED)
    return PASSED


def host_gate(
    request: InstallHostRequest, facts: BmcFacts, address: AddressAnswer, *, sysinv_answers: bool = True
) -> Gate:
    """What BMC and address say of the host."""
    complaint = identity_complaint(facts) or _untold_use(request, facts, address, sysinv_answers)
    if complaint:
        return Gate(f"{request.path}: {complaint}", Outcome.REFUSED)
    if address.answers and not request.over_what_runs:
        said = f" ({address.banner})" if address.banner else ""
        return Gate(f"{request.path} answers at {address.address}{said}: it is in use", Outcome.REFUSED)
    for trouble in (quirks.no_drive(facts), _no_way_to_boot(facts)):
        # Ironic finds its own way to boot an image.
        if trouble and request.through == "redfish":
            return Gate(f"{request.path}: {trouble}", Outcome.REFUSED)
    foreign = [slot.image or "something" for slot in facts.slots if _is_foreign(request, facts, slot)]
    if foreign and not request.take_medium:
        return Gate(
            f"{request.path}: a virtual drive holds {', '.join(foreign)}, which is not ours; eject it, or "
            "start again with take_medium",
            Outcome.BLOCKED,
        )
    return PASSED


def identity_complaint(facts: BmcFacts) -> str:
    """Why the machine behind the BMC is not provably the declared one; empty when it is."""
    declared, found = facts.declared, facts.identity
    compared = 0
    pairs = (
        ("serial number", declared.serial, (found.serial,)),
        ("UUID", declared.uuid, (found.uuid,)),
        ("MAC", declared.mac, found.macs),
    )
    for words, wanted, said in pairs:
        answers = [each for each in said if each]
        if not wanted or not answers:
            continue
        compared += 1
        if wanted.lower() not in [each.lower() for each in answers]:
            return f"the inventory says {words} {wanted}, its BMC says {', '.join(answers)}"
    if compared:
        return ""
    declared_any = [words for words, wanted, _ in pairs if wanted]
    if not declared_any:
        return (
            "the inventory declares neither serial, uuid nor mac, so the machine cannot be told from another"
        )
    return f"its BMC tells no {' and no '.join(declared_any)}, so the machine cannot be told from another"


def plan(request: InstallHostRequest, facts: BmcFacts) -> Plan:
    """After the gates. The mode is touched only where the machine boots Legacy and may boot UEFI."""
    mode = "UEFI" if facts.override.mode == "Legacy" and "UEFI" in facts.boot_modes else None
    return Plan(
        drives=quirks.drives(facts),
        target=quirks.boot_target(facts),
        mode=mode,
        off=quirks.reset_kinds("Off", facts.reset_types),
        on=quirks.reset_kinds("On", facts.reset_types),
        occupied=tuple(slot for slot in facts.slots if slot.inserted),
    )


def from_disk(facts: BmcFacts) -> BootOverride:
    """What makes the next boot come from the disk, on BMCs that keep an override for ever."""
    if "Hdd" in facts.boot_targets:
        return BootOverride(enabled="Continuous", target="Hdd")
    return BootOverride(enabled="Disabled", target="None")


def warnings(facts: BmcFacts) -> tuple[str, ...]:
    """What the report has to say beside the outcome."""
    if facts.unverified:
        return ("the BMC's certificate was not verified: the inventory says `unverified`",)
    return ()


def not_installed(request: InstallHostRequest, facts: BmcFacts, words: str) -> str:
    """Why an installation counts as failed when its proof did not come."""
    missed = {
        "ssh": f"does not answer by SSH at {facts.declared.oam}",
        "phone-home": "has not called home",
        "sysinv": f"is not installed by what sysinv of {request.site} says",
    }[request.proof]
    return f"{request.path} {missed}; {words}"


def proven(request: InstallHostRequest) -> str:
    """What the proof came to, after what was installed."""
    return {
        "ssh": "is installed and answers",
        "phone-home": "is installed and has called home",
        "sysinv": f"is installed, as sysinv of {request.site} says",
    }[request.proof]


def _untold_use(
    request: InstallHostRequest, facts: BmcFacts, address: AddressAnswer, sysinv_answers: bool
) -> str:
    """Why nobody can tell whether it is in use, or later whether it is installed."""
    if address.address:
        return ""
    if request.proof == "ssh":
        return (
            "the inventory declares no oam address for it: where the installed system answers cannot be "
            "told, neither before nor after; declare one, or take another proof (phone-home, sysinv)"
        )
    if facts.power != "Off" and not sysinv_answers:
        return (
            f"it is {facts.power}, sysinv of {request.site} is silent and no oam address is declared, so "
            "whether it is in use cannot be told: switch it off first"
        )
    return ""


def _no_way_to_boot(facts: BmcFacts) -> str:
    if not quirks.boot_target(facts):
        return f"its BMC can boot from {', '.join(facts.boot_targets)}, none of which is a virtual CD"
    if not facts.reset_path:
        return "its BMC has no ComputerSystem.Reset"
    for want in ("Off", "On"):
        if not quirks.reset_kinds(want, facts.reset_types):
            return f"its BMC has no reset that turns it {want.lower()}: {', '.join(facts.reset_types)}"
    return ""


def _is_foreign(request: InstallHostRequest, facts: BmcFacts, slot: MediaSlot) -> bool:
    ours = {*facts.ours, *([file_of(request.image)] if request.image else [])}
    return slot.inserted and file_of(slot.image) not in ours
