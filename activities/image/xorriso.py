"""The wire to `xorriso` and mtools: lists, reads and rewrites ISO images, without mounting and without root.

xorriso (libburnia) is a program, not a library; Debian's package has its name. It writes a whole new image
from an old one: what is mapped takes the place of a file of that path, everything else is copied, and
`-boot_image any replay` makes anew whatever made the old image bootable, for BIOS and UEFI, from a CD and
from a disk. Start-up files of the user who runs the worker are not read (`-no_rc`). mtools' `mcopy` changes
files in the FAT image that UEFI boots from.
"""

import asyncio
import os
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAM, FAT_PROGRAM = "xorriso", "mcopy"


class Failed(Exception):
    """The program ended with a complaint; the message is its own words."""


@dataclass(frozen=True)
class BootRecords:
    """What makes an image bootable, as far as one can be compared with another."""

    entries: tuple[tuple[str, str], ...]
    """(platform, path in the image) of the El Torito catalogue, in its order."""
    volume: str
    """Installers look for their medium by this name."""

    @property
    def efi(self) -> str:
        """Path of the FAT image that UEFI boots from; empty where there is none, or where it is no file."""
        return next((path for platform, path in self.entries if platform == "UEFI"), "")


def missing(program: str) -> bool:
    return shutil.which(program) is None


async def files(image: Path) -> list[str]:
    """Paths of all plain files."""
    said = await _xorriso("-indev", image, "-find", "/", "-type", "f", "-exec", "echo", "--")
    return [path for line in said.splitlines() for path in shlex.split(line) if path.startswith("/")]


async def boot_records(image: Path) -> BootRecords:
    said = await _xorriso("-indev", image, "-report_el_torito", "plain", "-pvd_info")
    platforms: dict[str, str] = {}
    paths: dict[str, str] = {}
    volume = ""
    for line in said.splitlines():
        head, _, rest = line.partition(":")
        words = rest.split()
        if head.strip() == "El Torito boot img":
            platforms[words[0]] = words[1]
        elif head.strip() == "El Torito img path":
            paths[words[0]] = " ".join(shlex.split(" ".join(words[1:])))
        elif head.strip() == "Volume Id":
            volume = rest.strip()
    return BootRecords(tuple((platforms[each], paths.get(each, "")) for each in platforms), volume)


async def extract(image: Path, wanted: Mapping[str, Path]) -> None:
    """Files of the image by their path there."""
    pairs = [word for path, to in wanted.items() for word in ("-extract", path, str(to))]
    await _xorriso("-osirrox", "on", "-indev", image, *pairs)
    for to in wanted.values():
        to.chmod(0o644)


async def rewrite(image: Path, to: Path, changed: Mapping[str, Path]) -> None:
    """`to` is `image` with these files changed, and as bootable.

    But for the HFS+ of grub-mkrescue, for Macs: replayed, it overlaps its neighbours (xorriso 1.5.4)."""
    maps = [word for path, file in changed.items() for word in ("-map", str(file), path)]
    boot = ("-boot_image", "any", "replay", "-hfsplus", "off")
    await _xorriso("-indev", image, "-outdev", to, *boot, *maps, "-commit")


async def fat_read(image: Path, path: str) -> bytes | None:
    """A file of a FAT image; None where there is no such file."""
    try:
        return await _run(FAT_PROGRAM, "-n", "-i", image, f"::{path}", "-")
    except Failed as failed:
        if "not found" in str(failed):
            return None
        raise


async def fat_write(image: Path, path: str, file: Path) -> None:
    await _run(FAT_PROGRAM, "-o", "-i", image, file, f"::{path}")


async def _xorriso(*words: str | Path) -> str:
    said = await _run(PROGRAM, "-no_rc", "-abort_on", "FAILURE", "-return_with", "SORRY", "32", *words)
    return said.decode(errors="surrogateescape")


async def _run(program: str, *words: str | Path) -> bytes:
    """Ends with us: a cancelled attempt leaves no program that still writes."""
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1"},
    )
    try:
        said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise Failed(_complaint(program, complained.decode(errors="replace")))
    return said


def _complaint(program: str, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    grave = [line for line in lines if any(word in line for word in (" FATAL ", " FAILURE ", " SORRY "))]
    return f"{program}: {'; '.join((grave or lines)[:2]) or 'it ended without a word'}"
