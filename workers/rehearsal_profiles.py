"""A site's profile in a rehearsal: what it says is kept, what it names beside itself is stood in for.

Settings, interfaces, labels, storage and the like are the real ones, so that a profile which contradicts the
platform does so here. Certificates and licences are the rehearsal's own, applications are packages that lie
on the simulated controllers, and Helm values are left out. Machines are given the ports and disks that the
profile names: whether the real ones have them nobody was asked.
"""

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from models.applications import Application
from models.inventory import Site
from models.profile import SiteProfile
from models.profile_services import AUTHORITIES
from workers.rehearsal_kinds import Setting

KNOWN = ("platform-integ-apps", "cert-manager", "nginx-ingress-controller")
"""Applications that every simulated site has."""
ONCE_BOOTSTRAPPED = ("rook-ceph", "oidc-auth-apps", "node-feature-discovery")
"""And those that one has which begins bootstrapped."""
PACKAGES = "/usr/local/share/applications/helm"
LICENCE = "licence"
_VALID = datetime.timedelta(days=365)
_NO_VERSION = "1.0-1"


def stood_in(profile: SiteProfile, setting: Setting) -> dict[str, Any]:
    """As the rehearsal's inventory declares it."""
    known = KNOWN + (ONCE_BOOTSTRAPPED if "--bootstrapped" in setting.options else ())
    document: dict[str, Any] = profile.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["certificates"] = [
        {"type": each.type, "file": f"file:{_pem(each.type)}"} for each in profile.certificates
    ]
    if profile.license is not None:
        document["license"] = f"file:{LICENCE}"
    document["applications"] = [_application(each, known) for each in profile.applications]
    return document


def _application(application: Application, known: tuple[str, ...]) -> dict[str, Any]:
    name = application.name
    if application.state != "applied":
        return {"name": name, "state": application.state}
    if name in known and not application.has_source:
        return {"name": name}
    source = application.file or application.url or application.path or ""
    package = source.rpartition("/")[2].removesuffix(".tgz").removesuffix(".tar.gz")
    version = application.version or package.removeprefix(f"{name}-") or _NO_VERSION
    return {"name": name, "version": version, "path": f"{PACKAGES}/{name}-{version}.tgz"}


def only_locked(profile: dict[str, Any]) -> dict[str, Any]:
    """Of a declared profile what can need a locked host, and what that refers to."""
    parts = ("name", "datanetworks", "ptp", "storage", "roles")
    vswitch = {key: value for key, value in profile.get("system", {}).items() if key == "vswitch"}
    return {key: profile[key] for key in parts if key in profile} | {"system": vswitch}


def write_files(profiles: list[SiteProfile], folder: Path) -> None:
    """What the profiles refer to."""
    for kind in {each.type for profile in profiles for each in profile.certificates}:
        _write(folder / _pem(kind), _certificate(is_authority=kind in AUTHORITIES))
    if any(profile.license is not None for profile in profiles):
        _write(folder / LICENCE, b"a rehearsal's\n")


def _pem(kind: str) -> str:
    return f"{kind}.pem"


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _certificate(*, is_authority: bool) -> bytes:
    """Self-signed, PEM, with its key unless it is an authority's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    if is_authority:
        return pem
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem + private


def ports_of(profile: SiteProfile | None, personality: str, setting: Setting) -> list[str]:
    """Names of a host's ports, in the order in which a simulated site gives them their networks: a host that
    is installed over the network has management on the first, one in service OAM before that."""
    if profile is None:
        return []
    in_service = "--bootstrapped" not in setting.options
    first = ("oam", "mgmt") if in_service else ("mgmt", "oam")

    def rank(networks: tuple[str, ...], ifclass: str) -> int:
        of = [first.index(each) for each in networks if each in first]
        return min(of) if of else 2 + (ifclass != "pci-sriov")

    interfaces = [each for each in profile.role(personality).interfaces if each.port]
    carried = {name: each.networks for each in profile.role(personality).interfaces for name in each.over}
    ranked = sorted(
        interfaces, key=lambda each: rank(each.networks or carried.get(each.name, ()), each.ifclass)
    )
    return list(dict.fromkeys(each.port for each in ranked if each.port))


def disks_of(profile: SiteProfile | None, personality: str) -> list[str]:
    return list(profile.role(personality).osds) if profile is not None else []


def profile_of(site: Site, profiles: tuple[SiteProfile, ...]) -> SiteProfile | None:
    return next((each for each in profiles if each.name == site.profile), None)
