"""A VM with Debian's own QEMU guest agent: it writes a counter to two ext4 disks all the time.

Debian's cloud kernel with a made initial file system, booted by libvirt: busybox, the agent with its
libraries, and two disks whose file `counter` is written and synced in a loop, on the first before the second.
The disks are raw files here, so what a snapshot of one would hold is a copy.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import installer
from tests.support.libvirt import Libvirt

AGENT = Path(__file__).parents[2] / ".cache" / "guest-agent" / "usr/sbin/qemu-ga"
"""Unpacked by `make test` from Debian's package qemu-guest-agent; not installed."""
PROGRAMS = ("bash", "debugfs", "dumpe2fs", "e2fsck", "mkfs.ext4", *installer.PROGRAMS)
MODULES = ("virtio_pci", "virtio_blk", "virtio_console")
UUID = "b7f1c0de-5a5a-4b4b-8c8c-0123456789ab"
BARE = "b7f1c0de-5a5a-4b4b-8c8c-0123456789ac"
"""Another VM, which has no channel for an agent."""
STOP_AND_KILL = json.dumps(
    {
        "execute": "guest-exec",
        "arguments": {
            "path": "/bin/sh",
            "arg": ["-c", "killall -STOP qemu-ga; sleep 14; killall -KILL qemu-ga"],
        },
    }
)
BOOTS_WITHIN_S = 90.0

INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /run /first /second /var
ln -s /run /var/run
for module in $(cat /modules/order); do insmod /modules/$module; done
while [ ! -b /dev/vda ] || [ ! -b /dev/vdb ]; do sleep 0.1; done
mount -t ext4 /dev/vda /first
mount -t ext4 /dev/vdb /second
for port in /sys/class/virtio-ports/*; do
  grep -q guest_agent $port/name && agent=/dev/${port##*/}
done
qemu-ga -m virtio-serial -p $agent -t /run > /dev/ttyS0 2>&1 &
number=0
while true; do
  number=$((number + 1))
  for disk in /first /second; do
    echo $number > $disk/next && mv $disk/next $disk/counter && sync
  done
  usleep 20000
done
"""
MACHINE = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{mib}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>{boots}</os>
  <features><acpi/></features>
  <devices>{devices}</devices>
</domain>
"""
BOOTS = "<kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0 quiet panic=5</cmdline>"
DISK = """\
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='{disk}'/><target dev='{name}' bus='virtio'/>
    </disk>
"""
DEVICES = """\
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <serial type='file'><source path='{serial}'/><target port='0'/></serial>
"""


def what_is_missing() -> str:
    """Why this cannot run here, in words; empty when it can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    if not AGENT.exists():
        return "no qemu-guest-agent of Debian is unpacked here"
    if "not found" in _run(["ldd", AGENT]):
        return "libraries of qemu-guest-agent are missing here"
    return "" if installer.kernel() else "no kernel to boot here"


@dataclass(frozen=True)
class GuestVm:
    machine: Libvirt
    first: Path
    second: Path

    @property
    def version(self) -> str:
        return f"{_run([AGENT, '--version']).strip()} in a guest of {self.machine.version}"

    @property
    def environment(self) -> dict[str, str]:
        """In which `virsh` finds this libvirt."""
        run = str(self.first.parent)
        return {"PATH": _path(), "LIBVIRT_DEFAULT_URI": self.machine.uri, "XDG_RUNTIME_DIR": run}

    def agent(self, asked: str) -> str:
        """`virsh qemu-agent-command`; what it says either way."""
        command = ["virsh", "-q", "qemu-agent-command", "--timeout", "5", UUID, asked]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment)
        return (done.stdout + done.stderr).strip()

    def stop_agent_and_kill_it_later(self) -> None:
        assert '"return"' in self.agent(STOP_AND_KILL)

    def await_words_for_agent(self, words: str) -> None:
        """Those with which libvirt says that it does not answer."""
        deadline = time.monotonic() + 40
        while (said := self.agent('{"execute":"guest-ping"}')) != words:
            assert time.monotonic() < deadline, said

    def is_frozen(self) -> bool:
        return '"frozen"' in self.agent('{"execute":"guest-fsfreeze-status"}')

    def content(self) -> str:
        """What the disks hold at the moment, as a hash."""
        return hashlib.sha256(self.first.read_bytes() + self.second.read_bytes()).hexdigest()

    def writes(self) -> bool:
        """Within seconds."""
        before, deadline = self.content(), time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.content() != before:
                return True
            time.sleep(0.1)
        return False


@dataclass(frozen=True)
class DiskCopy:
    path: Path

    @classmethod
    def of(cls, disk: Path, to: Path) -> "DiskCopy":
        return cls(Path(shutil.copy(disk, to)))

    @property
    def needs_recovery(self) -> bool:
        """Its journal has to be replayed."""
        return "needs_recovery" in _run(["dumpe2fs", "-h", self.path])

    @property
    def is_clean(self) -> bool:
        """As e2fsck finds it, which writes nothing."""
        done = subprocess.run(
            ["e2fsck", "-fn", self.path],
            capture_output=True,
            check=False,
            env={"PATH": _path(), "LC_ALL": "C.UTF-8"},
        )
        return done.returncode == 0

    @property
    def counter(self) -> int:
        return int(re.findall(r"\d+", _run(["debugfs", "-R", "cat /counter", self.path]))[0])


@contextmanager
def guest(machine: Libvirt, folder: Path) -> Iterator[GuestVm]:
    """Until its agent answers and it has written; with another VM that has no agent."""
    kernel = installer.kernel()
    assert kernel is not None
    disks, initrd = (folder / "first", folder / "second"), folder / "initrd"
    for disk in disks:
        with open(disk, "wb") as made:
            made.truncate(16 << 20)
        _run(["mkfs.ext4", "-q", disk])
    initrd.write_bytes(_packed(folder / "root", kernel))
    boots = BOOTS.format(kernel=kernel.image, initrd=initrd)
    devices = DEVICES.format(serial=folder / "serial")
    devices += "".join(DISK.format(disk=disk, name=f"vd{'ab'[place]}") for place, disk in enumerate(disks))
    for name, uuid, mib, how, more in (
        ("guest", UUID, 192, boots, devices),
        ("bare", BARE, 32, "", ""),
    ):
        described = folder / f"{name}.xml"
        described.write_text(MACHINE.format(name=name, uuid=uuid, mib=mib, boots=how, devices=more))
        machine.virsh("define", described)
        machine.virsh("start", name)
    found = GuestVm(machine, *disks)
    try:
        _await_writing(found, folder / "serial")
        yield found
    finally:
        for name in ("guest", "bare"):
            machine.virsh("destroy", name)


def _await_writing(found: GuestVm, serial: Path) -> None:
    deadline = time.monotonic() + BOOTS_WITHIN_S
    while '"thawed"' not in found.agent('{"execute":"guest-fsfreeze-status"}'):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the guest's agent does not answer: {serial.read_text(errors='replace')}")
        time.sleep(0.2)
    assert found.writes(), serial.read_text(errors="replace")


def _packed(root: Path, kernel: installer.Kernel) -> bytes:
    installer.with_busybox(root, INIT)
    shutil.copy(AGENT, root / "bin/qemu-ga")
    for word in _run(["ldd", AGENT]).split():
        if word.startswith("/"):
            (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, root / word[1:])
    installer.with_modules(root, kernel, MODULES)
    return installer.packed(root)


def _run(command: list[str | Path]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": _path()}
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
