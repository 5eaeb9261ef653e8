"""Kernel lines in GRUB's and isolinux's files: all of them changed, nothing else, and no guessing."""

import pytest

from activities.image.boot_config import NotUnderstood, edited, kernel_words
from tests.support.base_image import GRUB, ISOLINUX

WORDS = ("instdev=/dev/nvme0n1", "ip=192.0.2.9,,192.0.2.1,24,edge-0001,enp1s0,off", "console=tty0")


@pytest.mark.parametrize(("name", "text"), [("grub.cfg", GRUB), ("isolinux.cfg", ISOLINUX)])
def test_every_kernel_line_has_the_words_once_and_last(name: str, text: str) -> None:
    after, count = edited(name, text, WORDS, without=("serial",))
    assert count == 2
    for words in kernel_words(name, after):
        assert words[-3:] == list(WORDS)
        names = [word.partition("=")[0] for word in words]
        assert sorted(set(names)) == sorted(names)
        assert "serial" not in names
        assert "traits=controller" in words


@pytest.mark.parametrize(("name", "text"), [("grub.cfg", GRUB), ("isolinux.cfg", ISOLINUX)])
def test_what_is_no_kernel_line_stays_but_for_a_menu_that_waits_for_ever(name: str, text: str) -> None:
    after, _ = edited(name, text, WORDS)
    changed = [
        (old, new) for old, new in zip(text.splitlines(), after.splitlines(), strict=True) if old != new
    ]
    others = [pair for pair in changed if "instdev=" not in pair[0]]
    assert others == ([("timeout=-1", "timeout=5")] if name == "grub.cfg" else [("timeout 0", "timeout 50")])


def test_the_same_words_twice_change_nothing_more() -> None:
    once, _ = edited("grub.cfg", GRUB, WORDS)
    assert edited("grub.cfg", once, WORDS)[0] == once


def test_a_menu_that_goes_on_by_itself_keeps_its_time() -> None:
    assert "timeout=3\n" in edited("grub.cfg", GRUB.replace("timeout=-1", "timeout=3"), WORDS)[0]
    assert "timeout 30\n" in edited("isolinux.cfg", ISOLINUX.replace("timeout 0", "timeout 30"), WORDS)[0]
    quiet = ISOLINUX.replace("ui vesamenu.c32\n", "")
    assert "timeout 0\n" in edited("isolinux.cfg", quiet, WORDS)[0]


def test_a_grub_menu_without_a_time_is_given_one() -> None:
    text = GRUB.replace("timeout=-1\n", "")
    assert edited("grub.cfg", text, WORDS)[0].startswith("set timeout=5\n")


def test_a_kernel_of_isolinux_without_words_gets_a_line_for_them() -> None:
    text = "default a\nlabel a\n  kernel /vmlinuz\nlabel disk\n  localboot 0x80\n"
    after, count = edited("isolinux.cfg", text, ("a=1",))
    assert count == 1
    assert "  kernel /vmlinuz\n  append a=1\nlabel disk\n" in after


def test_what_isolinux_loads_beside_kernels_is_left_alone() -> None:
    text = "label menu\n  kernel vesamenu.c32\n  append other.cfg\n"
    assert edited("isolinux.cfg", text, WORDS) == (text, 0)


@pytest.mark.parametrize(
    "line",
    [
        "    linux /vmlinuz quiet \\",
        "    linux /vmlinuz quiet; initrd /initrd",
        "menuentry 'x' { linux /vmlinuz quiet; initrd /initrd; }",
        "    if [ -e /a ]; then linux /vmlinuz; fi",
    ],
)
def test_a_line_that_cannot_be_read_for_certain_is_refused(line: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        edited("grub.cfg", f"{GRUB}{line}\n", WORDS)
    assert str(refused.value) == line.strip()
