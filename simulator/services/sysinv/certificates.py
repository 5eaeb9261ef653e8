"""Installed certificates, and those that the platform keeps in Kubernetes (config, 2026-08).

Installing takes a PEM in a form and answers 200 in any case: what is wrong stands in `error`. A certificate
of a mode takes the place of the one before it; authorities (`ssl_ca`) stand beside each other.
"""

import urllib.parse
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from simulator.cloud.cloud import Cloud
from simulator.cloud.site_rows import Certificate
from simulator.services.envelope import routing_404
from simulator.services.sysinv.form import fields
from simulator.wire.http import Json, Reply, Request, json_reply

PATHS = ("get_all_certs", "get_all_k8s_certs", "certificate_install")
MODES = ("ssl", "ssl_ca", "docker_registry", "openstack", "openstack_ca", "openldap", "openldap_ca")
_CHAINS = ("ssl", "docker_registry", "openldap", "openstack")
_AUTHORITIES = ("ssl_ca", "openstack_ca", "openldap_ca")
_SECRETS = {
    "ssl": "system-restapi-gui-certificate",
    "docker_registry": "system-registry-local-certificate",
    "openldap": "system-openldap-local-certificate",
}
"""What cert-manager calls those that the platform issues for itself."""


def handle(cloud: Cloud, request: Request, name: str) -> Reply:
    """Serve what is below /v1/certificate and is no row."""
    if name == "certificate_install" and request.method == "POST":
        return json_reply(_install(cloud, fields(request)))
    if request.method == "GET" and name != "certificate_install":
        return json_reply(_all(cloud, request))
    return routing_404()


def _install(cloud: Cloud, form: dict[str, bytes]) -> Json:
    mode = form.get("mode", b"ssl").decode() or "ssl"
    if mode not in MODES:
        return {"success": "", "error": f"Invalid mode: {mode}"}
    try:
        found = x509.load_pem_x509_certificates(form.get("file", b""))
    except ValueError as error:
        return {"success": "", "error": f"No certificates have been added, invalid PEM document: {error}"}
    wrong = _unfit(mode, found)
    if wrong:
        return {"success": "", "error": wrong}
    if mode not in _AUTHORITIES:
        # The authorities that signed it come with it and get no rows of their own.
        found = found[:1]
    rows = [_stored(cloud, mode, one) for one in found]
    return {
        "success": "",
        "error": "",
        "body": "",
        "certificates": [row.wire() for row in rows],
    }


def _unfit(mode: str, found: list[x509.Certificate]) -> str:
    """Why these certificates cannot be of this mode; empty when they can."""
    now = datetime.now(UTC)
    for number, one in enumerate(found):
        if not one.not_valid_before_utc < now < one.not_valid_after_utc:
            return (
                f"certificate is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M:%S} nor after "
                f"{one.not_valid_after_utc:%Y-%m-%d %H:%M:%S}"
            )
        if mode == "ssl_ca" and not _is_authority(one):
            return "Cannot install non-CA type certificate as SSL CA certificate"
        if mode in _CHAINS and number == 0 and _is_authority(one):
            return "The first cert in the file should not be a CA cert"
        if mode in _CHAINS and number and not _is_authority(one):
            return f"Number {number + 1} cert in the file should be a CA cert"
    return ""


def _is_authority(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _stored(cloud: Cloud, mode: str, found: x509.Certificate) -> Certificate:
    signature = f"{mode}_{found.serial_number}"
    for row in list(cloud.tables.matching(Certificate, certtype=mode)):
        if mode != "ssl_ca" or row.signature == signature:
            cloud.tables.drop(row)
    return cloud.tables.new(
        Certificate,
        certtype=mode,
        issuer=found.issuer.rfc4514_string(),
        signature=signature,
        start_date=found.not_valid_before_utc.isoformat(),
        expiry_date=found.not_valid_after_utc.isoformat(),
        subject=found.subject.rfc4514_string(),
    )


def _all(cloud: Cloud, request: Request) -> Json:
    """By name, with the fields that `system certificate-list` prints."""
    shown: dict[str, Any] = {}
    for row in cloud.tables.of(Certificate):
        left = (datetime.fromisoformat(row.expiry_date) - datetime.now(UTC)).days
        soon = request.query.get("soon_to_expiry")
        if request.query.get("expired", "").lower() == "true" and left >= 0:
            continue
        if soon and left > int(urllib.parse.unquote(soon)):
            continue
        name = _SECRETS.get(row.certtype, row.certtype)
        shown[name] = {
            "Residual Time": f"{left}d",
            "Validity": {"Not Before": row.start_date, "Not After": row.expiry_date},
            "Issuer": row.issuer,
            "Subject": row.subject,
            "Namespace": "deployment",
            "Secret": name,
            "Renewal": "Automatic" if row.certtype in _SECRETS else "Manual",
            "Secret Type": "kubernetes.io/tls",
        }
    return shown
