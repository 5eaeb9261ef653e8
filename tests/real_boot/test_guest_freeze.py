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
from tests.support.guest import BARE, UUID, GuestVm, guest, what_is_missing

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


def test_what_is_copied_while_the_guest_is_frozen_needs_no_recovery(vm: GuestVm, tmp_path: Path) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 1"
        content, first = vm.content(), vm.copied(tmp_path / "first")
        later = vm.copied(tmp_path / "later")
        assert later.counter == first.counter > 0
        assert vm.content() == content
        assert (first.needs_recovery, first.is_clean) == (False, True)
        program.say()
        assert program.line() == "thawed 1 asked"
    assert vm.writes()
    # The control: what a copy is like that nobody froze for.
    assert vm.copied(tmp_path / "unfrozen").needs_recovery


def test_the_guest_is_thawed_whatever_becomes_of_who_froze_it(vm: GuestVm) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 1"
        program.hang_up()
    assert not vm.is_frozen()
    with freezing(vm, limit_s=1) as program:
        assert [program.line(), program.line()] == ["frozen 1", "thawed 1 late"]
    assert not vm.is_frozen()
    with freezing(vm) as program:
        assert program.line() == "frozen 1"
        program.process.terminate()
        assert program.line() == "thawed 1 ended"
    assert not vm.is_frozen()
    assert vm.writes()


def test_a_guest_left_frozen_by_a_dead_node_is_thawed_first(vm: GuestVm) -> None:
    with freezing(vm) as program:
        assert program.line() == "frozen 1"
        os.killpg(program.process.pid, signal.SIGKILL)
    assert vm.is_frozen(), "the control: nobody is left to thaw it"
    with freezing(vm) as program:
        assert [program.line(), program.line()] == ["thawed 1 before", "frozen 1"]
        # Somebody else thaws it: what was copied until now was not still.
        vm.machine.virsh("domfsthaw", UUID)
        program.say()
        assert program.line() == "thawed 0 asked"
    assert not vm.is_frozen()


def test_a_guest_without_an_agent_is_refused_in_the_words_that_the_simulator_has(vm: GuestVm) -> None:
    with freezing(vm, uuid=BARE) as program:
        assert program.line() == f"refused {simulated.NOT_CONFIGURED.strip()}"
    vm.stop_agent_and_kill_it_later()
    for words in (simulated.NOT_AVAILABLE, simulated.NOT_CONNECTED):
        vm.await_words_for_agent(words.strip())
        with freezing(vm) as program:
            assert program.line() == f"refused {words.strip()}"
