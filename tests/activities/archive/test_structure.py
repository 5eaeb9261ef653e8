"""The platform's archive is read to its end; what is no archive of one is told in words."""

import io
import tarfile
from collections.abc import Iterator

from activities.archive.structure import content_of

NAME = "platform/x_platform_backup_1.tgz"


def tar(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5000
            archive.addfile(member, io.BytesIO(name.encode().ljust(5000, b"x")))
    return file.getvalue()


def pieces(content: bytes, size: int = 700) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def test_a_platforms_archive_is_one_whatever_the_pieces() -> None:
    content = tar("etc/platform/platform.conf", "opt/platform/sysinv/26.03/sysinv.conf")
    for size in (1, 7, 700, 10**6):
        found = content_of(NAME, pieces(content, size))
        assert (found.kind, found.members) == ("platform", 2)


def test_one_that_breaks_off_or_is_another_is_told() -> None:
    whole = tar("etc/platform/platform.conf", *(f"home/{number}" for number in range(200)))
    short = content_of(NAME, pieces(whole[: len(whole) // 2]))
    assert (short.kind, "breaks off" in short.words) == ("unreadable", True)
    other = content_of(NAME, pieces(tar("home/sysadmin/notes")))
    assert (other.kind, "below /etc" in other.words) == ("unreadable", True)
    assert content_of(NAME, pieces(b"<html>not found</html>")).kind == "unreadable"
    assert content_of(NAME, iter(())).kind == "unreadable"


def test_an_encrypted_one_is_said_to_be() -> None:
    assert content_of(NAME + ".gpg", pieces(tar("etc/x"))).kind == "encrypted"
    assert content_of(NAME, pieces(b"\x8c\x0d\x04\x09")).kind == "encrypted"
