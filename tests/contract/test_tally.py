"""The account can fail: on a difference that nobody listed, and on a listed one that is none any more."""

import pytest

from . import tally
from .tally import Tally


@pytest.fixture(autouse=True)
def _no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "LINES", [])


def account(**found: str) -> Tally:
    made = Tally("resource")
    for name, words in found.items():
        made.add(name, words)
    return made


def test_known_differences_are_accepted_and_counted() -> None:
    account(one="", two="status").settle(["one", "two"], {"two": "a reason"})
    assert tally.LINES == ["resource: 1 of 2 exchanges match"]


def test_an_unlisted_difference_fails() -> None:
    with pytest.raises(AssertionError, match="two: status"):
        account(one="", two="status").settle(["one", "two"], {})


def test_a_listed_difference_that_matches_fails() -> None:
    with pytest.raises(AssertionError, match="these match"):
        account(one="", two="").settle(["one", "two"], {"two": "a reason"})
