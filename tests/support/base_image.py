"""A base ISO with the boot files of StarlingX's own, made in a blink; it boots where it is given what boots.

isolinux for BIOS, GRUB for UEFI in the ISO and once more in the FAT image that UEFI boots from, the volume
name that its installer looks for: what `gen-bootloader-iso.sh` (utilities, `platform-util/scripts`) writes.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("xorriso", "mformat", "mmd", "mcopy")
VOLUME = "instboot"
ISOLINUX = """\
prompt 0
timeout 0
serial 0 115200

ui vesamenu.c32
menu title Debian Install
DEFAULT 0
LABEL 0
    menu label ^Serial Console
    kernel /bzImage-std
    ipappend 2
    append initrd=/initrd instdev=/dev/sda traits=controller console=ttyS0,115200 serial

LABEL 1
    menu label ^Graphical Console
    kernel /bzImage-std
    append initrd=/initrd instdev=/dev/sda traits=controller console=tty0
"""
GRUB = """\
default=serial
timeout=-1
search --no-floppy --set=root -l 'instboot'

menuentry 'UEFI Serial Console' --id=serial {
    linux /bzImage-std instdev=/dev/sda traits=controller console=ttyS0,115200 serial
    initrd /initrd
}

menuentry 'UEFI Graphical Console' --id=graphical {
    linux /bzImage-std instdev=/dev/sda traits=controller console=tty0
    initrd /initrd
}
"""


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass(frozen=True)
class Boots:
    """What makes it boot in earnest: files by their place in the image, and GRUB for the FAT image."""

    files: Mapping[str, Path | bytes]
    efi: Path


def base_image(
    folder: Path, *, grub: str = GRUB, isolinux: str = ISOLINUX, boots: Boots | None = None
) -> Path:
    """`folder`/base.iso"""
    tree = folder / "tree"
    (tree / "isolinux").mkdir(parents=True)
    (tree / "EFI/BOOT").mkdir(parents=True)
    (tree / "isolinux/isolinux.bin").write_bytes(bytes(range(256)) * 16)
    (tree / "isolinux/isolinux.cfg").write_text(isolinux)
    (tree / "EFI/BOOT/grub.cfg").write_text(grub)
    (tree / "bzImage-std").write_bytes(b"a kernel\n" * 1000)
    (tree / "initrd").write_bytes(b"an initial file system\n" * 1000)
    for place, content in (boots.files if boots else {}).items():
        (tree / place).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    efi = tree / "efi.img"
    efi.write_bytes(bytes(2880 * 1024))
    _run("mformat", "-i", efi, "-f", "2880", "::")
    _run("mmd", "-i", efi, "::/EFI", "::/EFI/BOOT")
    if boots:
        _run("mcopy", "-i", efi, boots.efi, "::/EFI/BOOT/BOOTX64.EFI")
    _run("mcopy", "-i", efi, tree / "EFI/BOOT/grub.cfg", "::/EFI/BOOT/grub.cfg")
    image = folder / "base.iso"
    boot = "-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table"
    efi_boot = "-eltorito-alt-boot -e efi.img -no-emul-boot"
    form = f"-V {VOLUME} -J -joliet-long -r -iso-level 2"
    _run("xorriso", "-no_rc", "-as", "mkisofs", "-o", image, *f"{form} {boot} {efi_boot}".split(), tree)
    return image


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr.decode(errors="replace")
