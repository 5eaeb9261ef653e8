"""Which files make an upload."""

import pytest
from pydantic import ValidationError

from models.upload import UploadReleaseRequest


def asked(*files: str) -> UploadReleaseRequest:
    return UploadReleaseRequest(site="sc-1", release="starlingx-26.09.0", files=files)


@pytest.mark.parametrize("files", [("/a/b.patch",), ("/a/b.iso", "/c/b.sig"), ("/c/b.sig", "/a/b.iso")])
def test_a_patch_or_an_iso_with_its_signature(files: tuple[str, ...]) -> None:
    assert asked(*files).files == files


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("/a/b.iso",), "found .iso"),
        (("/a/b.patch", "/a/c.patch"), "found .patch, .patch"),
        (("/a/b.tar",), "found .tar"),
        (("b.patch",), "should match pattern"),
        ((), "found none"),
    ],
)
def test_anything_else_is_refused_in_words(files: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        asked(*files)
