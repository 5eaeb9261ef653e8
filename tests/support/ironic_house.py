"""The activities on Ironic as a worker has them, over an inventory of one site with one host."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from temporalio.testing import ActivityEnvironment

from activities.ironic.activities import IronicActivities
from activities.ironic.looks import IronicLooks
from activities.ironic.services import Services, closing
from inventory.load import load_inventory
from models.bmc import HostRef
from models.ironic import AwaitNodeRequest, NodeEnd, NodeFacts
from models.timing import Timing

PACE = 20.0


@dataclass
class IronicHouse:
    services: Services
    folder: Path
    on: HostRef
    ironic: dict[str, Any]
    """As it is declared."""
    acts: IronicActivities = field(init=False)
    looks: IronicLooks = field(init=False)

    def __post_init__(self) -> None:
        self.acts, self.looks = IronicActivities(self.services), IronicLooks(self.services)

    @property
    def node(self) -> str:
        return f"{self.on.site}~{self.on.host}"

    async def run(self, activity: Any, request: Any, *, attempt: int = 1, run_id: str = "run-1") -> Any:
        """In the surroundings of an activity of a workflow's run; its result."""
        surroundings = ActivityEnvironment()
        surroundings.info = dataclasses.replace(surroundings.info, attempt=attempt, workflow_run_id=run_id)
        return await surroundings.run(activity, request)

    async def look(self) -> NodeFacts:
        found: NodeFacts = await self.run(self.looks.look_at_node, self.on)
        return found

    async def wait(self, *until: str, within: str = "20m", silence: str = "10m") -> NodeEnd:
        request = AwaitNodeRequest(on=self.on, until=until, within=within, silence=silence)
        end: NodeEnd = await self.run(self.looks.await_node, request)
        return end

    def declare_host(self, **host: Any) -> None:
        write_inventory(self.folder, self.on.site, self.ironic, **host)


@asynccontextmanager
async def ironic_house(
    folder: Path, ironic: dict[str, Any], *, site: str = "alpha", timing: Timing | None = None, **host: Any
) -> AsyncIterator[IronicHouse]:
    write_inventory(folder, site, ironic, **host)
    timing = timing or Timing(pace=PACE, request_timeout_s=20)
    async with closing(Services(lambda: load_inventory(folder / "inventory.yaml"), timing)) as services:
        yield IronicHouse(services, folder, HostRef(site=site, host="controller-0"), ironic)


def write_inventory(folder: Path, site: str, ironic: dict[str, Any], **host: Any) -> None:
    controller = {
        "name": "central",
        "auth_url": "https://127.121.0.2:5000/v3",
        "credential": {"password": "env:NOBODY"},
        "ironic": ironic,
    }
    hosts = [{"name": "controller-0", "personality": "controller", **host}]
    declared = {"name": site, "system_controller": "central", "hosts": hosts}
    document = {"system_controllers": [controller], "sites": [declared]}
    (folder / "inventory.yaml").write_text(yaml.safe_dump(document))
