"""The program that is sent into libvirt's pods, with a real libvirt and a guest that has Debian's agent."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from activities.kubernetes.freezing import PROGRAM
from simulator.openstack import guests as simulated
from tests.support import libvirt as libvirts
from tests.support.components import used
from tests.support.guest import BARE, UUID, DiskCopy, GuestVm, guest, what_is_missing

COMPONENT = "QEMU guest agent under libvirt"


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuestVm]:
    if missing := libvirts.what_is_missing() or what_is_missing():
        pytest.skip(f"{missing}; `make test` as root installs it")
    with libvirts.libvirt() as machine, guest(machine, tmp_path_factory.mktemp("guest")) as found:
        yield found
        used(COMPONENT, found.version)


class Freezing:
    """As a kubelet runs it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def hang_up(self) -> None:
        """Nobody reads it any more, and its input has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.stdin.close()


@contextmanager
def freezing(vm: GuestVm, limit_s: int = 30, uuid: str = UUID) -> Iterator[Freezing]:
    process = subprocess.Popen(
        ["bash", "-c", PROGRAM, "starflock-freeze", uuid, str(limit_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=vm.environment,
        start_new_session=True,
    )
    with process:
        try:
            yield Freezing(process)
            process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_what_is_copied_while_the_guest_is_frozen_needs_no_recovery_and_fits_together(
    vm: GuestVm, tmp_path: Path
) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 2"
        content = vm.content()
        first = DiskCopy.of(vm.first, tmp_path / "first")
        second = DiskCopy.of(vm.second, tmp_path / "second")
        assert 0 <= first.counter - second.counter <= 1, "the second disk is never ahead"
        assert [(each.needs_recovery, each.is_clean) for each in (first, second)] == [(False, True)] * 2
        assert vm.content() == content
        program.say()
        assert program.line() == "thawed 2 asked"
    assert vm.writes()


def test_without_a_freeze_copies_need_recovery_and_do_not_fit_together(vm: GuestVm, tmp_path: Path) -> None:
    """The control of the one before."""
    first = DiskCopy.of(vm.first, tmp_path / "first")
    assert first.needs_recovery
    assert all(vm.writes() for _ in range(20)), "at least one turn of both disks"
    with freezing(vm) as program:
        assert program.line() == "frozen 2"
        assert DiskCopy.of(vm.second, tmp_path / "second").counter > first.counter
        program.say()


def test_the_guest_is_thawed_whatever_becomes_of_who_froze_it(vm: GuestVm) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 2"
        program.hang_up()
    assert not vm.is_frozen()
    with freezing(vm, limit_s=1) as program:
        assert [program.line(), program.line()] == ["frozen 2", "thawed 2 late"]
    assert not vm.is_frozen()
    with freezing(vm) as program:
        assert program.line() == "frozen 2"
        program.process.terminate()
        assert program.line() == "thawed 2 ended"
    assert not vm.is_frozen()
    assert vm.writes()


def test_a_guest_left_frozen_by_a_dead_node_is_thawed_first(vm: GuestVm) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 2"
        os.killpg(program.process.pid, signal.SIGKILL)
    assert vm.is_frozen(), "the control: nobody is left to thaw it"
    with freezing(vm) as program:
        assert [program.line(), program.line()] == ["thawed 2 before", "frozen 2"]
        # Somebody else thaws it: what was copied until now was not still.
        vm.machine.virsh("domfsthaw", UUID)
        program.say()
        assert program.line() == "thawed 0 asked"
    assert not vm.is_frozen()
    vm.machine.virsh("domfsfreeze", UUID)
    with freezing(vm) as program:
        assert program.line() == "left it has no mark of ours"
    vm.machine.virsh("domfsthaw", UUID)


def test_a_guest_without_an_agent_is_refused_in_the_words_that_the_simulator_has(vm: GuestVm) -> None:
    with freezing(vm, uuid=BARE) as program:
        assert program.line() == f"refused {simulated.NOT_CONFIGURED.strip()}"
    vm.stop_agent_and_kill_it_later()
    for words in (simulated.NOT_AVAILABLE, simulated.NOT_CONNECTED):
        vm.await_words_for_agent(words.strip())
        with freezing(vm) as program:
            assert program.line() == f"refused {words.strip()}"
