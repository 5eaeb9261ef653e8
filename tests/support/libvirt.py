"""A libvirtd of our own, and machines in it that are powered by whoever speaks to it.

It runs in namespaces for mounts and processes. Its folders (/etc/libvirt, /run/libvirt, /var) are folders of
the test, and /dev is a small one, so nothing of this computer's is read or written and nobody else finds it.
That /dev has no /dev/kvm on purpose: where KVM is there but works only half, libvirt asks QEMU anew for what
it can do at each definition (a minute each); machines are emulated (TCG), slow and the same everywhere. What
runs in the namespace ends with its first process, and that one with the tests (PR_SET_PDEATHSIG,
`--kill-child`).

A machine has a disk, a NIC on QEMU's own network (10.0.2.0/24, the host's loopback is 10.0.2.2) and a second
one (10.0.3.0/24) whose guest 10.0.3.15 answers at a loopback address of ours. Namespaces for mounts need
root.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.embedded import PR_SET_PDEATHSIG

PROGRAMS = ("libvirtd", "qemu-img", "qemu-system-x86_64", "unshare", "virsh")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
BINDING = Path("/usr/lib/python3/dist-packages")
START_WITHIN_S = 60.0

QEMU_SETTINGS = """\
namespaces = []
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
remember_owner = 0
stdio_handler = "file"
"""
SETTINGS = """\
auth_unix_rw = "none"
auth_unix_ro = "none"
"""
START = """\
set -e
cd "$1"
bind() { mkdir -p "$2"; mount --bind "$1" "$2"; }
bind etc /etc/libvirt; bind lib /var/lib/libvirt; bind log /var/log/libvirt
bind cache /var/cache/libvirt; bind run /run/libvirt
mount -t tmpfs -o mode=755 none dev
for each in null zero full random urandom tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
mkdir dev/pts dev/shm
mount --rbind /dev/pts dev/pts; mount -t tmpfs none dev/shm; ln -s pts/ptmx dev/ptmx
mount --rbind dev /dev
# libvirtd wants to know the user that a package of Debian makes which is not needed here; nothing runs as it.
# Whoever is here sees it, and nobody else.
for each in passwd group; do cp /etc/$each $each; done
grep -q '^libvirt-qemu:' passwd || echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>passwd
grep -q '^libvirt-qemu:' group || echo 'libvirt-qemu:x:64055:' >>group
mount --bind passwd /etc/passwd; mount --bind group /etc/group
# The shell stays as the first process: it collects what machines leave behind. /run is everybody's: two at a
# time would take the same file for their number.
libvirtd --pid-file "$1/run/libvirtd.pid" & wait $!
"""
MACHINE = """\
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>
    <serial type='file'><source path='{serial}'/><target port='0'/></serial>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-netdev'/>
    <qemu:arg value='user,id=oam,net=10.0.3.0/24,host=10.0.3.2,hostfwd=tcp:{oam}-10.0.3.15:22'/>
    <qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,netdev=oam,addr=0x10'/>
  </qemu:commandline>
</domain>
"""


def what_is_missing() -> str:
    """Why this cannot run here, in words; empty when it can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    if not (BINDING / "libvirt.py").exists():
        return "no Python binding of libvirt here (Debian: python3-libvirt)"
    return "" if os.geteuid() == 0 else "namespaces for mounts need root"


@dataclass(frozen=True)
class Libvirt:
    folder: Path
    version: str

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.folder}/run/libvirt-sock"

    def define(self, name: str, uuid: str, mac: str, oam: tuple[str, int]) -> None:
        """A machine that is off, with an empty disk; it says on its serial line what goes into a file."""
        disk, serial = self.folder / f"{name}.disk", self.folder / f"{name}.serial"
        _run(["qemu-img", "create", "-q", "-f", "raw", disk, "400M"])
        described = MACHINE.format(
            name=name, uuid=uuid, mac=mac, disk=disk, serial=serial, oam=f"{oam[0]}:{oam[1]}"
        )
        (self.folder / f"{name}.xml").write_text(described)
        self.virsh("define", self.folder / f"{name}.xml")

    def virsh(self, *words: str | Path) -> str:
        return _run(["virsh", "-q", "-c", self.uri, *words])

    def binding(self) -> Path:
        """A folder with nothing but libvirt's Python binding, which Debian keeps among all of its others."""
        lent = self.folder / "binding"
        lent.mkdir(exist_ok=True)
        for path in (BINDING / "libvirt.py", *BINDING.glob("libvirtmod.*.so")):
            shutil.copy(path, lent)
        return lent


@contextmanager
def libvirt() -> Iterator[Libvirt]:
    """Until it answers; with a storage pool `default`, which sushy-emulator puts media into."""
    folder = Path(tempfile.mkdtemp(prefix="starflock-libvirt-"))
    process = None
    try:
        for name in ("etc", "lib", "log", "cache", "run", "dev", "pool"):
            (folder / name).mkdir()
        (folder / "etc/qemu.conf").write_text(QEMU_SETTINGS)
        (folder / "etc/libvirtd.conf").write_text(SETTINGS)
        (folder / "start.sh").write_text(START)
        command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
        with open(folder / "libvirtd.log", "wb") as log:
            process = subprocess.Popen(
                [*command, "bash", folder / "start.sh", folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=_die_with_parent,
                env=os.environ | {"PATH": PATH, "LC_ALL": "C.UTF-8"},
            )
        server = Libvirt(folder, _version())
        _await_answer(server, process)
        server.virsh("pool-define-as", "default", "dir", "--target", folder / "pool")
        server.virsh("pool-start", "default")
        yield server
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _await_answer(server: Libvirt, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        asked = subprocess.run(
            ["virsh", "-q", "-c", server.uri, "list"], capture_output=True, check=False, env={"PATH": PATH}
        )
        if asked.returncode == 0:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            said = (server.folder / "libvirtd.log").read_text()
            raise RuntimeError(f"libvirtd did not start: {asked.stderr.decode()}\n{said}")
        time.sleep(0.1)


def _version() -> str:
    emulator = _run(["qemu-system-x86_64", "--version"]).split()[3]
    return f"libvirt {_run(['libvirtd', '--version']).split()[-1]}, QEMU {emulator} (TCG)"


def _run(command: list[str | Path]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": PATH}
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
