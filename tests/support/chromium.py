"""Debian's Chromium without a window, driven through its own DevTools protocol.

One page of one browser with a profile of its own. What a person sees decides: elements are found by the words
on them, clicks and keys arrive as input events where the element is, and every wait ends when the page shows
what was asked for. Only addresses of this machine are resolved.
"""

import asyncio
import base64
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.components import used
from tests.support.ironic import die_with_parent

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--window-size=1440,1100",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
ANSWERS_WITHIN_S = 60.0

VISIBLE = """
function shown(e) { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; }
function words(e) { return (e.innerText || e.value || e.getAttribute('aria-label') || '').trim(); }
function place(e) { e.scrollIntoView({block: 'center', behavior: 'instant'});
  const r = e.getBoundingClientRect();
  return [r.x + r.width / 2, r.y + r.height / 2]; }
"""


def binary() -> str | None:
    return shutil.which("chromium")


@dataclass
class Page:
    socket: aiohttp.ClientWebSocketResponse
    _number: int = 0
    errors: list[str] = field(default_factory=list)
    """What the page's own code could not do."""

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self.socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            while True:
                told = json.loads(await self.socket.receive_str())
                if told.get("method") == "Runtime.exceptionThrown":
                    self.errors.append(str(told["params"]["exceptionDetails"]))
                if told.get("id") == self._number:
                    assert "error" not in told, told
                    answer: dict[str, Any] = told["result"]
                    return answer

    async def evaluate(self, code: str) -> Any:
        """The value of an expression, awaited if it is a promise."""
        answer = await self.ask(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def open(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)

    async def until(self, code: str, what: str, within: float = ANSWERS_WITHIN_S) -> Any:
        """Until the expression is true; its value."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            seen = await self.evaluate(code)
            if seen:
                return seen
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"the page never showed {what}; it shows:\n{await self.text()}")
            await asyncio.sleep(0.1)

    async def text(self) -> str:
        text: str = await self.evaluate("document.body ? document.body.innerText : ''")
        return text

    async def shows(self, words: str, within: float = ANSWERS_WITHIN_S) -> None:
        await self.until(
            f"document.body && document.body.innerText.includes({json.dumps(words)})", words, within
        )

    async def click(self, words: str, kind: str = "button, a, label, [role=option], [role=tab]") -> None:
        """What carries exactly these words, or where nothing does, begins with them."""
        code = f"""(() => {{ {VISIBLE}
          const all = [...document.querySelectorAll({json.dumps(kind)})].filter(e => shown(e) && !e.disabled);
          const found = all.find(e => words(e) === {json.dumps(words)})
            || all.find(e => words(e).startsWith({json.dumps(words)}));
          return found ? place(found) : null; }})()"""
        await self._press(code, f"something to click that says {words}")

    async def press(self, selector: str) -> None:
        code = f"""(() => {{ {VISIBLE}
          const found = [...document.querySelectorAll({json.dumps(selector)})].find(shown);
          return found ? place(found) : null; }})()"""
        await self._press(code, selector)

    async def focus(self, selector: str) -> None:
        """A first click may only close a menu."""
        code = f"""(() => {{ {VISIBLE}
          const found = [...document.querySelectorAll({json.dumps(selector)})].find(shown);
          return !!found && found.contains(document.activeElement); }})()"""
        deadline = asyncio.get_running_loop().time() + ANSWERS_WITHIN_S
        await self.press(selector)
        while not await self.evaluate(code):
            assert asyncio.get_running_loop().time() < deadline, f"{selector} does not take the focus"
            await self.press(selector)
            await asyncio.sleep(0.1)

    async def type(self, selector: str, text: str) -> None:
        """Instead of what stands there."""
        await self.focus(selector)
        for kind in ("keyDown", "keyUp"):
            await self.ask(
                "Input.dispatchKeyEvent",
                type=kind,
                modifiers=2,
                key="a",
                code="KeyA",
                windowsVirtualKeyCode=65,
                commands=["selectAll"] if kind == "keyDown" else [],
            )
        await self.ask("Input.insertText", text=text)

    async def picture(self, path: Path) -> None:
        answer = await self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    async def _press(self, code: str, what: str) -> None:
        """Where the element is once it no longer moves: menus unfold, pages scroll."""
        x, y = await self.until(code, what)
        while (now := await self.until(code, what)) != [x, y]:
            x, y = now
            await asyncio.sleep(0.1)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)


@asynccontextmanager
async def page(found: str, folder: Path) -> AsyncIterator[Page]:
    """An empty page; `folder` keeps the profile."""
    process = await asyncio.create_subprocess_exec(
        found,
        *SWITCHES,
        f"--user-data-dir={folder}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"HOME": str(folder)},
        process_group=0,
        preexec_fn=die_with_parent,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            address = await _address(process.stderr)
        drain = asyncio.create_task(_drained(process.stderr))
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as listed:
                target = next(each for each in await listed.json() if each["type"] == "page")
            async with session.get(f"http://{address}/json/version") as told:
                used("Chromium", (await told.json())["Browser"])
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = Page(socket)
                await opened.ask("Page.enable")
                await opened.ask("Runtime.enable")
                yield opened
        drain.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(said: asyncio.StreamReader) -> str:
    while line := (await said.readline()).decode():
        if line.startswith("DevTools listening on ws://"):
            return line.split("//", 1)[1].split("/", 1)[0]
    raise RuntimeError("Chromium did not start")


async def _drained(said: asyncio.StreamReader) -> None:
    while await said.readline():
        continue
