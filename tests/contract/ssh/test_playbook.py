"""Detached, once, followed, taken up again, ended, wiped: what a bootstrap asks of its host."""

import asyncio
import os
import shutil
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.errors import Busy, NotYet, Refused, Transient
from models.bootstrap import (
    AwaitPlaybookRequest,
    BootstrapRef,
    BootstrapRunRef,
    InstalledHost,
    PlaybookEnd,
    PlaybookStep,
    StopRequest,
    Wiped,
    WipeSecretsRequest,
    role_of,
)
from tests.contract.ssh.targets import ADMIN, Target
from tests.support.secret_scan import found
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = "0198c0de-0000-7000-8000-000000000001"
OTHER = "0198c0de-0000-7000-8000-000000000002"


async def _do(method: Callable[..., Any], request: Any) -> Any:
    return await ActivityEnvironment().run(method, request)


async def _look(target: Target) -> InstalledHost:
    seen: InstalledHost = await _do(target.looks.look_at_installed_host, BootstrapRef(site=target.site))
    return seen


async def _begin(target: Target, run: str = RUN) -> PlaybookStep:
    ref = BootstrapRunRef(site=target.site, run=run)
    await _do(target.acts.place_run, ref)
    step: PlaybookStep = await _do(target.acts.start_playbook, ref)
    return step


async def _end(target: Target, run: str = RUN, within: str = "20m", silence: str = "10m") -> PlaybookEnd:
    """To its end, whatever roles it comes to."""
    role = ""
    while True:
        request = AwaitPlaybookRequest.model_validate(
            {"site": target.site, "run": run, "within": within, "silence": silence, "role": role}
        )
        end: PlaybookEnd = await _do(target.looks.await_playbook, request)
        if end.how != "moved":
            return end
        assert role_of(end.task) != role
        role = role_of(end.task)


async def _wipe(target: Target) -> Wiped:
    done: Wiped = await _do(target.acts.wipe_secrets, WipeSecretsRequest(site=target.site, run=RUN))
    return done


async def _run_folder(target: Target, run: str = RUN) -> Path:
    return await target.home() / ".starflock/bootstrap" / run


async def _until_running(target: Target) -> None:
    async def begun() -> bool:
        return await target.starts() == 1

    await until(begun, "the playbook")


def _written(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_playbook_runs_to_its_end_and_leaves_no_secret(target: Target) -> None:
    before = await _look(target)
    assert (before.bootstrapped, before.playbook, before.lacks, before.runs) == (False, True, (), ())
    assert (await _begin(target)).state in ("running", "ended")
    end = await _end(target)
    assert (end.how, end.exit_code) == ("so", 0)
    after = await _look(target)
    assert after.bootstrapped
    (run,) = after.runs
    assert (run.state, run.exit_code, run.ours, run.has_secrets) == ("ended", 0, True, False)
    assert "Mark the bootstrap as completed" in run.task
    assert (await _wipe(target)).left == ()
    assert found(ADMIN, _written(await target.home())) == set()
    assert await target.starts() == 1


async def test_overrides_are_for_the_user_alone_and_secrets_in_a_file_of_their_own(target: Target) -> None:
    await _do(target.acts.place_run, BootstrapRunRef(site=target.site, run=RUN))
    folder = await _run_folder(target)
    modes = {path.relative_to(folder): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert {mode for path, mode in modes.items() if (folder / path).is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if (folder / path).is_dir()} == {0o700}
    assert stat.S_IMODE(folder.parent.parent.stat().st_mode) == 0o700
    secret = (folder / "overrides/localhost_secrets.yml").read_text()
    assert f"admin_password: !unsafe '{ADMIN}'" in secret
    assert {Path(name).name for name, _ in found(ADMIN, _written(folder))} == {"localhost_secrets.yml"}
    assert (await _wipe(target)).left == ()
    assert found(ADMIN, _written(await target.home())) == set()


async def test_two_starts_of_one_run_start_one_playbook(target: Target) -> None:
    await target.hold()
    ref = BootstrapRunRef(site=target.site, run=RUN)
    await _do(target.acts.place_run, ref)
    steps = await asyncio.gather(*(_do(target.acts.start_playbook, ref) for _ in range(3)))
    assert {step.state for step in steps} == {"running"}
    assert (await _do(target.acts.place_run, ref)).state == "running"
    await _until_running(target)
    await target.go()
    assert (await _end(target)).how == "so"
    assert await target.starts() == 1


async def test_two_runs_are_kept_from_each_other_by_the_host(target: Target) -> None:
    """Also where neither saw the other when it looked."""
    await target.hold()
    await _do(target.acts.place_run, BootstrapRunRef(site=target.site, run=OTHER))
    await _begin(target)
    with pytest.raises(Busy, match=RUN):
        await _begin(target, OTHER)
    hosts = target.hosts
    async with hosts.visit(hosts.declared(target.site)) as session:
        await session.run("start", OTHER)
    end = await _end(target, OTHER)
    assert (end.how, end.exit_code) == ("failed", 75)
    assert "another run of Starflock is at work" in end.words
    await target.go()
    assert (await _end(target)).how == "so"
    assert await target.starts() == 1


async def test_a_lost_connection_is_bridged(target: Target) -> None:
    await target.hold()
    await _begin(target)
    await _until_running(target)
    following = asyncio.create_task(_end(target))
    before = await target.logins()

    async def logged_in_since() -> bool:
        return await target.logins() > before

    await until(logged_in_since, "the wait's session")
    await target.cut()
    await until(_more_logins(target, await target.logins()), "another session")
    await target.go()
    assert (await following).how == "so"
    assert await target.starts() == 1


async def test_another_worker_takes_the_run_up(target: Target) -> None:
    await target.hold()
    await _begin(target)
    await _until_running(target)
    first = asyncio.create_task(_end(target))
    await until(_more_logins(target, await target.logins()), "the wait's session")
    first.cancel()
    await asyncio.wait([first])
    seen = await _look(target)
    assert seen.running is not None
    assert (seen.running.run, seen.running.ours) == (RUN, True)
    await target.go()
    assert (await _end(target)).how == "so"
    assert await target.starts() == 1


async def test_a_failure_is_told_without_its_secrets_and_they_leave_the_log(target: Target) -> None:
    await target.fail()
    await _begin(target)
    end = await _end(target)
    assert (end.how, end.exit_code) == ("failed", 2)
    assert end.words.startswith("fatal: [localhost]: FAILED!"), end.words
    assert "***" in end.words
    assert found(ADMIN, {"words": end.words.encode()}) == set()
    log = await _run_folder(target) / "log"
    # The search would find it: Ansible shows the arguments of a module that fails.
    assert found(ADMIN, {"log": log.read_bytes()}) != set()
    assert (await _wipe(target)).left == ()
    assert found(ADMIN, _written(await target.home())) == set()
    assert "(lines with secrets were taken out)" in log.read_text()
    assert not (await _look(target)).bootstrapped


async def test_a_playbook_is_ended_but_not_within_what_may_not_be_cut_off(target: Target) -> None:
    await target.hold()
    await _begin(target)
    await _until_running(target)
    (run,) = (await _look(target)).runs
    held = StopRequest(site=target.site, run=RUN, not_during=(run.task,))
    with pytest.raises(NotYet, match="may not be cut off"):
        await _do(target.acts.stop_playbook, held)
    assert (await _look(target)).running is not None
    step = await _do(target.acts.stop_playbook, held.model_copy(update={"not_during": ()}))
    assert step.state == "ended"
    seen = await _look(target)
    (run,) = seen.runs
    assert (seen.running, seen.bootstrapped) == (None, False)
    assert run.exit_code not in (None, 0)
    # What started the playbook has wiped by itself.
    assert not run.has_secrets


async def test_somebody_elses_playbook_holds_and_is_left_alone(target: Target) -> None:
    await target.hold()
    await _do(target.acts.place_run, BootstrapRunRef(site=target.site, run=RUN))
    folder = await _run_folder(target)
    copy = folder.parent.parent.parent / "mine"
    copy.mkdir()
    for file in (folder / "overrides").iterdir():
        (copy / file.name).write_text(file.read_text())
    book = "/usr/share/ansible/stx-ansible/playbooks/bootstrap.yml"
    person = target.ssh(f"exec ansible-playbook {book} -e override_files_dir={copy} >/dev/null 2>&1")
    try:

        async def seen() -> bool:
            return bool((await _look(target)).foreign)

        await until(seen, "the person's playbook")
        assert "bootstrap.yml as process" in (await _look(target)).busy
        with pytest.raises(Busy, match="somebody runs"):
            await _begin(target)
        await _until_running(target)
        await target.go()
        assert await asyncio.to_thread(person.wait, 30) == 0
    finally:
        person.kill()
        person.wait()
    assert await target.starts() == 1


async def test_a_run_whose_process_is_gone_without_a_word_is_called_dead(target: Target) -> None:
    await target.hold()
    await _begin(target)
    await _until_running(target)
    folder = await _run_folder(target)
    while running := _of(folder):
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    end = await _end(target)
    assert end.how == "died"
    seen = await _look(target)
    assert (seen.running, seen.runs[0].state, seen.runs[0].has_secrets) == (None, "died", True)
    assert (await _wipe(target)).left == ()
    assert not (await _look(target)).runs[0].has_secrets


async def test_a_wipe_leaves_the_secrets_of_a_run_that_is_not_ours(target: Target) -> None:
    await _do(target.acts.place_run, BootstrapRunRef(site=target.site, run=RUN))
    folder = await _run_folder(target)
    shutil.copytree(folder, folder.with_name(OTHER))
    assert (await _wipe(target)).left == ()
    left = {run.run: run.has_secrets for run in (await _look(target)).runs}
    assert left == {RUN: False, OTHER: True}


async def test_a_host_with_another_key_is_sent_nothing(target: Target) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMT0RJt8RmOV0nZ7NZO4HzlotUROXFpbwmagzCYVAMfy"
    right = target.fingerprint
    for wrong in (other, "SHA256:" + "A" * 43):
        target.declare(host_key=wrong)
        with pytest.raises(Refused, match="shows another host key") as refused:
            await _look(target)
        assert "nothing was sent" in str(refused.value)
    assert (await target.logins(), await target.refused_logins()) == (0, 0)
    target.declare(host_key=right)
    assert not (await _look(target)).bootstrapped


async def test_a_known_hosts_file_is_believed_and_an_empty_one_is_not(target: Target) -> None:
    host, port = target.address
    hosts = target.inventory.parent / f"{target.site}-known"
    hosts.write_text(f"[{host}]:{port} {target.host_key}\n")
    target.declare(host_key=None, known_hosts=hosts.name)
    assert not (await _look(target)).bootstrapped
    hosts.write_text("")
    with pytest.raises(Refused, match="shows another host key"):
        await _look(target)


async def test_a_wrong_password_is_tried_once(target: Target) -> None:
    wrong = target.inventory.parent / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text(ADMIN)
    target.declare(credential={"username": target.user, "password": "file:wrong"})
    with pytest.raises(Refused, match="does not accept our password") as refused:
        await _look(target)
    assert found(ADMIN, {"words": str(refused.value).encode()}) == set()
    assert await target.refused_logins() == 1


async def test_nobody_there_is_transient_for_a_look_and_silence_for_a_wait(target: Target) -> None:
    from workers.embedded import free_port

    target.declare(address=f"127.0.0.1:{free_port()}")
    with pytest.raises(Transient):
        await _look(target)
    end = await _end(target, silence="5s")
    assert end.how == "silent"


def _more_logins(target: Target, than: int) -> Callable[[], Any]:
    async def more() -> bool:
        return await target.logins() > than

    return more


def _of(folder: Path) -> list[int]:
    """The processes of a run; first what started the playbook, so that it tells nothing of its end."""
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_dead = (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            if str(folder).encode() in (process / "cmdline").read_bytes() and not is_dead:
                running.append(int(process.name))
    wrapper = int((folder / "process").read_text().split()[0])
    return sorted(running, key=lambda each: each != wrapper)
