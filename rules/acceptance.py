"""The checks of a site's acceptance, over several looks: a check passes when it passes in all of them."""

from collections.abc import Iterator
from datetime import timedelta

from models.acceptance import AcceptanceFacts, Check
from models.configuration import Change
from models.inventory import Host
from models.kubernetes import WantedCluster
from models.profile import SiteProfile

FAILED_APPS = frozenset({"upload-failed", "apply-failed", "remove-failed"})
IN_SERVICE = "unlocked-enabled-available"


def checks(
    profile: SiteProfile,
    declared: tuple[Host, ...],
    differences: tuple[Change, ...],
    looks: tuple[AcceptanceFacts, ...],
    certificate_days: int,
) -> tuple[Check, ...]:
    """Each check of the first look that fails in any look is shown as it failed."""
    sampled = [tuple(_of_look(profile, declared, look, certificate_days)) for look in looks]
    return (*worst(sampled), *_of_profile(profile, differences))


def not_asked(
    *,
    cluster: WantedCluster | None,
    openstack: tuple[str, ...] = (),
    probed: bool,
    written: bool,
    swacted: bool,
) -> tuple[str, ...]:
    """Said in every report, so that nobody takes it for more than it is. `written`: a claim was to be written
    to, which takes an image that can write. `openstack`: what was not asked of it."""
    left = []
    if cluster is None:
        left.append("Kubernetes: the inventory declares no `kubernetes` for the site")
    elif not probed:
        left.append("whether a pod gets what its node offers, and a claim its volume (--probe)")
    elif cluster.volumes and not written:
        left.append("whether a volume can be written to, and which CPUs a pod is pinned to (--image)")
    if cluster is None or not cluster.ceph:
        left.append("Ceph beyond what sysinv's storage backends and alarms say")
    left += openstack
    if not swacted:
        left.append("a swact and back (--swact)")
    return tuple(left)


def worst(sampled: list[tuple[Check, ...]]) -> tuple[Check, ...]:
    """Each check once, as it failed where it failed."""
    return tuple(min(each, key=lambda one: one.passed) for each in _by_name(sampled))


def _by_name(sampled: list[tuple[Check, ...]]) -> Iterator[list[Check]]:
    """The samples of each check; an alarm that was there once is a check of its own."""
    order: dict[str, list[Check]] = {}
    for look in sampled:
        for check in look:
            order.setdefault(check.name, []).append(check)
    yield from order.values()


def _of_look(
    profile: SiteProfile, declared: tuple[Host, ...], look: AcceptanceFacts, certificate_days: int
) -> Iterator[Check]:
    known = {host.name: host for host in look.hosts}
    for host in declared:
        now = known.get(host.name)
        state = f"{now.administrative}-{now.operational}-{now.availability}" if now else "not there"
        yield check("hosts", f"host {host.name}", state, IN_SERVICE)
    extra = sorted(set(known) - {host.name for host in declared})
    yield check("hosts", "hosts beyond the declared", ", ".join(extra) or "none", "none")
    holding = [alarm.key for alarm in look.alarms if alarm.mgmt_affecting]
    yield check("alarms", "management-affecting alarms", ", ".join(holding) or "none", "none")
    states = look.system.applications or {}
    for name in profile.applied:
        yield check("applications", f"application {name}", states.get(name, "not there"), "applied")
    failed = [f"{name} {status}" for name, status in states.items() if status in FAILED_APPS]
    yield check("applications", "failed applications", ", ".join(failed) or "none", "none")
    if profile.storage is not None:
        backend = profile.storage.backend
        state = (look.system.backends or {}).get(backend, "not there")
        yield check("storage", f"storage backend {backend}", state, "configured")
    until = look.clock + timedelta(days=certificate_days)
    for certificate in look.certificates:
        yield Check(
            name=f"certificate {certificate.name}",
            group="certificates",
            passed=certificate.expires >= until,
            found=f"good until {certificate.expires:%Y-%m-%d}",
            wanted=f"good until {until:%Y-%m-%d}",
        )


def _of_profile(profile: SiteProfile, differences: tuple[Change, ...]) -> Iterator[Check]:
    if not differences:
        yield check("profile", f"profile {profile.name}", "no difference", "no difference")
    for change in differences:
        where = f"{change.host}: " if change.host else ""
        yield check(
            "profile", f"{where}{change.section}: {change.subject}", change.found or "none", change.wanted
        )


def check(group: str, name: str, found: str, wanted: str) -> Check:
    return Check(name=name, group=group, passed=found == wanted, found=found, wanted=wanted)
