"""A boot image for one host: a copy of the declared base whose boot loaders pass its install values on.

Nothing is served here: the image is written into a folder that a web server of the operator's shows to BMCs.
Its name has the host and a digest of base and words in it, so that the same wish finds the same file. It is
written under another name, read back (each kernel line has the words, the boot records are those of the base)
and renamed, so that a BMC never fetches half of one. What is missing here (program, base, folder) is refused
in words before any BMC is asked for anything.

A copy takes as long as its disk: a bulk transfer, it beats while it runs, and one that died is begun anew.
"""

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import basename

from temporalio import activity

from activities.errors import Blocked, Refused
from activities.image import boot_config, xorriso
from activities.waiting import Heartbeat
from inventory.install import DeclaredInstall, declared_install
from inventory.load import Inventory, NotDeclared
from models.bmc import HostRef
from models.install import DeclaredImage, DeclaredImageRequest, MadeImage, MakeImageRequest
from models.install_values import InstallValues

FORM = "1"
"""Of what is written; another one makes other names."""
NAMES = ("grub.cfg", "isolinux.cfg", "loopback.cfg", "syslinux.cfg", "txt.cfg")
NOT_OURS = ("/pxeboot/",)
"""Served to other hosts by an installed one; nothing boots from there."""
FAT_CONFIG = "/EFI/BOOT/grub.cfg"
AT_ONCE = 2
"""Copies of gigabytes on one disk; more are slower, not faster."""


@dataclass
class ImageActivities:
    inventory: Callable[[], Inventory]
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _digests: dict[tuple[str, int, int, int], str] = field(default_factory=dict)

    @activity.defn
    async def declared_image(self, request: DeclaredImageRequest) -> DeclaredImage:
        """Raises Refused when no image can be made for this host, or not with these values."""
        declared = self._declared(request.on, request)
        await asyncio.to_thread(_refuse_without_means, declared)
        return DeclaredImage(values=declared.values, base=declared.base.name)

    @activity.defn
    async def make_image(self, request: MakeImageRequest) -> MadeImage:
        """Raises Refused for a base that cannot be changed, Blocked when it could not be written."""
        declared = self._declared(request.on)
        await asyncio.to_thread(_refuse_without_means, declared)
        async with Heartbeat() as heart, self._places:
            heart.tell(f"reads {declared.base.name}")
            digest = await self._digest(declared.base, request)
            folder = declared.directory / request.on.site
            target = folder / f"{request.on.host}-{digest}.iso"
            url = f"{declared.url}/{request.on.site}/{target.name}"
            attempt = activity.info().attempt
            if target.is_file():
                return MadeImage(url=url, made=False, words="it was there already", attempt=attempt)
            try:
                folder.mkdir(exist_ok=True)
                words = await self._make(declared.base, target, request, heart)
            except xorriso.Failed as failed:
                raise Blocked(f"the boot image of {request.on} could not be made: {failed}") from failed
            except OSError as error:
                raise Blocked(f"the boot image of {request.on} could not be written: {error}") from error
        return MadeImage(url=url, made=True, words=words, attempt=attempt)

    @activity.defn
    async def remove_images(self, on: HostRef) -> int:
        """All that were made for this host, and what is left of attempts; how many there were."""
        declared = self._declared(on)

        def remove() -> int:
            folder, gone = declared.directory / on.site, 0
            for path in _of_host(folder, on.host):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
                    gone += 1
            return gone

        try:
            return await asyncio.to_thread(remove)
        except OSError as error:
            raise Blocked(f"the boot images of {on} could not be removed: {error}") from error

    def _declared(self, on: HostRef, request: DeclaredImageRequest | None = None) -> DeclaredInstall:
        """Read fresh; what the values of a run must fit is judged once, where they are asked for."""
        said, proof = (request.values, request.proof) if request else (InstallValues(), "sysinv")
        try:
            return declared_install(self.inventory(), on.site, on.host, said, proof)
        except NotDeclared as error:
            raise Refused(str(error)) from error

    async def _digest(self, base: Path, request: MakeImageRequest) -> str:
        found = await asyncio.to_thread(base.stat)
        key = (str(base), found.st_size, found.st_mtime_ns, found.st_ino)
        if key not in self._digests:
            self._digests[key] = await asyncio.to_thread(_sha256, base)
        wish = "\0".join((FORM, self._digests[key], *request.arguments, "", *request.without))
        return hashlib.sha256(wish.encode()).hexdigest()[:16]

    async def _make(self, base: Path, target: Path, request: MakeImageRequest, heart: Heartbeat) -> str:
        scratch = Path(tempfile.mkdtemp(prefix=f".{request.on.host}-", suffix=".part", dir=target.parent))
        try:
            heart.tell(f"changes the boot configuration of {base.name}")
            records = await xorriso.boot_records(base)
            changed = await _changed(base, records, scratch, request)
            draft = scratch / "image.iso"
            heart.tell(f"writes {target.name}")
            await xorriso.rewrite(base, draft, changed)
            heart.tell(f"reads {target.name} back")
            await _compare(draft, records, changed, scratch)
            await asyncio.to_thread(_publish, draft, target)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, True)
        return f"made of {base.name}: {', '.join(sorted(changed))} changed"


async def _changed(
    base: Path, records: xorriso.BootRecords, scratch: Path, request: MakeImageRequest
) -> dict[str, Path]:
    """The files that take the place of the base's, by their path in the image."""
    paths = [
        path
        for path in await xorriso.files(base)
        if basename(path).lower() in NAMES and not path.startswith(NOT_OURS)
    ]
    wanted = {path: scratch / f"{number}-{basename(path)}" for number, path in enumerate(paths)}
    if records.efi:
        wanted[records.efi] = scratch / "efi.img"
    await xorriso.extract(base, wanted)
    lines = 0
    changed: dict[str, Path] = {}
    for path in paths:
        text = wanted[path].read_text(errors="surrogateescape")
        after, count = _edited(base, path, text, request)
        if count or after != text:
            wanted[path].write_text(after, errors="surrogateescape")
            changed[path] = wanted[path]
        lines += count
    if records.efi:
        lines += await _changed_fat(base, records.efi, wanted, changed, request)
    if not lines:
        looked = ", ".join((*NAMES, FAT_CONFIG))
        raise Refused(f"{base} has no boot configuration with a kernel line; looked for {looked}")
    return changed


async def _changed_fat(
    base: Path, efi: str, wanted: dict[str, Path], changed: dict[str, Path], request: MakeImageRequest
) -> int:
    if xorriso.missing(xorriso.FAT_PROGRAM):
        raise Refused(f"{base} boots UEFI from {efi}, and there is no mcopy here: install Debian's mtools")
    found = await xorriso.fat_read(wanted[efi], FAT_CONFIG)
    if found is None:
        return 0
    after, count = _edited(base, f"{efi}:{FAT_CONFIG}", found.decode(errors="surrogateescape"), request)
    file = wanted[efi].with_name("fat-grub.cfg")
    file.write_text(after, errors="surrogateescape")
    await xorriso.fat_write(wanted[efi], FAT_CONFIG, file)
    changed[efi] = wanted[efi]
    return count


def _edited(base: Path, path: str, text: str, request: MakeImageRequest) -> tuple[str, int]:
    try:
        return boot_config.edited(basename(path), text, request.arguments, request.without)
    except boot_config.NotUnderstood as wrong:
        raise Refused(
            f"{base}: {path} has a kernel line that cannot be changed with certainty: {wrong}"
        ) from wrong


async def _compare(draft: Path, wanted: xorriso.BootRecords, changed: dict[str, Path], scratch: Path) -> None:
    """What was written is what was meant."""
    found = await xorriso.boot_records(draft)
    if found != wanted:
        raise Blocked(f"the image that was written boots otherwise than its base: {found}, not {wanted}")
    back = {path: scratch / f"back-{number}" for number, path in enumerate(changed)}
    await xorriso.extract(draft, back)
    for path, file in back.items():
        if file.read_bytes() != changed[path].read_bytes():
            raise Blocked(f"{path} of the image that was written is not what was meant")


def _publish(draft: Path, target: Path) -> None:
    draft.chmod(0o644)
    with open(draft, "rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(target)


def _of_host(folder: Path, host: str) -> list[Path]:
    ours = re.compile(rf"{re.escape(host)}-[0-9a-f]{{16}}\.iso|\.{re.escape(host)}-\w+\.part")
    return [path for path in folder.glob("*") if ours.fullmatch(path.name)] if folder.is_dir() else []


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_without_means(declared: DeclaredInstall) -> None:
    if xorriso.missing(xorriso.PROGRAM):
        raise Refused(
            f"no xorriso is here to make the boot image of {declared}: install Debian's xorriso where the "
            "worker runs, or name an image"
        )
    if not declared.base.is_file():
        raise Refused(f"boot_images: {declared.base}, of which the image of {declared} is made, is not there")
    if not os.access(declared.base, os.R_OK):
        raise Refused(f"boot_images: {declared.base} cannot be read by the worker")
    if not declared.directory.is_dir():
        raise Refused(
            f"boot_images: the folder {declared.directory}, where the image of {declared} is to be written, "
            "is not there"
        )
    if not os.access(declared.directory, os.W_OK):
        raise Refused(f"boot_images: the folder {declared.directory} cannot be written by the worker")
