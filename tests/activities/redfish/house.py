"""The activities on BMCs as a worker has them, over an inventory of one or two hosts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from temporalio.testing import ActivityEnvironment

from activities.redfish.activities import RedfishActivities
from activities.redfish.looks import RedfishLooks
from activities.redfish.visits import Visits, closing
from inventory.load import load_inventory
from models.bmc import HostRef
from models.timing import Timing
from records.store import Store
from rules import quirks

HOST = HostRef(site="alpha", host="controller-0")
PACE = 20.0


@dataclass
class House:
    acts: RedfishActivities
    looks: RedfishLooks
    visits: Visits
    path: Path
    host: dict[str, Any]
    """As it was declared first."""

    async def run(self, activity: Any, *args: Any) -> Any:
        """In the surroundings of an activity; its result."""
        return await ActivityEnvironment().run(activity, *args)

    def declare(self, **host: Any) -> None:
        write_inventory(self.path, **host)


@asynccontextmanager
async def house(
    folder: Path, *, timing: Timing | None = None, timeout_s: float = 5.0, **host: Any
) -> AsyncIterator[House]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "inventory.yaml"
    write_inventory(path, **host)
    timing = timing or Timing(pace=PACE, request_timeout_s=timeout_s, send_window_s=2)
    visits = Visits(lambda: load_inventory(path), timing, quirks, request_timeout_s=timeout_s)
    async with await Store.open(f"sqlite+aiosqlite:///{folder / 'records.db'}") as store, closing(visits):
        yield House(RedfishActivities(visits, store), RedfishLooks(visits, store), visits, path, host)


def write_inventory(path: Path, **host: Any) -> None:
    password = path.parent / "bmc-password"
    if not password.exists():
        password.touch(mode=0o600)
    document = {
        "system_controllers": [
            {
                "name": "central",
                "auth_url": "https://127.121.0.2:5000/v3",
                "credential": {"password": "env:NOBODY"},
            }
        ],
        "sites": [
            {
                "name": "alpha",
                "system_controller": "central",
                "hosts": [{"name": "controller-0", "personality": "controller", **host}],
            }
        ],
    }
    path.write_text(yaml.safe_dump(document))
