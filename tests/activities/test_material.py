"""What the files of a profile are compared by, and what is wrong with them before anything is sent."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from activities.starlingx.sysinv import material
from activities.starlingx.sysinv.files import Files, license_digest
from inventory.secrets import SecretError
from models.material import Material
from models.profile import SiteProfile
from tests.support.certificates import pem
from tests.support.packages import package


def read(files: dict[str, str], folder: Path = Path(), **sections: object) -> Material:
    def secret(reference: str) -> str:
        if reference not in files:
            raise SecretError(f"{reference}: there is no such file")
        return files[reference]

    profile = SiteProfile.model_validate({"name": "edge", **sections})
    return material.read(profile, Files(secret, folder.joinpath), datetime.now(UTC))


def of(kind: str, text: str) -> Material:
    return read({"file:c.pem": text}, certificates=[{"type": kind, "file": "file:c.pem"}])


def test_a_certificate_is_known_by_its_type_and_serial_number() -> None:
    server, authority = pem("a"), pem("ca", authority=True)
    (found,) = of("ssl", server + authority).certificates
    serials = [each.serial_number for each in x509.load_pem_x509_certificates((server + authority).encode())]
    assert found.signatures == tuple(f"ssl_{serial}" for serial in serials)
    assert "PRIVATE" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("ssl", "nonsense", "certificates: ssl: file:c.pem holds no certificate in PEM form"),
        ("ssl", pem(key=False), "certificates: ssl: file:c.pem holds no private key"),
        ("ssl", pem(days=-1, begun=9), "certificate 1 of file:c.pem is valid from"),
        ("ssl", pem(begun=-1), "certificate 1 of file:c.pem is valid from"),
        ("ssl", pem() + pem(key=False), "certificate 2 of file:c.pem must be an authority"),
        ("ssl_ca", pem(), "certificate 1 of file:c.pem must be an authority"),
        (
            "docker_registry",
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n" + pem(authority=True),
            "certificate 1 of file:c.pem must be a certificate of a server",
        ),
    ],
)
def test_a_file_that_cannot_be_what_it_is_declared_as_is_a_complaint(
    kind: str, text: str, complaint: str
) -> None:
    found = of(kind, text)
    assert found.certificates == ()
    (said,) = found.complaints
    assert complaint in said


def test_a_file_that_is_not_there_is_a_complaint() -> None:
    found = read({}, certificates=[{"type": "ssl", "file": "file:c.pem"}], license="file:l.lic")
    assert found.complaints == (
        "certificates: ssl: file:c.pem: there is no such file",
        "license: file:l.lic: there is no such file",
    )


def test_a_package_says_which_version_it_is(tmp_path: Path) -> None:
    package(tmp_path / "demo.tgz", version="2.0-5")
    found = read({}, tmp_path, applications=[{"name": "demo-app", "file": "demo.tgz"}])
    assert (found.versions, found.complaints) == ({"demo-app": "2.0-5"}, ())


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ({"name": "demo-app", "file": "no.tgz"}, "no.tgz cannot be read: No such file or directory"),
        ({"name": "demo-app", "file": "text.tgz"}, "text.tgz cannot be read: it is no gzipped tarball"),
        ({"name": "other", "file": "demo.tgz"}, "demo.tgz holds demo-app 1.0-1, declared is other"),
        (
            {"name": "demo-app", "file": "demo.tgz", "version": "2"},
            "demo.tgz holds demo-app 1.0-1, declared is demo-app 2",
        ),
        (
            {
                "name": "demo-app",
                "file": "demo.tgz",
                "overrides": [{"chart": "c", "namespace": "n", "values": "file:list.yaml"}],
            },
            "file:list.yaml: expected a mapping of values",
        ),
        (
            {
                "name": "demo-app",
                "file": "demo.tgz",
                "overrides": [{"chart": "c", "namespace": "n", "values": "file:odd.yaml"}],
            },
            "file:odd.yaml, line 3: no YAML",
        ),
    ],
)
def test_a_package_or_values_that_cannot_be_are_a_complaint(
    tmp_path: Path, declared: dict[str, object], complaint: str
) -> None:
    package(tmp_path / "demo.tgz")
    (tmp_path / "text.tgz").write_text("nonsense")
    files = {"file:list.yaml": "- 1", "file:odd.yaml": "a: 1\nb: [\n"}
    (said,) = read(files, tmp_path, applications=[declared]).complaints
    assert complaint in said


def test_blanks_and_line_ends_make_no_other_licence() -> None:
    assert license_digest("a b\r\nc\n") == license_digest("a b\nc")
    assert license_digest("a b\nd") != license_digest("a b\nc")
    assert license_digest(" \n") == ""
