"""The simulated restore playbook refuses what the real one does, each beside the run that passes."""

from pathlib import Path
from typing import Any

import pytest

from simulator.cloud import saving
from simulator.dcmanager.landing import BARE, becomes_bare
from simulator.options import Options
from simulator.region import build
from simulator.ssh.ground import Ground
from simulator.ssh.restore_play import FLAG, RestorePlay

PASSWORD = "St8rlingX*"
NAME = "localhost_platform_backup_2026_11_22.tgz"


async def played(folder: Path, change: Any = None, **values: Any) -> tuple[int, str]:
    """Exit code and output of a run on a freshly installed host; `change` is told of the play before."""
    options = Options(sites=1, inventory=folder / "i.yaml", plain=True, bmcs=False)
    site = build(options).sites["edge-0001"]
    content = saving.pack(site)
    becomes_bare(site)
    ground = Ground(folder / "root", "", PASSWORD)
    (ground.home / NAME).write_bytes(content)
    told: list[str] = []

    async def at_once(share: float) -> None:
        assert share

    given = {"initial_backup_dir": str(ground.home), "backup_filename": NAME, "ansible_become_pass": PASSWORD}
    play = RestorePlay(
        intent="host.restore",
        values=given | values,
        password=PASSWORD,
        ground=ground,
        cloud=site,
        fails=False,
        tell=told.append,
        wait=at_once,
    )
    if change is not None:
        change(play)
    return await play.run(), "\n".join(told)


async def test_a_freshly_installed_host_is_restored_and_the_restore_is_in_progress(tmp_path: Path) -> None:
    found: list[RestorePlay] = []
    assert (await played(tmp_path, found.append))[0] == 0
    site = found[0].cloud
    assert (site.dark, site.restoring, site.active.locked) == (False, True, True)


@pytest.mark.parametrize(
    ("change", "values", "words"),
    [
        (None, {"ansible_become_pass": "nope"}, "Wrong ansible_become_pass"),
        (lambda play: play.cloud.come_back(BARE), {}, "already unlocked"),
        (lambda play: play.ground.flag(FLAG, True), {}, "already in progress"),
        (None, {"backup_filename": "x.tgz"}, "does not exist"),
        (None, {"backup_encryption_enabled": True}, "do not match"),
        (lambda play: setattr(play.cloud.identity, "region", "other"), {}, "does not match other"),
        (lambda play: setattr(play.cloud.identity, "standard", True), {}, "subfunctions"),
    ],
)
async def test_what_the_real_playbook_refuses_is_refused(
    tmp_path: Path, change: Any, values: dict[str, Any], words: str
) -> None:
    code, out = await played(tmp_path, change, **values)
    assert (code, words in out) == (2, True), out
