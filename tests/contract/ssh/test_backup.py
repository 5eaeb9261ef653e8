"""A host's own backup, and archives that it keeps: run by its playbook, streamed, put back, removed.

OpenSSH and Ansible are real; the playbook is a stand-in with the names, folders and variables of
StarlingX's `backup.yml`. A sudo of ours asks for the password as the real one does.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.testing import ActivityEnvironment

from activities.archive.archives import Archives
from activities.errors import Refused
from activities.ssh.activities import BootstrapActivities
from activities.ssh.hosts import Hosts
from activities.ssh.looks import BootstrapLooks
from activities.ssh.platform import PlatformActivities
from activities.ssh.readiness import ReadinessLooks
from inventory.load import load_inventory
from models.archive import BackupId, Manifest, ObjectEntry, Origin
from models.bootstrap import (
    AwaitPlaybookRequest,
    BackupValues,
    BootstrapRef,
    BootstrapRunRef,
    PlaybookEnd,
    WipeSecretsRequest,
    role_of,
)
from models.platform import (
    OWN,
    DropPlatformRequest,
    FindPlatformRequest,
    PlatformFile,
    PutPlatformBackRequest,
    TakePlatformRequest,
)
from models.timing import Timing
from records.store import Store
from rules import own_backup
from simulator.ssh.ground import PLATFORM
from tests.support.backups import declare_archive
from tests.support.secret_scan import found
from tests.support.sshd import SUDO, Sshd, is_installed, sshd
from workers.platform_cargo import PlatformCargo

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE, ADMIN = "central", "Planted+admin/50% {{pw}}1"
CONF = "system_type=All-in-one\nsystem_mode=simplex\nsw_version=26.03\nregion_name=RegionOne\n"
CONF += "distributed_cloud_role=systemcontroller\n"
NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


@dataclass
class House:
    server: Sshd
    store: Store
    inventory: Path
    archives: Archives

    @property
    def hosts(self) -> Hosts:
        return Hosts(
            lambda: load_inventory(self.inventory), Timing(pace=20, request_timeout_s=20), self.store
        )

    @property
    def platforms(self) -> PlatformActivities:
        return PlatformActivities(self.hosts, PlatformCargo(self.archives))

    @property
    def own(self) -> Path:
        return self.server.ground.path(OWN)

    def declare(self, **ssh: Any) -> None:
        document = yaml.safe_load(self.inventory.read_text())
        document["system_controllers"][0]["ssh"] |= ssh
        self.inventory.write_text(yaml.safe_dump(document))

    async def find(self, folder: str = OWN, since: datetime | None = None) -> tuple[PlatformFile, ...]:
        request = FindPlatformRequest(site=SITE, door="site", folder=folder, since=since)
        files: tuple[PlatformFile, ...] = (await _do(self.platforms.find_platform, request)).files
        return files

    async def take(self, backup: str, file: PlatformFile) -> ObjectEntry:
        request = TakePlatformRequest(backup=backup, site=SITE, door="site", file=file)
        entry: ObjectEntry = (await _do(self.platforms.take_platform, request)).entry
        return entry

    async def play(self, run: str, **values: bool) -> PlaybookEnd:
        ref = BootstrapRunRef(site=SITE, run=run, book="backup", values=BackupValues(**values))
        acts, looks = BootstrapActivities(self.hosts), BootstrapLooks(self.hosts)
        await _do(acts.place_run, ref)
        await _do(acts.start_playbook, ref)
        role = ""
        while True:
            request = AwaitPlaybookRequest.model_validate(
                {"site": SITE, "run": run, "book": "backup", "within": "20m", "role": role}
            )
            end: PlaybookEnd = await _do(looks.await_playbook, request)
            if end.how != "moved":
                return end
            role = role_of(end.task)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    if not is_installed():
        pytest.skip("no OpenSSH server and Ansible here: run make test as root")
    folder = tmp_path_factory.mktemp("host")
    with sshd(folder) as server:
        ground, inventory = server.ground, folder / "inventory.yaml"
        ground.path(f"{PLATFORM}/platform.conf").write_text(CONF)
        ground.path(f"{PLATFORM}/.initial_config_complete").touch()
        for name, text in (("admin", ADMIN), ("sudo", SUDO)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        login = {"username": server.user, "private_key": "file:user", "password": "file:sudo"}
        controller = {
            "name": SITE,
            "auth_url": "https://10.10.10.2:5000/v3",
            "credential": {"password": "file:admin"},
            "ssh": {
                "address": f"127.0.0.1:{server.port}",
                "host_key": server.host_key,
                "credential": login,
            },
        }
        inventory.write_text(yaml.safe_dump({"system_controllers": [controller]}))
        declare_archive(inventory)
        archives = Archives(lambda: load_inventory(inventory), Timing())
        async with await Store.open(f"sqlite+aiosqlite:///{folder / 'records.db'}") as store:
            yield House(server, store, inventory, archives)
        archives.close()


async def test_a_system_controllers_own_playbook_makes_archives_that_get_into_the_store(
    house: House,
) -> None:
    ready = await _do(ReadinessLooks(house.hosts).look_at_backup_host, BootstrapRef(site=SITE, book="backup"))
    assert (ready.release, ready.topology, ready.is_system_controller) == ("26.03", "AIO-SX", True)
    assert own_backup.decide(ready) == own_backup.Decision()
    old = house.own / "localhost_platform_backup_2025_01_01_00_00_00.tgz"
    old.write_bytes(b"of last year")
    _aged(old)
    end = await house.play("0198c0de-0000-7000-8000-0000000000a1", registry_images=True)
    assert (end.how, end.exit_code) == ("so", 0), end
    seen = await _do(
        BootstrapLooks(house.hosts).look_at_installed_host, BootstrapRef(site=SITE, book="backup")
    )
    (run,) = seen.runs
    assert (run.book, run.has_secrets, run.started is not None) == ("backup", False, True)
    files = await house.find(since=run.started)
    assert {each.kind: each.size for each in files} == {"platform": 20 * 2**20, "registry": 3 * 2**20}
    assert len(await house.find()) == 3
    backup = str(BackupId.of(SITE, NOW, "controller", "a" * 8))
    entries = [await house.take(backup, each) for each in files]
    assert [each.sha256 for each in entries] == [_sha256(house.own / each.name) for each in files]
    await _sealed(house, backup, entries)
    dropped = await _do(
        house.platforms.drop_platform, DropPlatformRequest(site=SITE, door="site", files=files)
    )
    assert dropped.words.count("removed") == 2
    assert [path.name for path in house.own.iterdir()] == [old.name]
    await _do(
        BootstrapActivities(house.hosts).wipe_secrets,
        WipeSecretsRequest(site=SITE, book="backup", run=run.run),
    )
    left = {str(path): path.read_bytes() for path in house.server.ground.home.rglob("*") if path.is_file()}
    assert any(name.endswith("/log") for name in left)
    for secret in (ADMIN, SUDO):
        assert found(secret, left) == set()


async def test_what_is_in_the_store_is_put_back_and_never_over_another(house: House) -> None:
    folder = "/opt/dc-vault/backups/subcloud1/26.03"
    name = "subcloud1_platform_backup_2026_11_22.tgz"
    there = house.server.ground.path(folder)
    there.mkdir(parents=True)
    content = bytes(range(256)) * 2**13
    (there / name).write_bytes(content)
    (file,) = await house.find(folder)
    backup = str(BackupId.of(SITE, NOW, "platform", "b" * 8))
    await _sealed(house, backup, [await house.take(backup, file)])
    back = PutPlatformBackRequest(backup=backup, site=SITE, door="site", folder=folder, name=file.object)
    assert "is in" in (await _do(house.platforms.put_platform_back, back)).words
    (there / name).unlink()
    assert "was put into" in (await _do(house.platforms.put_platform_back, back)).words
    assert (there / name).read_bytes() == content
    (there / name).write_bytes(b"of somebody")
    with pytest.raises(Refused, match=f"{name} is there, and not from"):
        await _do(house.platforms.put_platform_back, back)
    assert (there / name).read_bytes() == b"of somebody"
    assert (
        "another"
        in (
            await _do(
                house.platforms.drop_platform, DropPlatformRequest(site=SITE, door="site", files=(file,))
            )
        ).words
    )
    assert [path.name for path in there.iterdir()] == [name]


async def test_what_changes_under_the_stream_gets_into_no_backup(house: House) -> None:
    path = house.own / "other_platform_backup_2026_11_22.tgz"
    path.write_bytes(b"a" * 2**20)
    file = next(each for each in await house.find() if each.name == path.name)
    backup = str(BackupId.of(SITE, NOW, "platform", "c" * 8))
    for changed in (b"b" * 2**20, b"a" * 2**10):
        path.write_bytes(changed)
        with pytest.raises(Refused, match="somebody writes there"):
            await house.take(backup, file)
    assert await house.archives.found(backup, file.object) is None
    path.write_bytes(b"a" * 2**20)
    assert (await house.take(backup, file)).sha256 == file.sha256


async def test_a_failed_playbook_is_told_without_secrets_and_leaves_no_backup(house: House) -> None:
    (house.server.control / "fail").touch()
    end = await house.play("0198c0de-0000-7000-8000-0000000000a2")
    (house.server.control / "fail").unlink()
    assert (end.how, end.exit_code) == ("failed", 2)
    assert "***" in end.words
    assert found(ADMIN, {"words": end.words.encode()}) == set()
    ready = await _do(ReadinessLooks(house.hosts).look_at_backup_host, BootstrapRef(site=SITE, book="backup"))
    gate = own_backup.decide(ready).gate
    assert "a backup has begun on" in gate.why
    house.server.ground.path(f"{PLATFORM}/.backup_in_progress").unlink()


async def test_a_wrong_sudo_password_and_a_wrong_host_key_are_told(house: House) -> None:
    wrong = house.inventory.parent / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("nope")
    right = yaml.safe_load(house.inventory.read_text())["system_controllers"][0]["ssh"]
    house.declare(credential=right["credential"] | {"password": "file:wrong"})
    with pytest.raises(Refused, match="incorrect password"):
        await house.find()
    house.declare(**right | {"host_key": "SHA256:" + "A" * 43})
    with pytest.raises(Refused, match="shows another host key"):
        await house.find()
    house.declare(**right)


async def _do(method: Callable[..., Any], request: Any) -> Any:
    return await ActivityEnvironment().run(method, request)


async def _sealed(house: House, backup: str, entries: list[ObjectEntry]) -> None:
    archive = await house.archives.of(backup)
    origin = Origin(region="RegionOne", system_controller=SITE, release="26.03", topology="AIO-SX")
    manifest = Manifest(
        backup=backup,
        origin=origin,
        began=NOW,
        ended=NOW,
        key_id=archive.newest.id,
        objects=tuple(entries),
    )
    await asyncio.to_thread(archive.writer(backup).seal, manifest, archive.newest)
    assert (await asyncio.to_thread(archive.reader.verify, backup, True, NOW)).good


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _aged(path: Path) -> None:
    os.utime(path, (1_700_000_000, 1_700_000_000))
