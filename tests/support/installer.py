"""A bootable ISO of 27 MB that installs itself, built here from Debian's kernel and busybox in seconds.

Booted from a CD it copies the CD to the first disk, leaves a marker behind what it wrote, reports
`installed` to an HTTP address and switches off. Booted from that disk it reports `booted` with the marker,
calls home where its kernel line says so, and answers SSH clients with a banner. Both reports carry the kernel
line. GRUB knows which of the two it is by the drive it came from: `hd96` or
`cd` is the BIOS's CD. The network is QEMU's own (user mode), where the host's loopback is 10.0.2.2; the guest
has the address that QEMU would give it.

Debian's cloud kernel has no AHCI: the machine must have an IDE CD (machine type `pc`).
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KERNELS = Path(__file__).parents[2] / ".cache" / "kernel"
"""Unpacked by `make test` from Debian's package linux-image-cloud-amd64; not installed."""
PROGRAMS = ("busybox", "cpio", "grub-mkrescue", "ldd", "mformat", "modprobe", "xorriso")
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ata_piix", "sr_mod", "isofs")
MARKER_AT_MIB = 200
BANNER = "SSH-2.0-tiny_1.0"

GRUB = """\
set timeout=0
if [ "$root" = "hd96" -o "$root" = "cd" -o "$root" = "cd0" ]; then set what=install; else set what=run; fi
menuentry tiny {
  linux /vmlinuz console=ttyS0 quiet panic=5 what=$what
  initrd /initrd
}
"""
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
ifconfig eth1 10.0.3.15 netmask 255.255.255.0 up
report() {
  line=$(tr ' ' '+' < /proc/cmdline)
  printf 'GET /%s&line=%s HTTP/1.0\\r\\n\\r\\n' "$1" "$line" | nc -w 10 10.0.2.2 @PORT@
}
call_home() {
  to=${1#http://}
  at=${to%%/*}
  until printf 'POST /%s HTTP/1.0\\r\\n\\r\\n' "${to#*/}" | nc -w 10 ${at%:*} ${at#*:} | grep -q ' 200 '; do
    sleep 1
  done
}
wait_for() {
  while [ ! -b "$1" ]; do sleep 1; done
}
wait_for /dev/vda
marker_at="bs=1M seek=@MARKER@"
if grep -q what=install /proc/cmdline; then
  wait_for /dev/sr0
  dd if=/dev/sr0 of=/dev/vda bs=1M && echo "$(cat /proc/sys/kernel/random/boot_id)" > /marker
  dd if=/marker of=/dev/vda $marker_at conv=sync
  sync
  report "installed?marker=$(cat /marker)"
  poweroff -f
fi
marker=$(dd if=/dev/vda bs=1M skip=@MARKER@ count=1 2>/dev/null | head -n 1)
report "booted?marker=$marker"
for word in $(cat /proc/cmdline); do
  case $word in phone_home=*) call_home "${word#phone_home=}" & ;; esac
done
nc -ll -p 22 -e /bin/banner
"""


@dataclass(frozen=True)
class Kernel:
    image: Path
    root: Path
    version: str


def kernel() -> Kernel | None:
    for image in sorted(KERNELS.glob("boot/vmlinuz-*")):
        return Kernel(image, KERNELS, image.name.removeprefix("vmlinuz-"))
    return None


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


def build(folder: Path, found: Kernel, report_port: int) -> Path:
    """`folder`/boot.iso, whose guest reports to this port of our loopback."""
    tree, root = folder / "iso", folder / "initrd"
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(GRUB)
    shutil.copy(found.image, tree / "vmlinuz")
    _fill(root, found, report_port)
    (tree / "initrd").write_bytes(packed(root))
    image = folder / "boot.iso"
    _run(["grub-mkrescue", "-o", image, tree, "--", "-volid", "TINY"], cwd=folder)
    return image


def packed(root: Path) -> bytes:
    """The folder as a kernel takes its initial file system."""
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    return _run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, given=names.encode())


def with_busybox(root: Path, init: str) -> None:
    """A system that has nothing but busybox and runs `init`."""
    for name in ("bin", "dev", "modules", "proc", "sys"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox", path=_path())
    assert busybox is not None
    shutil.copy(busybox, root / "bin/busybox")
    for word in _run(["ldd", busybox]).decode().split():
        if word.startswith("/"):
            (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, root / word[1:])
    _program(root / "init", init)


def with_modules(root: Path, found: Kernel, modules: Sequence[str]) -> None:
    """Of the kernel, with all that they need; `modules/order` says how they load."""
    order = []
    for path in _modules(found, modules):
        shutil.copy(path, root / "modules")
        order.append(path.name)
    (root / "modules/order").write_text("\n".join(order))


def _fill(root: Path, found: Kernel, report_port: int) -> None:
    with_busybox(root, INIT.replace("@PORT@", str(report_port)).replace("@MARKER@", str(MARKER_AT_MIB)))
    with_modules(root, found, MODULES)
    _program(root / "bin/banner", f"#!/bin/busybox sh\nprintf '{BANNER}\\r\\n'\n")


def _modules(found: Kernel, modules: Sequence[str]) -> list[Path]:
    """In the order in which they load."""
    _run(["depmod", "-b", found.root, found.version])
    lines: list[str] = []
    for module in modules:
        shown = _run(["modprobe", "-d", found.root, "-S", found.version, "--show-depends", module])
        lines += [line.split()[1] for line in shown.decode().splitlines() if line.startswith("insmod")]
    return [Path(line) for line in dict.fromkeys(lines)]


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _run(command: list[str | Path], *, cwd: Path | None = None, given: bytes = b"") -> bytes:
    done = subprocess.run(
        command, cwd=cwd, input=given, capture_output=True, check=False, env=os.environ | {"PATH": _path()}
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def _path() -> str:
    """Debian keeps some of them where only root looks."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
