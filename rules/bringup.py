"""May a site be configured now, and in which order do its hosts come into service."""

from models.bringup import BringUpRequest, ConfigurationPlan, PlannedHost
from models.configuration import Change
from models.inventory import Host
from models.outcome import Outcome
from models.profile import SiteProfile
from models.site import Observation
from rules.install import PASSED, Gate, quiet_gate
from rules.leftovers import left_out

RANK = {"controller": 0, "storage": 1, "worker": 2}
"""Storage before workers, controllers before both (StarlingX installation guides, all topologies)."""


def site_gate(site: str, seen: Observation) -> Gate:
    """Somebody is at work, nobody answers, or it is another cloud: nothing is configured."""
    gate = quiet_gate(site, seen)
    if gate.outcome is not None:
        return gate
    if seen.refusal:
        return Gate(f"{site} does not accept us: {seen.refusal}", Outcome.REFUSED)
    if seen.controller is None or seen.site is None:
        who = site if seen.controller is not None else "the system controller"
        return Gate(f"no answer from {who}: {seen.silence}", Outcome.UNREACHABLE, waits=True)
    if seen.site.region != seen.controller.region:
        return Gate(
            f"{site}: dcmanager says region {seen.controller.region or 'none'}, the cloud that answers is "
            f"{seen.site.region}; nothing was sent",
            Outcome.REFUSED,
        )
    deployment = seen.site.deployment
    if deployment is not None:
        words = f"{deployment.from_release} -> {deployment.to_release} at {deployment.state}"
        return Gate(f"a software deployment stands there: {words}", Outcome.BLOCKED, waits=True)
    return PASSED


def change_gate(site: str, seen: Observation) -> Gate:
    """As `site_gate`, for changes that do not put right what a terminated run of ours has left."""
    gate = site_gate(site, seen)
    left = left_out(site, seen)
    if gate.outcome is None and left:
        return Gate(left, Outcome.BLOCKED, waits=True)
    return gate


def unnamed_wipes(request: BringUpRequest, plan: ConfigurationPlan) -> tuple[str, ...]:
    """Hosts that would be installed, and so wiped, without anybody having named them."""
    paths = [f"{plan.site}/{host.name}" for host in plan.hosts if not host.installed]
    return tuple(path for path in paths if path not in request.wipe)


DELETED = "deleted"
"""What is wanted of an application that goes from the site."""


def sets_values(change: Change) -> bool:
    """Of an application: they count with its next apply."""
    return change.section == "applications" and " values of " in change.subject


def in_lock_order(hosts: tuple[PlannedHost, ...]) -> tuple[PlannedHost, ...]:
    """The standby controller, the active one (after a swact), storage, workers."""
    return tuple(sorted(hosts, key=lambda host: (RANK[host.personality], host.active, host.name)))


def in_order(hosts: tuple[Host, ...], profile: SiteProfile) -> tuple[Host, ...]:
    """controller-0 first, as it serves the others; then by role, the worker with a monitor first, by name."""
    monitor = profile.storage.monitor if profile.storage else None
    return tuple(sorted(hosts, key=lambda host: (RANK[host.personality], host.name != monitor, host.name)))


def host_complaints(hosts: tuple[Host, ...], names: dict[str, str], serving: str) -> tuple[str, ...]:
    """Who cannot be brought in, or is another machine; `names` are sysinv's by MAC, `serving` is the host
    that serves the API: after a bootstrap it is known by no MAC of its own."""
    macs = {name: mac for mac, name in names.items()}
    said = []
    for host in hosts:
        mac = (host.mac or "").lower()
        if host.name not in macs and host.name != serving and not mac:
            said.append(f"{host.name}: no mac is declared; sysinv knows a host by it that is to come")
        elif mac and names.get(mac, host.name) != host.name:
            said.append(f"{host.name}: its MAC {mac} is that of {names[mac]} on the site")
        elif mac and host.name != serving and macs.get(host.name, mac) != mac:
            said.append(f"{host.name}: it has MAC {macs[host.name]} on the site, declared is {mac}")
    return tuple(said)


def in_turns(
    hosts: tuple[PlannedHost, ...],
) -> tuple[PlannedHost, list[PlannedHost], list[list[PlannedHost]]]:
    """The host that serves the site; those that come one by one; the workers, each list of them together.

    The worker with the third monitor comes alone: sysinv unlocks no other one before."""
    first, *rest = hosts
    workers = [host for host in rest if host.personality == "worker"]
    alone = [host for host in workers if host.third_monitor]
    together = [host for host in workers if not host.third_monitor]
    turns = [turn for turn in (alone, together) if turn]
    return first, [host for host in rest if host.personality != "worker"], turns
