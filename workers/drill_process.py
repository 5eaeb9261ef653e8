"""`starflock backup drill` as a child of this worker: asked to end when the activity does, or the worker.

Linux is asked to tell the child when its parent dies, so that a killed worker leaves no drill behind; the
command then ends its own children in their order.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from pydantic import ValidationError

from inventory.load import Inventory
from models.drill import Drill
from workers import embedded

COMMAND = (sys.executable, "-c", "from cli.app import main; raise SystemExit(main())")
ENDS_WITHIN_S = 30.0
"""Of which its region, server and worker take five seconds each at most, one after the other."""


def require() -> None:
    """Raises: RuntimeError: this machine cannot drill, in words."""
    try:
        embedded.temporal_binary()
    except RuntimeError as error:
        raise RuntimeError(
            f"queue starflock-drills: a drill runs a Temporal server of its own, and there is {error}"
        ) from None
    if find_spec("simulator") is None:
        raise RuntimeError("queue starflock-drills: a drill simulates a site, and there is no simulator here")


@dataclass
class DrillProcess:
    inventory: Callable[[], Inventory]

    async def __call__(self, site: str, backup: str) -> Drill | str:
        """The drill, or in words why there was none."""
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "backup", "drill", site, "--backup", backup, "-o", "json"),
            *("--inventory", str(self.inventory().path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a signal to this worker's group is not meant for it
            preexec_fn=embedded.die_with_parent,
        )
        try:
            said, words = await process.communicate()
        finally:
            await _ended(process)
        return told(said.decode(), words.decode(), process.returncode or 0)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def told(said: str, words: str, code: int) -> Drill | str:
    """What the command has made of it."""
    try:
        document = json.loads(said)
        document.pop("good", None)
        return Drill.model_validate(document)
    except (ValueError, ValidationError, AttributeError):
        last = [line for line in words.splitlines() if line.strip()][-3:]
        return "; ".join(last) or f"the drill ended with code {code} and said nothing"
