"""A host restored by its own playbooks: looked at, given the archives of a backup, played, wiped.

OpenSSH and Ansible are real; the playbooks are stand-ins with the names and variables of StarlingX's
`restore_platform.yml` and `restore_dc_vault.yml`.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from activities.errors import Refused
from activities.ssh.activities import BootstrapActivities
from activities.ssh.carrying import CarryActivities
from activities.ssh.looks import BootstrapLooks
from activities.ssh.restoring import PlatformRestoreActivities
from models.archive import BackupId
from models.bootstrap import (
    AwaitPlaybookRequest,
    Book,
    BootstrapRunRef,
    PlaybookEnd,
    RestoreValues,
    WipeSecretsRequest,
    role_of,
)
from models.platform_restore import CARRIED, CarryArchiveRequest, RestorableHost, RestorableRef
from models.restore import MarkRestoreRequest
from models.upload import Carried, DropCarriedRequest
from rules import platform_restore as rules
from simulator.ssh.ground import PLATFORM
from tests.contract.ssh.test_backup import ADMIN, NOW, SITE, House, _do, _sealed, house
from tests.support.secret_scan import found
from tests.support.sshd import SUDO
from workers.platform_cargo import PlatformCargo

__all__ = ["house"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

BACKUP = str(BackupId.of(SITE, NOW, "controller", "d" * 8))
NAMES = [f"localhost_{what}_backup_2026_11_22.tgz" for what in ("platform", "image_registry", "dc_vault")]
CONTENT = bytes(range(256)) * 2**13


def acts(house: House) -> PlatformRestoreActivities:
    return PlatformRestoreActivities(house.hosts, PlatformCargo(house.archives))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archived(house: House) -> AsyncIterator[dict[str, bytes]]:
    """Three archives in the store, none on the host."""
    made = {name: name.encode() + CONTENT for name in NAMES}
    for name, content in made.items():
        (house.own / name).write_bytes(content)
    files = await house.find()
    await _sealed(house, BACKUP, [await house.take(BACKUP, file) for file in files])
    for path in house.own.iterdir():
        path.unlink()
    house.server.ground.path(f"{PLATFORM}/.initial_config_complete").unlink()
    yield made


async def look(house: House) -> RestorableHost:
    seen: RestorableHost = await _do(
        acts(house).look_at_restorable_host, RestorableRef(site=SITE, backup=BACKUP)
    )
    return seen


async def carry(house: House, name: str) -> Carried:
    request = CarryArchiveRequest(site=SITE, backup=BACKUP, name=f"platform/{name}")
    done: Carried = await _do(acts(house).carry_archive, request)
    return done


async def play(house: House, run: str, book: Book, values: RestoreValues) -> PlaybookEnd:
    ref = BootstrapRunRef(site=SITE, run=run, book=book, restore=values)
    runs, looks = BootstrapActivities(house.hosts), BootstrapLooks(house.hosts)
    await _do(runs.place_run, ref)
    await _do(runs.start_playbook, ref)
    await _do(runs.start_playbook, ref)
    role = ""
    while True:
        request = AwaitPlaybookRequest.model_validate(
            {"site": SITE, "run": run, "book": book, "within": "20m", "role": role}
        )
        end: PlaybookEnd = await _do(looks.await_playbook, request)
        if end.how != "moved":
            return end
        role = role_of(end.task)


async def test_what_is_carried_goes_on_where_it_was_left_and_is_the_manifests(
    house: House, archived: dict[str, bytes]
) -> None:
    name = NAMES[0]
    done = await carry(house, name)
    there = Path(done.path)
    assert (done.sent, there.read_bytes()) == (len(archived[name]), archived[name])
    assert there.stat().st_mode & 0o077 == 0
    assert (await carry(house, name)).sent == 0
    sha256 = next(
        each.sha256 for each in (await house.archives.manifest(BACKUP)).objects if each.name.endswith(name)
    )
    half = len(archived[name]) // 2
    there.unlink()
    part = there.parent / f".{name}.{sha256}"
    part.write_bytes(archived[name][:half])
    assert (await carry(house, name)).sent == len(archived[name]) - half
    assert there.read_bytes() == archived[name]


async def test_a_host_is_restored_once_and_keeps_neither_secrets_nor_archives(
    house: House, archived: dict[str, bytes]
) -> None:
    seen = await look(house)
    assert (seen.playbook, seen.restoring, seen.release, seen.system_type) == (
        True,
        False,
        "26.03",
        "All-in-one",
    )
    assert (seen.begun, seen.installed_for_it, rules.is_fresh(seen)) == (False, False, True)
    mark = MarkRestoreRequest(site=SITE, backup=BACKUP)
    await _do(acts(house).note_restore_begun, mark)
    folder = str(Path((await carry(house, NAMES[0])).path).parent)
    await carry(house, NAMES[1])
    values = RestoreValues(
        backup=BACKUP, folder=folder, file=NAMES[0], registry=NAMES[1], optimized=True, wipe_ceph_osds=False
    )
    run = "0198c0de-0000-7000-8000-0000000000b1-restore_platform"
    end = await play(house, run, "restore_platform", values)
    assert (end.how, end.exit_code) == ("so", 0), end
    control = house.server.control
    assert (control / "restored").read_bytes() == archived[NAMES[0]]
    assert (control / "registry").read_bytes() == archived[NAMES[1]]
    assert (control / "how").read_text().split() == ["optimized", "False", "True"]
    assert (control / "started").read_text().split().count("restore_platform") == 1
    seen = await look(house)
    ours = [each for each in seen.installed.runs if each.book == "restore_platform"]  # type: ignore[union-attr]
    assert [(each.run, each.backup, each.state, each.exit_code) for each in ours] == [
        (run, BACKUP, "ended", 0)
    ]
    assert (seen.begun, seen.restoring) == (True, True)
    again = await play(house, run.replace("b1", "b2"), "restore_platform", values)
    assert (again.how, "already in progress" in again.words) == ("failed", True), again
    await carry(house, NAMES[2])
    vault = RestoreValues(backup=BACKUP, folder=folder, file=NAMES[2])
    end = await play(house, run.replace("b1", "b3"), "restore_dc_vault", vault)
    assert (end.how, (control / "vault").read_bytes()) == ("so", archived[NAMES[2]]), end
    await _do(
        CarryActivities(house.hosts).drop_carried,
        DropCarriedRequest(site=SITE, release=CARRIED, folder=None),
    )
    assert not Path(folder).exists()
    await _do(acts(house).forget_platform_restore, mark)
    assert (await look(house)).begun is False
    await _do(
        BootstrapActivities(house.hosts).wipe_secrets,
        WipeSecretsRequest(site=SITE, book="restore_platform", run=run),
    )
    home = house.server.ground.home
    left = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for secret in (ADMIN, SUDO):
        assert found(secret, left) == set()


async def test_a_damaged_archive_never_gets_its_name_on_the_host(
    house: House, archived: dict[str, bytes]
) -> None:
    stored = house.inventory.parent / "archive" / BACKUP / "objects/platform" / NAMES[0]
    content = stored.read_bytes()
    stored.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(Refused):
        await carry(house, NAMES[0])
    stored.write_bytes(content)
    folder = house.server.ground.home / f"starflock-{CARRIED}"
    assert not (folder / NAMES[0]).exists()
