"""One notice to one target, over HTTP to a real listener: what is sent, what is tried again, what is said."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.errors import Refused, Transient
from activities.http import Wire
from activities.notify import by_apprise
from activities.notify.activities import NotifyActivities
from inventory.load import Inventory
from models.inventory import InventoryFile
from models.notices import Notice, NotifyRequest
from tests.support.listener import Listener, listener

CONTROLLER = {
    "name": "central",
    "auth_url": "http://10.0.0.1:5000/v3",
    "credential": {"password": "env:PASSWORD"},
}
NOTICE = Notice(kind="budget", ordinal=2, at=datetime(2026, 11, 22, tzinfo=UTC), words="spent: 3 failed")
HIDDEN = "hook-7f3c"


@pytest.fixture
def heard() -> Iterator[Listener]:
    with listener() as running:
        yield running


async def _tell(folder: Path, target: dict[str, Any], name: str = "ops") -> None:
    document = {"system_controllers": [CONTROLLER], "notifications": [{"name": "ops", **target}]}
    inventory = Inventory(InventoryFile.model_validate(document), folder / "inventory.yaml")
    wire = Wire(request_timeout_s=5)
    request = NotifyRequest(
        target=name,
        event_id="run-1/budget/2",
        campaign="night-1",
        operation="patch",
        release="starlingx-26.03.1",
        notice=NOTICE,
    )
    try:
        await NotifyActivities(lambda: inventory, wire).notify(request)
    finally:
        await wire.close()


def _secret(folder: Path, text: str) -> str:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(0o600)
    return "file:secret"


async def test_a_webhook_gets_a_cloud_event(tmp_path: Path, heard: Listener) -> None:
    await _tell(tmp_path, {"webhook": f"{heard.url}/x"})
    (post,) = heard.posts
    assert post.headers["Content-Type"] == "application/cloudevents+json"
    assert "Authorization" not in post.headers
    assert post.body == {
        "specversion": "1.0",
        "id": "run-1/budget/2",
        "source": "/starflock/campaigns/night-1",
        "type": "starflock.campaign.budget-spent",
        "subject": "night-1",
        "time": "2026-11-22T00:00:00+00:00",
        "datacontenttype": "application/json",
        "data": {
            "campaign": "night-1",
            "operation": "patch",
            "release": "starlingx-26.03.1",
            "why": "spent: 3 failed",
            "sites": 0,
            "counts": {},
        },
    }


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_an_answer_that_may_change_is_asked_for_again(
    tmp_path: Path, heard: Listener, status: int
) -> None:
    heard.answers[:] = [status]
    with pytest.raises(Transient, match=f"it answered {status}"):
        await _tell(tmp_path, {"webhook": heard.url})


@pytest.mark.parametrize("status", [302, 400, 401, 410])
async def test_an_answer_that_will_not_change_is_final(tmp_path: Path, heard: Listener, status: int) -> None:
    heard.answers[:] = [status]
    with pytest.raises(Refused, match=f"it answered {status}"):
        await _tell(tmp_path, {"webhook": heard.url})


async def test_an_address_that_is_secret_is_in_no_error(tmp_path: Path) -> None:
    ref = _secret(tmp_path, f"http://127.0.0.1:9/{HIDDEN}\n")
    with pytest.raises(Transient, match="no answer: ") as failed:
        await _tell(tmp_path, {"webhook": ref})
    assert HIDDEN not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ({"webhook": "env:STARFLOCK_NO_SUCH"}, Transient, "env:STARFLOCK_NO_SUCH: this environment variable"),
        ({"webhook": "file:secret"}, Refused, "file:secret holds no address"),
    ],
)
async def test_a_secret_that_is_of_no_use_is_named(
    tmp_path: Path, target: dict[str, str], kind: type[Exception], words: str
) -> None:
    _secret(tmp_path, HIDDEN)
    with pytest.raises(kind, match=words) as failed:
        await _tell(tmp_path, target)
    assert HIDDEN not in str(failed.value)


async def test_a_target_that_has_left_the_inventory_is_final(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="it has left the inventory's notifications"):
        await _tell(tmp_path, {"webhook": "http://127.0.0.1:9"}, name="gone")


async def test_without_apprise_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Refused, match=r"starflock\[notify\]"):
        await by_apprise.tell(["json://127.0.0.1"], "title", "body")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestApprise:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("apprise", reason="the extra notify is not installed")

    async def test_it_carries_the_words(self, tmp_path: Path, heard: Listener) -> None:
        ref = _secret(tmp_path, heard.url.replace("http://", "json://") + f"/{HIDDEN}\n")
        await _tell(tmp_path, {"apprise": ref})
        (post,) = heard.posts
        assert post.body["title"] == "Starflock: campaign night-1 budget spent"
        assert post.body["message"] == "spent: 3 failed"

    async def test_what_it_cannot_deliver_is_tried_again_and_not_shown(
        self, tmp_path: Path, heard: Listener
    ) -> None:
        heard.answers[:] = [500]
        ref = _secret(tmp_path, heard.url.replace("http://", "json://") + f"/{HIDDEN}\n")
        with pytest.raises(Transient, match="could not deliver") as failed:
            await _tell(tmp_path, {"apprise": ref})
        assert HIDDEN not in str(failed.value)

    async def test_a_url_that_is_none_is_named_by_its_number(self, tmp_path: Path) -> None:
        ref = _secret(tmp_path, f"json://127.0.0.1:9\nnonsense-{HIDDEN}\n")
        with pytest.raises(Refused, match="URL 2 of 2 is none that Apprise knows"):
            await _tell(tmp_path, {"apprise": ref})
