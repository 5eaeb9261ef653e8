"""Reads the files that a profile names: what they are compared by, and what is wrong with them.

Nothing of a key leaves this module. What cannot be read or cannot be what it is declared as is a complaint of
the plan, before the first change, in the words of the file's reference.
"""

from datetime import datetime
from typing import Any

from cryptography import x509

from activities.starlingx.sysinv import packages
from activities.starlingx.sysinv.files import Files, Unfit, license_digest
from inventory.secrets import SecretError
from models.material import CertificateMaterial, Material
from models.profile import SiteProfile
from models.profile_services import AUTHORITIES, CertificateFile

KEY_BEGINS = "PRIVATE KEY-----"
LONGEST_SIGNATURE = 255
"""sysinv cuts them there."""


def read(profile: SiteProfile, files: Files, now: datetime) -> Material:
    complaints: list[str] = []
    certificates: list[CertificateMaterial] = []
    for wanted in profile.certificates:
        try:
            certificates.append(_certificate(wanted, files.secret(wanted.file), now))
        except (SecretError, Unfit) as error:
            complaints.append(f"certificates: {wanted.type}: {error}")
    digest = ""
    if profile.license is not None:
        try:
            digest = license_digest(files.secret(profile.license))
        except SecretError as error:
            complaints.append(f"license: {error}")
    versions: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    for application in profile.applications:
        try:
            if application.file is not None:
                path = files.path(application.file)
                versions[application.name] = packages.version_of(application, path)
            for each in application.overrides:
                found = packages.values_of(files.secret(each.values), each.values)
                values[f"{application.name}/{each.namespace}/{each.chart}"] = found
        except (SecretError, Unfit) as error:
            complaints.append(f"applications: {application.name}: {error}")
    return Material(
        certificates=tuple(certificates),
        license=digest,
        versions=versions,
        values=values,
        complaints=tuple(complaints),
    )


def _certificate(wanted: CertificateFile, pem: str, now: datetime) -> CertificateMaterial:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise Unfit(f"{wanted.file} holds no certificate in PEM form") from None
    first = found[0]
    if wanted.type not in AUTHORITIES and KEY_BEGINS not in pem:
        raise Unfit(f"{wanted.file} holds no private key; it stands in the same file as the certificate")
    for number, each in enumerate(found, 1):
        if not each.not_valid_before_utc <= now < each.not_valid_after_utc:
            valid = f"{each.not_valid_before_utc:%Y-%m-%d} to {each.not_valid_after_utc:%Y-%m-%d}"
            raise Unfit(f"certificate {number} of {wanted.file} is valid from {valid}")
        must_be_authority = wanted.type in AUTHORITIES or number > 1
        if must_be_authority != _is_authority(each):
            kind = "an authority" if must_be_authority else "a certificate of a server, not of an authority"
            raise Unfit(f"certificate {number} of {wanted.file} must be {kind}")
    return CertificateMaterial(
        type=wanted.type,
        signatures=tuple(f"{wanted.type}_{each.serial_number}"[:LONGEST_SIGNATURE] for each in found),
        expires=first.not_valid_after_utc,
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
