"""What the activities on a site's configuration ask the rules: the module is the port `models.comparison`."""

from models.configuration import FoundHost, FoundSystem, Section
from models.edits import Edit
from models.material import Material
from models.profile import SiteProfile
from rules.acceptance import checks
from rules.bringup import host_complaints, in_order
from rules.cluster import wanted_cluster
from rules.configuration import applications as of_applications
from rules.configuration import complaints as of_profile
from rules.configuration import files as of_files
from rules.configuration import host as of_host
from rules.configuration import site as of_site
from rules.configuration import storage as of_storage
from rules.settling import unsettled

__all__ = [
    "checks",
    "complaints",
    "host_complaints",
    "host_edits",
    "in_order",
    "site_edits",
    "unsettled",
    "wanted_cluster",
]


def site_edits(section: Section, profile: SiteProfile, material: Material, found: FoundSystem) -> list[Edit]:
    by_files = of_files.DIFFERENCE.get(section)
    if by_files is not None:
        return list(by_files(profile, material, found))
    return list(of_site.DIFFERENCE[section](profile, found))


def host_edits(section: Section, profile: SiteProfile, host: FoundHost, site: FoundSystem) -> list[Edit]:
    by_backend = of_storage.DIFFERENCE.get(section)
    if by_backend is not None:
        return list(by_backend(profile, host, site))
    return list(of_host.DIFFERENCE[section](profile.role(host.personality), host, site))


def complaints(
    profile: SiteProfile, material: Material, site: FoundSystem, hosts: tuple[FoundHost, ...]
) -> tuple[str, ...]:
    said = [*material.complaints, *of_profile.of_site(profile, site)]
    said += of_applications.complaints(profile, material, site)
    for host in hosts:
        said += of_profile.of_host(profile.role(host.personality), host)
    return tuple(said)
