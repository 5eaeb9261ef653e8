"""Which archive takes a site's backups, and words about mistakes."""

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.archive import declared_archive
from inventory.load import NotDeclared, load_inventory
from tests.inventory.files import INVENTORY, complaint, written

KEYS = "keys: [{id: k1, secret: 'env:K1'}]"
STORE = "s3: {endpoint: 'https://rgw.example.com:7480', bucket: starflock}"
WHO = "credential: {access_key: 'env:A', secret_key: 'env:S'}"


def declaring(*archives: str) -> str:
    return INVENTORY + "archives:\n" + "".join(f"- {{name: {each}}}\n" for each in archives)


def test_the_first_archive_whose_labels_fit_takes_a_site(folder: Path) -> None:
    (folder / "near").mkdir()
    own = f"south, labels: {{region: south}}, {STORE}, {WHO}, {KEYS}, retention: {{last: 3, unfinished: 2d}}"
    inventory = load_inventory(written(folder, declaring(own, f"rest, directory: near, {KEYS}")))
    found = declared_archive(inventory, "beta")
    assert (found.target.name, found.directory, found.base) == ("south", None, folder)
    assert found.target.retention.last == 3
    assert (found.target.retention.monthly, found.target.retention.unfinished) == (12, timedelta(days=2))
    assert [declared_archive(inventory, name).target.name for name in ("alpha", "gamma")] == ["rest", "rest"]
    assert declared_archive(inventory, "alpha").directory == folder / "near"


def test_a_site_that_no_archive_takes_is_told(folder: Path) -> None:
    text = declaring(f"south, labels: {{region: south}}, {STORE}, {WHO}, {KEYS}")
    with pytest.raises(NotDeclared, match="has no archive that takes alpha"):
        declared_archive(load_inventory(written(folder, text)), "alpha")


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (f"a, {KEYS}", "archives[0]: expected one of s3 and directory"),
        (f"a, {STORE}, directory: near, {KEYS}", "expected one of s3 and directory"),
        (f"a, {STORE}, {KEYS}", "expected credential: {access_key: ..., secret_key: ...} for s3"),
        (
            f"a, directory: near, {KEYS}, object_lock: {{mode: governance, keep: 1d}}",
            "mean something only with s3",
        ),
        ("a, directory: near, keys: []", "archives[0].keys: expected at least 1 entry, found none"),
        (
            "a, directory: near, keys: [{id: k, secret: hunter2}]",
            "archives[0].keys[0].secret: a secret in clear",
        ),
        (
            f"a, {STORE}, {KEYS}, credential: {{access_key: hunter2, secret_key: 'env:S'}}",
            "archives[0].credential.access_key: a secret in clear",
        ),
        (
            "a, directory: near, keys: [{id: k, secret: 'env:A'}, {id: k, secret: 'env:B'}]",
            "archives[0].keys[1].id: 'k' is already the id of another key of this archive (line 22)",
        ),
        (f"a, directory: far, {KEYS}", "archives[0].directory: 'far': there is no such directory"),
        (
            f"a, s3: {{endpoint: 'https://r', bucket: bkt, ca: none.pem}}, {WHO}, {KEYS}",
            "archives[0].s3.ca: 'none.pem' does not exist",
        ),
        (f"a, s3: {{endpoint: 'https://r', bucket: ab}}, {WHO}, {KEYS}", "archives[0].s3.bucket: expected"),
        (
            f"a, s3: {{endpoint: 'https://me:hunter2@r', bucket: bkt}}, {WHO}, {KEYS}",
            "archives[0].s3.endpoint: a user or password in a URL is refused",
        ),
        (
            f"a, directory: near, {KEYS}, retention: {{last: 0}}",
            "archives[0].retention.last: expected at least 1",
        ),
        (
            f"a, directory: near, {KEYS}, bytes_per_second: 10",
            "archives[0].bytes_per_second: expected at least 1024",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, archive: str, words: str) -> None:
    (folder / "near").mkdir()
    said = complaint(lambda: load_inventory(written(folder, declaring(archive))))
    assert words in said
    assert "hunter2" not in said


def test_names_stand_once_and_an_archive_that_is_never_reached_is_told(folder: Path) -> None:
    (folder / "near").mkdir()
    every = f"a, directory: near, {KEYS}"
    said = complaint(lambda: load_inventory(written(folder, declaring(every, every))))
    assert "archives[1].name: 'a' is already the name of another archive" in said
    assert "archives[1]: takes no site: an archive before it has no labels and takes all" in said
