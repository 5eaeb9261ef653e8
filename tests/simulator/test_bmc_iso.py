"""What a simulated machine reads of the image that it boots: the kernel line, and what follows from it."""

from pathlib import Path

import pytest

from simulator.bmc.iso import is_iso, kernel_words
from simulator.bmc.media import medium_of
from tests.support.base_image import GRUB, base_image, missing_programs

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"no {', '.join(missing_programs())} here")


def test_the_kernel_line_is_that_of_the_first_entry(tmp_path: Path) -> None:
    image = base_image(tmp_path).read_bytes()
    assert kernel_words(image) == ("instdev=/dev/sda", "traits=controller", "console=ttyS0,115200", "serial")


def test_without_grub_it_is_isolinux_that_boots(tmp_path: Path) -> None:
    image = base_image(tmp_path, grub=GRUB.replace("linux", "# linux")).read_bytes()
    assert kernel_words(image)[:2] == ("initrd=/initrd", "instdev=/dev/sda")


@pytest.mark.parametrize("length", [0, 2048, 40_000])
def test_what_is_no_iso_or_was_read_half_has_none(tmp_path: Path, length: int) -> None:
    assert not is_iso(bytes(length))
    assert kernel_words(bytes(length)) == ()
    assert kernel_words(base_image(tmp_path).read_bytes()[:length]) == ()


def test_address_and_call_are_told_on_the_kernel_line_or_in_the_url() -> None:
    words = ("ip=[2001:db8::9],,,64,x,enp1s0,off", "phone_home=http://192.0.2.3/installed/a/b/c")
    medium = medium_of("http://192.0.2.1/x.iso?after=poweroff", words)
    assert (medium.address, medium.phone_home) == ("2001:db8::9", "http://192.0.2.3/installed/a/b/c")
    assert (medium.after, medium.words) == ("poweroff", words)
    assert medium_of("http://192.0.2.1/x.iso?phone-home=http://h/y", ()).phone_home == "http://h/y"
