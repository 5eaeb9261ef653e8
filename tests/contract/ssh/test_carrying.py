"""Files on their way to a controller, over a real OpenSSH server: gone on with, checked, never mixed up."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.testing import ActivityEnvironment

from activities.errors import Blocked, Refused, Transient
from activities.ssh.carrying import CarryActivities
from activities.ssh.client import script_words
from activities.ssh.hosts import Hosts
from inventory.load import load_inventory
from models.timing import Timing
from models.upload import (
    Carried,
    CarryFileRequest,
    DropCarriedRequest,
    MeasuredFile,
    MeasureFilesRequest,
)
from records.store import Store
from tests.support.sshd import Sshd, is_installed, sshd

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE, RELEASE, SIZE = "central", "starlingx-26.09.0", 12 * 2**20 + 17


@dataclass
class House:
    server: Sshd
    hosts: Hosts
    file: Path

    @property
    def acts(self) -> CarryActivities:
        return CarryActivities(self.hosts)

    @property
    def there(self) -> Path:
        return self.server.ground.home / f"starflock-{RELEASE}"

    async def measured(self) -> MeasuredFile:
        (found,) = (await _do(self.acts.measure_files, MeasureFilesRequest(files=(str(self.file),)))).files
        assert isinstance(found, MeasuredFile)
        return found

    async def carry(self, file: MeasuredFile, lasting: str = "60s", rate: str | None = None) -> Carried:
        request = CarryFileRequest.model_validate(
            {"site": SITE, "release": RELEASE, "file": file, "folder": None, "rate": rate, "lasting": lasting}
        )
        done: Carried = await _do(self.acts.carry_file, request)
        return done

    def part(self, file: MeasuredFile) -> Path:
        return self.there / f".{file.name}.{file.sha256}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sshd]:
    if not is_installed():
        pytest.skip("no OpenSSH server and Ansible here: run make test as root")
    with sshd(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def house(server: Sshd, tmp_path: Path) -> AsyncIterator[House]:
    controller = {
        "name": SITE,
        "auth_url": "https://10.10.10.2:5000/v3",
        "credential": {"password": "env:NOT_ASKED_FOR"},
        "ssh": {
            "address": f"127.0.0.1:{server.port}",
            "host_key": server.host_key,
            "credential": {"username": server.user, "private_key": f"file:{server.private_key}"},
        },
    }
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(yaml.safe_dump({"system_controllers": [controller]}))
    file = tmp_path / f"{RELEASE}.iso"
    file.write_bytes(random.Random(1).randbytes(SIZE))
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'records.db'}") as store:
        hosts = Hosts(lambda: load_inventory(inventory), Timing(request_timeout_s=20), store)
        one = House(server, hosts, file)
        yield one
        await _do(one.acts.drop_carried, DropCarriedRequest(site=SITE, release=RELEASE, folder=None))
        assert not one.there.exists()


async def test_it_arrives_a_while_at_a_time_and_what_is_there_is_not_sent_again(house: House) -> None:
    file = await house.measured()
    first = await house.carry(file, lasting="1s", rate="4MiB")
    assert (first.path, first.at == first.sent, 0 < first.at < SIZE) == ("", True, True)
    assert house.part(file).stat().st_size == first.at
    second = await house.carry(file)
    assert (second.at, second.sent, second.path) == (SIZE, SIZE - first.at, str(house.there / file.name))
    assert hashlib.sha256(Path(second.path).read_bytes()).hexdigest() == file.sha256
    assert [path.name for path in house.there.iterdir()] == [file.name]
    assert (house.there / file.name).stat().st_mode & 0o777 == 0o600
    third = await house.carry(file)
    assert (third.sent, third.path) == (0, second.path)


async def test_what_arrived_damaged_becomes_no_file_and_is_sent_anew(house: House) -> None:
    file = await house.measured()
    first = await house.carry(file, lasting="1s", rate="4MiB")
    with house.part(file).open("r+b") as part:
        byte = part.read(1)[0]
        part.seek(0)
        part.write(bytes([byte ^ 1]))
    with pytest.raises(Transient, match=r"what arrived of .* has the sha256"):
        await house.carry(file)
    assert list(house.there.iterdir()) == []
    again = await house.carry(file)
    assert (again.sent, bool(again.path)) == (SIZE, True)
    assert first.at > 0


async def test_one_that_still_writes_for_a_dead_connection_is_ended_first(house: House) -> None:
    file = await house.measured()
    await house.carry(file, lasting="1s", rate="4MiB")
    has = house.part(file).stat().st_size
    words = script_words("carry", str(house.there), file.name, file.sha256, str(has))
    stale = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
    while (house.there / f".{file.name}.writer").read_text() != f"{stale.pid}\n":
        await asyncio.sleep(0.05)
    done = await house.carry(file)
    assert await asyncio.wait_for(stale.wait(), 10) == -9
    assert (done.sent, bool(done.path)) == (SIZE - has, True)


async def test_another_files_part_is_not_gone_on_with(house: House) -> None:
    old = await house.measured()
    await house.carry(old, lasting="1s", rate="4MiB")
    house.file.write_bytes(random.Random(2).randbytes(SIZE))
    with pytest.raises(Refused, match="was changed since it was measured: start again"):
        await house.carry(old)
    new = await house.measured()
    done = await house.carry(new)
    assert (done.sent, bool(done.path)) == (SIZE, True)
    assert not house.part(old).exists()


async def test_what_does_not_fit_is_said_before_a_byte_is_sent(house: House) -> None:
    file = await house.measured()
    with pytest.raises(Blocked, match=r"free, and .* needs 64\.0 TiB and 1\.0 GiB to spare: make room"):
        await house.carry(file.model_copy(update={"size": 2**46}))
    assert not house.part(file).exists()


async def _do(method: Callable[..., Any], request: Any) -> Any:
    return await ActivityEnvironment().run(method, request)
