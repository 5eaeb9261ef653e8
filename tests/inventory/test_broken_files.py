"""Files that are no inventory at all: what is said instead of a traceback."""

from pathlib import Path

import pytest

from inventory.load import load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, written


def said(folder: Path, content: str | bytes) -> str:
    written(folder, content)
    return complaint(lambda: load_inventory("inventory.yaml"))


def test_a_missing_file(folder: Path) -> None:
    assert complaint(lambda: load_inventory("inventory.yaml")) == "inventory.yaml: there is no such file"


def test_a_directory(folder: Path) -> None:
    (folder / "inventory.yaml").mkdir()
    assert complaint(lambda: load_inventory("inventory.yaml")) == "inventory.yaml: is a directory, not a file"


def test_a_file_of_somebody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(folder, INVENTORY)

    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        "inventory.yaml: may not be read by this user"
    )


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing yet\n", "---\n", "null\n"])
def test_an_empty_file(folder: Path, content: str) -> None:
    assert said(folder, content) == "inventory.yaml: the file is empty"


@pytest.mark.parametrize("content", ["just words\n", "- a\n- b\n", "42\n"])
def test_no_mapping_at_the_top(folder: Path, content: str) -> None:
    assert said(folder, content) == (
        "inventory.yaml:1: expected a mapping at the top of the file, such as `name: ...`"
    )


def test_not_utf_8(folder: Path) -> None:
    content = edited(INVENTORY, "north", "n\u00f6rd").encode("latin-1")
    assert said(folder, content) == "inventory.yaml:9: not UTF-8; save the file as UTF-8"
    assert said(folder, edited(INVENTORY, "north", "n\u00f6rd")) == ""


def test_utf_16_from_an_editor(folder: Path) -> None:
    assert said(folder, INVENTORY.encode("utf-16")) == ("inventory.yaml:1: not UTF-8; save the file as UTF-8")


def test_a_binary_file(folder: Path) -> None:
    assert said(folder, "name: x\n\0\0") == "inventory.yaml:2: a NUL byte: this is no text file"


def test_a_control_character(folder: Path) -> None:
    assert said(folder, edited(INVENTORY, "north", "no\x07rth")) == (
        "inventory.yaml:9: not YAML: a control character stands here"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "  labels: {region: north}",
            "  labels: region: north",
            "inventory.yaml:9: not YAML: mapping values are not allowed in this context (a ': ' inside a "
            "value "
            "needs quotes around the value, or this line is indented too far)",
        ),
        (
            "  labels: {region: north}",
            "\tlabels: {region: north}",
            "inventory.yaml:9: not YAML: found a tab character that violates indentation",
        ),
        (
            "{region: north}",
            "@north",
            "inventory.yaml:9: not YAML: found character that cannot start any token (a value that begins "
            "with a "
            "special character needs quotes, and lines are indented with spaces, not tabs)",
        ),
        (
            "  timezone: Europe/Berlin",
            " timezone: Europe/Berlin",
            "inventory.yaml:14: not YAML: did not find expected key (this line is not indented as its "
            "neighbours "
            "are)",
        ),
        (
            "{region: north}",
            "{region: north",
            "inventory.yaml:10: not YAML: did not find expected ',' or '}'",
        ),
        ("{region: north}", "'north", "inventory.yaml:21: not YAML: found unexpected end of stream"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(folder: Path, old: str, new: str, words: str) -> None:
    assert said(folder, edited(INVENTORY, old, new)) == words


def test_a_second_document(folder: Path) -> None:
    assert said(folder, INVENTORY + "---\nname: x\n") == (
        "inventory.yaml:21: a second document begins here; a file holds one"
    )
    assert said(folder, "---\n" + INVENTORY + "...\n") == ""


@pytest.mark.parametrize(
    "tag", ["!vault secret", "!!python/object/apply:os.system [id]", "!!binary aGk=", "!!set {a, b}"]
)
def test_a_tag_is_never_acted_on(folder: Path, tag: str) -> None:
    words = said(folder, edited(INVENTORY, "  labels: {region: north}", f"  subcloud: {tag}"))
    name = tag.split()[0]
    assert (
        words == f"inventory.yaml:9: sites[0].subcloud: the tag {name!r} is not allowed; write plain values"
    )


def test_the_tag_for_text_is_as_good_as_quotes(folder: Path) -> None:
    assert said(folder, edited(INVENTORY, "north", "!!str 7")) == ""
    assert load_inventory("inventory.yaml").site("alpha").labels == {"region": "7"}


def test_a_merge_key(folder: Path) -> None:
    words = said(folder, edited(INVENTORY, "{region: north}", "{<<: {region: north}, tier: x}"))
    assert words == (
        "inventory.yaml:9: sites[0].labels['<<']: merge keys are not understood here; write the keys out"
    )


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_that_unfold_to_billions(folder: Path) -> None:
    assert said(folder, bomb(9)) == (
        "inventory.yaml:5: the aliases unfold to more than 100,000 values; write them out"
    )
    assert "unfold" not in said(folder, bomb(3))


def test_an_alias_inside_its_own_anchor(folder: Path) -> None:
    assert said(folder, "sites: &s [*s]\n") == (
        "inventory.yaml:1: the alias *s stands inside its own anchor &s"
    )


def test_an_alias_of_nothing(folder: Path) -> None:
    assert said(folder, edited(INVENTORY, "{region: north}", "*north")) == (
        "inventory.yaml:9: the alias *north has no anchor &north before it"
    )


def test_a_list_as_a_key(folder: Path) -> None:
    assert said(folder, edited(INVENTORY, "{region: north}", "{[a, b]: c}")) == (
        "inventory.yaml:9: a key must be plain text, not a list or mapping"
    )


def test_nesting_without_end(folder: Path) -> None:
    assert said(folder, "sites: " + "[" * 5000) == "inventory.yaml:1: nested deeper than 32 levels"


def test_an_empty_key(folder: Path) -> None:
    assert said(folder, edited(INVENTORY, "{region: north}", "{~: north}")) == (
        "inventory.yaml:9: sites[0].labels['~']: a key is empty; write its name, in quotes if it is 'null'"
    )


def test_mistakes_before_the_line_that_is_no_yaml_are_told_too(folder: Path) -> None:
    text = edited(INVENTORY, "{region: north}", "{region: north, region: south}")
    assert said(folder, text + "  - x: y: z\n") == (
        "inventory.yaml:9: sites[0].labels.region: this key stands twice in its mapping, first in line 9\n"
        "inventory.yaml:21: not YAML: did not find expected key (this line is not indented as its "
        "neighbours are)"
    )


def test_a_link_that_leads_to_itself(folder: Path) -> None:
    (folder / "inventory.yaml").symlink_to("inventory.yaml")
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        "inventory.yaml: cannot be read: Too many levels of symbolic links"
    )


def test_a_file_beyond_all_bounds(folder: Path) -> None:
    with (folder / "inventory.yaml").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    assert complaint(lambda: load_inventory("inventory.yaml")) == "inventory.yaml: is larger than 64 MiB"


def test_an_alias_as_a_key(folder: Path) -> None:
    text = edited(INVENTORY, "{region: north}", "{&r region: north, *r : south}")
    assert said(folder, text) == "inventory.yaml:9: an alias cannot be a key"
