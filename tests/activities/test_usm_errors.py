"""USM's refusals by their words, and its answers that are none of what their status says."""

import json

import pytest

from activities.errors import ActivityFailure, Blocked, Busy, NotYet, Refused
from activities.http import Rejected, Reply
from activities.starlingx.session import words
from activities.starlingx.usm.client import must_have_no_error
from activities.starlingx.usm.errors import CARRIED_OUT, refused


def reply(error: str, info: str = "", status: int = 406) -> Reply:
    body = json.dumps({"info": info, "warning": "", "error": error})
    return Reply("POST", "https://site/v1/deploy", status, body, {"content-type": "text/html"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("There is already a deployment in progress (start-done). Please complete/delete the", Busy),
        ("Rejected: One or more nodes are installing a release.", Busy),
        ("Host controller-0 must be locked.", NotYet),
        ("Agent is unreachable, please check if controller-0 is online", NotYet),
        ("Hosts must be unlocked and online.", NotYet),
        ("The following issues have been detected, which prevent deploying starlingx-26.03.1", Blocked),
        ("controller-0 does not satisfy the right order of deployment should be controller-1", Refused),
        ("Cannot rollback: Kubernetes was upgraded from v1 to v2.", Refused),
        ("Something that nobody has read before", Refused),
    ],
)
def test_a_refusal_is_one_of_our_classes(error: str, kind: type[ActivityFailure]) -> None:
    said = reply(error)
    failure = refused("start", "edge-0001")(Rejected(said, words(said)))
    assert type(failure) is kind
    assert error.split()[0] in failure.message


def test_words_that_stand_in_info_alone_are_told() -> None:
    said = reply("", info="Deploy start for major releases needs to be executed in controller-0 host.")
    failure = refused("start", "edge-0001")(Rejected(said, ""))
    assert "executed in controller-0" in failure.message


def test_a_200_with_an_error_is_a_refusal() -> None:
    must_have_no_error(reply("", info="done", status=200))
    with pytest.raises(Rejected, match="Host must be specified"):
        must_have_no_error(reply("Host must be specified for install", status=200))


def test_a_host_that_failed_is_no_refusal() -> None:
    assert CARRIED_OUT.search("Host deployment failed on controller-0.")
    assert not CARRIED_OUT.search("Host controller-0 must be locked.")
