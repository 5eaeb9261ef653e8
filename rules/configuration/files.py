"""What differs between the files that a profile names and what a site has installed.

A certificate is told by its signature, a licence by its digest. Authorities (`ssl_ca`) stand beside each
other and are only added; any other certificate takes the place of the one of its type.
"""

from collections.abc import Callable, Iterator

from models.configuration import Change, FoundSystem, Section
from models.edits import Edit, InstallCertificate, InstallLicense
from models.material import Material
from models.profile import SiteProfile
from rules.configuration.applications import applications

SHOWN = 12
"""Digits of a digest that tell two licences apart."""


def certificates(profile: SiteProfile, material: Material, found: FoundSystem) -> Iterator[Edit]:
    known = found.certificates or {}
    for number, (wanted, held) in enumerate(zip(profile.certificates, material.certificates, strict=False)):
        now = known.get(wanted.type, ())
        needed = held.signatures if wanted.type == "ssl_ca" else held.signatures[:1]
        missing = [signature for signature in needed if signature not in now]
        if not missing:
            continue
        same = [each.type for each in profile.certificates[:number]].count(wanted.type)
        change = Change(
            section="certificates",
            subject=f"{wanted.type} {same + 1}" if same else wanted.type,
            found="" if wanted.type == "ssl_ca" else ", ".join(now),
            wanted=", ".join(missing),
        )
        yield InstallCertificate(change, wanted)


def license_file(profile: SiteProfile, material: Material, found: FoundSystem) -> Iterator[Edit]:
    if profile.license is not None and material.license and found.license != material.license:
        change = Change(
            section="license",
            subject="file",
            found=(found.license or "")[:SHOWN],
            wanted=material.license[:SHOWN],
        )
        yield InstallLicense(change, profile.license)


DIFFERENCE: dict[Section, Callable[[SiteProfile, Material, FoundSystem], Iterator[Edit]]] = {
    "certificates": certificates,
    "license": license_file,
    "applications": applications,
}
