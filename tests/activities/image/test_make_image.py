"""A host's boot image by the real xorriso and mtools: words in every loader, boot records kept."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.testing import ActivityEnvironment

from activities.errors import ActivityFailure, Blocked, Refused
from activities.image import activities as images
from activities.image import xorriso
from activities.image.activities import ImageActivities
from activities.image.boot_config import kernel_words
from inventory.load import load_inventory
from models.bmc import HostRef
from models.install import DeclaredImage, DeclaredImageRequest, MadeImage, MakeImageRequest
from models.install_values import InstallValues
from tests.support.base_image import GRUB, VOLUME, base_image, missing_programs

ON = HostRef(site="alpha", host="controller-0")
WORDS = ("instdev=/dev/nvme0n1", "ip=192.0.2.9,,,24,alpha,enp1s0,off", "console=ttyS1,115200", "serial")
pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"no {', '.join(missing_programs())} here")


@dataclass
class House:
    folder: Path
    file: Path

    @property
    def www(self) -> Path:
        return self.folder / "www"

    @property
    def base(self) -> Path:
        return self.folder / "base.iso"

    def activities(self) -> ImageActivities:
        return ImageActivities(lambda: load_inventory(self.file))

    async def make(self, *words: str) -> MadeImage:
        request = MakeImageRequest(on=ON, arguments=words or WORDS)
        return await run(self.activities().make_image, request)

    async def declared(self, **more: Any) -> DeclaredImage:
        request = DeclaredImageRequest.model_validate({"on": ON} | more)
        return await run(self.activities().declared_image, request)

    def declare(self, **install: Any) -> None:
        document = yaml.safe_load(self.file.read_text())
        document["sites"][0]["hosts"][0]["install"] = install
        self.file.write_text(yaml.safe_dump(document))


async def run(activity: Any, request: Any) -> Any:
    return await ActivityEnvironment().run(activity, request)


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "www").mkdir()
    base_image(tmp_path)
    host = {"name": "controller-0", "personality": "controller", "oam": "192.0.2.9"}
    controller = {
        "name": "sc",
        "auth_url": "https://192.0.2.2:5000/v3",
        "credential": {"password": "env:NOBODY"},
        "boot_images": {"base": "base.iso", "directory": "www", "url": "http://192.0.2.3:8080/boot/"},
        "install": {"install_type": 2, "boot_device": "/dev/sdb"},
    }
    document = {
        "system_controllers": [controller],
        "sites": [{"name": "alpha", "system_controller": "sc", "hosts": [host]}],
    }
    file = tmp_path / "inventory.yaml"
    file.write_text(yaml.safe_dump(document))
    return House(tmp_path, file)


async def files_of(image: Path, folder: Path, *paths: str) -> list[str]:
    folder.mkdir()
    wanted = {path: folder / str(number) for number, path in enumerate(paths)}
    await xorriso.extract(image, wanted)
    return [file.read_text() for file in wanted.values()]


async def test_every_boot_loader_of_the_image_has_the_words_and_the_records_are_kept(house: House) -> None:
    made = await house.make()
    assert made.made
    name = made.url.removeprefix("http://192.0.2.3:8080/boot/alpha/")
    image = house.www / "alpha" / name
    grub, isolinux = await files_of(
        image, house.folder / "read", "/EFI/BOOT/grub.cfg", "/isolinux/isolinux.cfg"
    )
    (house.folder / "fat").mkdir()
    await xorriso.extract(image, {"/efi.img": house.folder / "fat/efi.img"})
    fat = await xorriso.fat_read(house.folder / "fat/efi.img", images.FAT_CONFIG)
    assert fat is not None
    for file, text in (("grub.cfg", grub), ("isolinux.cfg", isolinux), ("grub.cfg", fat.decode())):
        lines = kernel_words(file, text)
        assert len(lines) == 2
        assert all(tuple(words[-4:]) == WORDS for words in lines), lines
    records = await xorriso.boot_records(image)
    assert records == await xorriso.boot_records(house.base)
    assert records.entries == (("BIOS", "/isolinux/isolinux.bin"), ("UEFI", "/efi.img"))
    assert records.volume == VOLUME
    assert await xorriso.files(image) == await xorriso.files(house.base)
    assert image.stat().st_mode & 0o777 == 0o644


async def test_the_same_wish_finds_the_same_file_and_another_one_another(house: House) -> None:
    first = await house.make()
    before = {path: path.stat().st_mtime_ns for path in house.www.rglob("*.iso")}
    again = await house.make()
    assert (again.url, again.made) == (first.url, False)
    assert {path: path.stat().st_mtime_ns for path in house.www.rglob("*.iso")} == before
    assert (await house.make("instdev=/dev/sda")).url != first.url
    with open(house.base, "ab") as stream:
        stream.write(bytes(2048))
    assert (await house.make()).url != first.url


async def test_nothing_but_the_image_is_left_and_a_cancel_leaves_nothing(house: House) -> None:
    await house.make()
    (folder,) = house.www.iterdir()
    assert [path.suffix for path in folder.iterdir()] == [".iso"]
    going = asyncio.create_task(house.make("other=1"))
    while len(list(folder.iterdir())) == 1:
        await asyncio.sleep(0.001)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert len(list(folder.iterdir())) == 1


async def test_the_images_of_a_host_are_removed_and_no_others(house: House) -> None:
    await house.make()
    await house.make("other=1")
    folder = house.www / "alpha"
    others = ["controller-0.iso", "controller-0-x.iso", "controller-0-0123456789abcdef-0123456789abcdef.iso"]
    for name in others:
        (folder / name).touch()
    (folder / ".controller-0-abcd_1.part").mkdir()
    assert await run(house.activities().remove_images, ON) == 2
    assert sorted(path.name for path in folder.iterdir()) == sorted(others)
    assert await run(house.activities().remove_images, ON) == 0


async def test_values_are_the_nearest_and_those_of_the_run_come_first(house: House) -> None:
    house.declare(console_type="ttyS1,115200", boot_device="/dev/sdc")
    declared = await house.declared(values={"boot_device": "/dev/sdd"})
    assert declared.base == "base.iso"
    assert declared.values == InstallValues(
        install_type=2, console_type="ttyS1,115200", boot_device="/dev/sdd"
    )


async def refusal(call: Any, kind: type[ActivityFailure] = Refused) -> str:
    with pytest.raises(kind) as refused:
        await call
    return refused.value.message


async def test_what_is_missing_is_refused_in_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await house.declared()).base == "base.iso"
    house.www.rename(house.folder / "away")
    assert f"the folder {house.www}, where" in await refusal(house.declared())
    (house.folder / "away").rename(house.www)
    house.base.rename(house.folder / "other.iso")
    assert "base.iso, of which the image of alpha/controller-0 is made, is not there" in await refusal(
        house.declared()
    )
    (house.folder / "other.iso").rename(house.base)
    monkeypatch.setenv("PATH", str(house.folder))
    assert "install Debian's xorriso where the worker runs" in await refusal(house.declared())


async def test_values_that_do_not_fit_are_refused_before_anything_is_made(house: House) -> None:
    address = {"bootstrap_interface": "enp1s0", "bootstrap_address": "192.0.2.9"}
    house.declare(**address, bootstrap_address_prefix=24, nexthop_gateway="192.0.2.1")
    assert (await house.declared()).values.nexthop_gateway == "192.0.2.1"
    other = {"values": {"bootstrap_address": "192.0.2.10"}}
    assert "is to answer by SSH at its oam 192.0.2.9" in await refusal(house.declared(**other))
    assert (await house.declared(**other, proof="phone-home")).values.bootstrap_address == "192.0.2.10"
    wrong = {"values": {"nexthop_gateway": "198.51.100.1"}}
    assert "nexthop_gateway: 198.51.100.1 is not in 192.0.2.0/24" in await refusal(house.declared(**wrong))


async def test_a_base_that_boots_nothing_is_refused(house: House) -> None:
    house.base.write_bytes(bytes(200_000))
    words = await refusal(house.make(), ActivityFailure)
    assert "base.iso" in words or "xorriso" in words


async def test_a_base_with_a_line_that_nobody_can_be_sure_of_is_refused(house: House) -> None:
    other = house.folder / "other"
    other.mkdir()
    base_image(other, grub=f"{GRUB}menuentry x {{ linux /k a; }}\n").rename(house.base)
    words = await refusal(house.make())
    assert "/EFI/BOOT/grub.cfg has a kernel line that cannot be changed with certainty: menuentry x" in words
    assert list((house.www / "alpha").iterdir()) == []


async def test_an_image_that_boots_otherwise_than_its_base_is_not_published(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = xorriso.rewrite

    async def without_boot_records(image: Path, to: Path, changed: dict[str, Path]) -> None:
        monkeypatch.setattr(xorriso, "rewrite", whole)
        maps = [word for path, file in changed.items() for word in ("-map", str(file), path)]
        await xorriso._xorriso(
            "-indev", image, "-outdev", to, "-boot_image", "any", "discard", *maps, "-commit"
        )

    monkeypatch.setattr(xorriso, "rewrite", without_boot_records)
    assert "boots otherwise than its base" in await refusal(house.make(), Blocked)
    assert list((house.www / "alpha").iterdir()) == []
