"""A made image boots by each way of its base: isolinux by BIOS, GRUB by UEFI, with the words in both.

Straight in QEMU, since what is asked is the image and no BMC: the base has Debian's isolinux and a GRUB that
reads its configuration from the FAT image, as StarlingX's own has. What boots says its kernel line on the
serial port and switches off.
"""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.image.activities import ImageActivities
from inventory.load import load_inventory
from models.bmc import HostRef
from models.install import MadeImage, MakeImageRequest
from models.install_values import InstallValues
from rules.boot_arguments import boot_arguments
from tests.support import installer
from tests.support.base_image import Boots, base_image, missing_programs

ISOLINUX, MODULES = Path("/usr/lib/ISOLINUX"), Path("/usr/lib/syslinux/modules/bios")
GRUB_EFI, OVMF = Path("/usr/lib/grub/x86_64-efi"), Path("/usr/share/OVMF")
COM32 = ("ldlinux.c32", "libcom32.c32", "libutil.c32", "vesamenu.c32")
GRUB_MODULES = (
    "fat",
    "iso9660",
    "linux",
    "normal",
    "part_gpt",
    "part_msdos",
    "search",
    "search_label",
    "test",
)
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
firmware=BIOS
[ -d /sys/firmware/efi ] && firmware=UEFI
echo "booted by $firmware: $(cat /proc/cmdline)" > /dev/ttyS0
poweroff -f
"""
VALUES = InstallValues(
    install_type=2,
    bootstrap_interface="enp1s0",
    bootstrap_vlan=401,
    bootstrap_address="2001:db8::9",
    bootstrap_address_prefix=64,
    nexthop_gateway="2001:db8::1",
    boot_device="/dev/sdb",
    extra_boot_params=("nosmt", "isolcpus=2-3"),
)
INVENTORY = """\
system_controllers:
- name: sc
  auth_url: https://192.0.2.2:5000/v3
  credential: {password: env:NOBODY}
  boot_images: {base: base.iso, directory: www, url: http://192.0.2.3/boot}
sites:
- name: alpha
  system_controller: sc
  hosts:
  - {name: controller-0, personality: controller}
"""


def missing() -> str:
    lacking = [str(each) for each in (ISOLINUX, MODULES, GRUB_EFI, OVMF) if not each.exists()]
    lacking += installer.missing_programs() + missing_programs()
    return ", ".join(lacking) or ("" if installer.kernel() else "a kernel")


def bootable_base(folder: Path) -> Path:
    kernel = installer.kernel()
    assert kernel is not None
    installer.with_busybox(folder / "initrd", INIT)
    grub = folder / "BOOTX64.EFI"
    form = ("-O", "x86_64-efi", "-d", GRUB_EFI, "-p", "/EFI/BOOT", "-o", grub)
    subprocess.run(["grub-mkimage", *form, *GRUB_MODULES], check=True)
    files: dict[str, Path | bytes] = {
        "bzImage-std": kernel.image,
        "initrd": installer.packed(folder / "initrd"),
        "isolinux/isolinux.bin": ISOLINUX / "isolinux.bin",
        **{f"isolinux/{name}": MODULES / name for name in COM32},
    }
    return base_image(folder, boots=Boots(files, grub))


async def booted(image: Path, *more: str | Path) -> str:
    """What the machine says on its serial port until it is off."""
    process = await asyncio.create_subprocess_exec(
        *("qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-display", "none", "-no-reboot"),
        *("-net", "none", "-serial", "stdio", "-cdrom", image, *more),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(200):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [line for line in said.decode(errors="replace").splitlines() if "booted by" in line]
    return lines[-1] if lines else said.decode(errors="replace")[-500:]


async def test_bios_and_uefi_boot_the_made_image_with_the_declared_words(tmp_path: Path) -> None:
    if missing():
        pytest.skip(f"no {missing()} here; `make test` as root installs it")
    bootable_base(tmp_path)
    (tmp_path / "www").mkdir()
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(INVENTORY)
    arguments = boot_arguments(VALUES, "alpha", "http://192.0.2.3:8090/installed/alpha/controller-0/abc")
    on = HostRef(site="alpha", host="controller-0")
    images = ImageActivities(lambda: load_inventory(inventory))
    request = MakeImageRequest(on=on, arguments=arguments.words, without=arguments.without)
    made: MadeImage = await ActivityEnvironment().run(images.make_image, request)
    (image,) = (tmp_path / "www").rglob("*.iso")
    assert made.url.endswith(image.name)
    (tmp_path / "vars.fd").write_bytes((OVMF / "OVMF_VARS.fd").read_bytes())
    flash = "if=pflash,format=raw"
    bios, uefi = await asyncio.gather(
        booted(image),
        booted(
            image,
            *("-drive", f"{flash},readonly=on,file={OVMF / 'OVMF_CODE.fd'}"),
            *("-drive", f"{flash},file={tmp_path / 'vars.fd'}"),
        ),
    )
    words = " ".join(arguments.words)
    assert words.startswith("ip=[2001:db8::9],,[2001:db8::1],64,alpha,enp1s0.401,off vlan=enp1s0.401:enp1s0 ")
    # Behind the words the kernel may talk into the same line.
    for firmware, said in (("BIOS", bios), ("UEFI", uefi)):
        assert f"booted by {firmware}: " in said
        assert re.search(re.escape(words) + r"(\[ *\d+\.\d+\] .*)?$", said), said
