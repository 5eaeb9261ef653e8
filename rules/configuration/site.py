"""What differs between a profile and a site, apart from its hosts.

Nothing is ever taken away here: a data network, a parameter or a backend that nobody declared may be somebody
else's, and what uses it would be gone with it.
"""

from collections.abc import Callable, Iterator

from models.configuration import Change, FoundSystem, Section
from models.edits import (
    AddBackend,
    AddDataNetwork,
    Edit,
    ResizeDataNetwork,
    SetParameter,
    SetReplication,
    SetServers,
    SetSystem,
)
from models.profile import SiteProfile
from rules.configuration import ptp


def system(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    for field, wanted in profile.system.model_dump(exclude_none=True).items():
        now = getattr(found, field)
        if now != wanted:
            change = Change(section="system", subject=field, found=now, wanted=wanted)
            yield SetSystem(change, found.uuid, field, wanted)


def dns(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    yield from _servers("dns", profile.dns, found.dns, found.dns_uuid)


def ntp(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    yield from _servers("ntp", profile.ntp, found.ntp, found.ntp_uuid)


def datanetworks(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    known = found.datanetworks or {}
    for network in profile.datanetworks:
        if network.name not in known:
            change = Change(section="datanetworks", subject=network.name, found="", wanted=network.type)
            yield AddDataNetwork(change, network)
            continue
        uuid, _, mtu = known[network.name]
        if network.mtu is not None and mtu != network.mtu:
            change = Change(
                section="datanetworks",
                subject=f"{network.name} mtu",
                found=str(mtu),
                wanted=str(network.mtu),
            )
            yield ResizeDataNetwork(change, uuid, network.mtu)


def service_parameters(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    known = {(each.service, each.section, each.name): each for each in found.parameters or ()}
    for wanted in profile.service_parameters:
        now = known.get((wanted.service, wanted.section, wanted.name))
        if now is None or now.value != wanted.value:
            change = Change(
                section="service parameters",
                subject=f"{wanted.service} {wanted.section} {wanted.name}",
                found=now.value if now else "",
                wanted=wanted.value,
            )
            yield SetParameter(change, now.uuid if now else "", wanted)


def storage(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    wanted = profile.storage
    if wanted is not None and wanted.backend not in (found.backends or {}):
        change = Change(section="storage", subject="backend", found="", wanted=wanted.backend)
        yield AddBackend(change, wanted)
    if wanted is None or wanted.replication is None or wanted.backend not in (found.replication or {}):
        return
    uuid, now = (found.replication or {})[wanted.backend]
    if now != wanted.replication:
        change = Change(
            section="storage", subject="replication", found=str(now or ""), wanted=str(wanted.replication)
        )
        yield SetReplication(change, wanted.backend, uuid, wanted.replication)


def _servers(
    section: Section, wanted: tuple[str, ...] | None, found: tuple[str, ...] | None, uuid: str
) -> Iterator[Edit]:
    if wanted is not None and wanted != (found or ()):
        change = Change(
            section=section,
            subject="servers",
            found=", ".join(found or ()),
            wanted=", ".join(wanted) or "none",
        )
        yield SetServers(change, section, uuid, wanted)


DIFFERENCE: dict[Section, Callable[[SiteProfile, FoundSystem], Iterator[Edit]]] = {
    "system": system,
    "dns": dns,
    "ntp": ntp,
    "datanetworks": datanetworks,
    "ptp": ptp.of_site,
    "service parameters": service_parameters,
    "storage": storage,
}
