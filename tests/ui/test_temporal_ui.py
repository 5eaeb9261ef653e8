"""Temporal's own UI in a real browser, over encrypted payloads: what docs/guide/temporal-ui.md promises.

One visit, as a person makes it: tell the UI of the codec server, sign in there, start a campaign by the form,
read why it waits, send it an update, find a site by its attribute. To who is not signed in the UI shows
nothing of it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web
from temporalio.client import WorkflowHandle

from cli.session import status_of
from models import contracts
from models.campaign import CampaignResult
from models.outcome import Outcome
from tests.support.chromium import Page, binary, page
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from tests.workers.keys import declared
from workers.codec import ENCODING
from workers.codec_server import codec_server
from workers.embedded import free_port, temporal_binary
from workers.settings import Settings

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "temporal-ui.md"
FOUND = binary()
TOKEN = "correct-horse-battery-staple"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(FOUND is None, reason="no Chromium here (Debian: chromium)"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=3, options=("--plain",)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    """Its payloads are encrypted, for tests and workers alike."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STARFLOCK_PAYLOAD_KEYS", declared(tmp_path_factory.mktemp("keys"), "2026a"))
        patched.setenv("CODEC_TOKEN", TOKEN)
        async with stack(tmp_path_factory.mktemp("house"), region) as running:
            await running.start_worker()
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def codec(house: Stack) -> AsyncIterator[str]:
    settings = Settings(codec_tokens="anna=env:CODEC_TOKEN", codec_origins=house.server.ui)
    runner = web.AppRunner(codec_server(settings).application(), access_log=None)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_a_campaign_is_started_and_read_in_the_browser(
    house: Stack, codec: str, tmp_path: Path
) -> None:
    assert FOUND is not None
    async with page(FOUND, tmp_path / "profile") as browser:
        await _configure_codec(browser, house.server.ui, codec)
        await _sign_in(browser, codec)
        await _start(browser, house.server.ui)
        handle = house.client.get_workflow_handle("campaign/from-form", result_type=CampaignResult)
        await until(lambda: _is_known(handle), "the campaign of the form")
        await house.until_phase(handle, "waiting-approval")
        assert await _first_input_encoding(house) == ENCODING

        run_id = (await handle.describe()).run_id
        campaign = f"{house.server.ui}/namespaces/default/workflows/campaign%2Ffrom-form/{run_id}"
        await browser.ask("Network.clearBrowserCookies")
        await browser.open(f"{campaign}/timeline")
        await browser.shows("Codec Server could not connect")
        assert "starlingx-26.03.1" not in await browser.text()
        await _sign_in(browser, codec)
        details = await _details(browser, f"{campaign}/user-metadata")
        assert "from-form: patch to starlingx-26.03.1" in details
        assert "waiting for approval after-wave-1" in details
        await browser.picture(tmp_path / "details.png")

        await _send_update(browser, campaign, tmp_path)
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 3}
        await _find_site(browser, house.server.ui)
        await browser.picture(tmp_path / "site.png")
        assert browser.errors == []


async def _configure_codec(browser: Page, ui: str, codec: str) -> None:
    await browser.open(f"{ui}/namespaces/default/workflows")
    await browser.click("Configure Codec Server", "button")
    await browser.click("Use my browser setting")
    await browser.type("textarea", codec)
    await browser.click("Include cross-origin credentials")
    await browser.click("Apply")
    await browser.until("!document.querySelector('dialog[open]')", "the dialog closed")


async def _start(browser: Page, ui: str) -> None:
    """By the four lines of the guide."""
    example = re.search(r"```json\n(\{\s*\"name\".*?\})\n```", GUIDE.read_text(), re.DOTALL)
    assert example is not None
    request = json.loads(example[1])
    assert len(example[1].splitlines()) == 4
    await browser.open(f"{ui}/namespaces/default/workflows/start-workflow")
    await browser.type("#workflowId", f"campaign/{request['name']}")
    await browser.type("#taskQueue", contracts.TASK_QUEUE)
    await browser.type("#workflowType", contracts.FLEET_CAMPAIGN)
    await browser.type(".cm-content", example[1])
    await browser.shows("Task Queue is Active")
    await _leave_editor(browser)
    await browser.click("Start Workflow", "[data-testid=start-workflow-button]")


async def _leave_editor(browser: Page) -> None:
    """It then writes the JSON anew, over more lines, which moves what stands below."""
    await browser.focus("#taskQueue")
    await browser.until("document.querySelector('.cm-content').innerText.startsWith('{\\n')", "tidy JSON")


async def _is_known(handle: "WorkflowHandle[Any, Any]") -> bool:
    return await status_of(handle) is not None


async def _first_input_encoding(house: Stack) -> bytes:
    history = await house.client.get_workflow_handle("campaign/from-form").fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    return started.input.payloads[0].metadata["encoding"]


async def _details(browser: Page, address: str) -> str:
    """What stands under Current Details, which is a frame of its own."""
    await browser.open(address)
    code = "[...document.querySelectorAll('iframe')].map(e => decodeURIComponent(e.src)).join(' ')"
    found: str = await browser.until(f"(f => f.includes('waiting for') && f)({code})", "current details")
    return found


async def _send_update(browser: Page, campaign: str, pictures: Path) -> None:
    """The guide's."""
    words = r"\*Send an Update\*, for instance `(\w+)` with\n\n```json\n(.*?)\n```"
    said = re.search(words, GUIDE.read_text())
    assert said is not None
    await browser.open(f"{campaign}/timeline")
    await browser.click("More Actions")
    await browser.click("Send an Update", "[role=menuitem]")
    await browser.press("dialog[open] [data-testid=update-select-button]")
    await _choose(browser, said[1])
    await browser.type("dialog[open] .cm-content", said[2])
    await browser.focus("#update-id")
    await browser.picture(pictures / "update.png")
    await browser.press("dialog[open] [data-testid=confirm-modal-button]:enabled")


async def _choose(browser: Page, update: str) -> None:
    """The list unfolds under the mouse, which then hits another name: the option itself is clicked."""
    chosen = "document.querySelector('dialog[open] [data-testid=update-select]').value"
    options = "[...document.querySelectorAll('dialog[open] [role=option]')]"
    name = json.dumps(update)
    await browser.until(
        f"""{chosen} === {name}
          || ({options}.find(e => e.textContent.trim() === {name})?.click(), false)""",
        f"{update} chosen",
    )


async def _sign_in(browser: Page, codec: str) -> None:
    await browser.open(codec)
    await browser.shows("Not signed in")
    await browser.type("input[name=token]", TOKEN)
    await browser.click("Sign in")
    await browser.shows("Signed in with the token anna")


async def test_the_saved_views_find_what_they_say(house: Stack) -> None:
    """After the campaign of the browser."""
    views = dict(
        re.findall(r"^\| ([^|]+) \| `([^`]+ (?:=|IN|NULL)[^`]*)` \|$", GUIDE.read_text(), re.MULTILINE)
    )
    found = {name: await _listed(house, query) for name, query in views.items()}
    sites = {f"site/edge-000{number}" for number in (1, 2, 3)}
    assert found == {
        "sites in work or waiting": set(),
        "campaigns in work or waiting": set(),
        "failed": set(),
        "by campaign": sites,
        "by campaign, the bad ends": set(),
        "by region, the label of sites": {"site/edge-0001", "site/edge-0003"},
        "one site, all its runs": {"site/edge-0002"},
        "everything to a release": sites,
    }


async def _listed(house: Stack, query: str) -> set[str]:
    process = await asyncio.create_subprocess_exec(
        *(temporal_binary(), "workflow", "list", "--query", query),
        *("--address", house.server.address, "-o", "json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, query
    return {each["execution"]["workflowId"] for each in json.loads(out)}


async def _find_site(browser: Page, ui: str) -> None:
    query = quote(f"{contracts.SITE.name}='edge-0002'")
    await browser.open(f"{ui}/namespaces/default/workflows?query={query}")
    await browser.shows("site/edge-0002")
    assert "site/edge-0001" not in await browser.text()
