"""What `starflock site backup|restore|compare` refuses before anybody is asked: no server is needed."""

import pytest

from cli.exits import Code
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("restore", "edge-0001"), Code.REFUSED, "if so, say --yes-wipe edge-0001"),
        (("restore", "edge-0001", "--yes-wipe", "edge-0002"), Code.REFUSED, "it names edge-0002"),
        (("restore", "edge-0001", "--backup", "last"), Code.BAD_INPUT, "expected a backup such as"),
        (("compare", "edge-0001", "--backup", "last"), Code.BAD_INPUT, "expected a backup such as"),
        (("backup", "edge-0001", "--registry-images"), Code.BAD_INPUT, "goes with --local"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    run: Run, arguments: tuple[str, ...], code: Code, words: str
) -> None:
    said = run("site", *arguments)
    assert (said.code, words in said.err) == (code, True), said.err
