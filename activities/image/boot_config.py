"""Kernel command lines in the files of the boot loaders that installation images have, GRUB and isolinux.

Every kernel line of a file is changed alike, as StarlingX's `update-iso.sh` does it: which entry boots
depends on the firmware and on a default that may itself be computed. A name that is given takes the place of
every word with that name; the rest of the line stays. A file that this module cannot be sure to read as its
boot loader does (lines that go on, several commands in one line) is refused rather than half changed, since
the entry that was missed would be the one that boots. A menu that waits for a person is given five seconds.
"""

import re
from collections.abc import Sequence

MENU_WAIT_S = 5
_GRUB_KERNEL = re.compile(r"^(\s*)(linux|linuxefi|linux16)(\s+)(\S+)(.*)$")
_GRUB_HIDDEN = re.compile(r"(?:^|[{;&|]|\bthen\b|\belse\b)\s*linux(?:efi|16)?\s+\S")
_GRUB_WAITS = re.compile(r"^(\s*)((?:set\s+)?timeout=)\"?-\d+\"?\s*$", re.MULTILINE)
_MODULES = (".c32", ".com", ".cbt", ".bin", ".bss", ".bs", ".0", ".img")
"""What isolinux loads that is no kernel."""


class NotUnderstood(Exception):
    """The file has a line that cannot be changed with certainty; the message quotes it."""


def edited(name: str, text: str, words: Sequence[str], without: Sequence[str] = ()) -> tuple[str, int]:
    """The file with `words` on every kernel line, and how many lines that are. Raises NotUnderstood."""
    if name.lower() in ("grub.cfg", "loopback.cfg"):
        return _grub(text, words, without)
    return _isolinux(text, words, without)


def kernel_words(name: str, text: str) -> list[list[str]]:
    """The command lines of a file, as this module reads them."""
    if name.lower() in ("grub.cfg", "loopback.cfg"):
        found = (_GRUB_KERNEL.match(line) for line in text.splitlines())
        return [match[5].split() for match in found if match]
    lines = text.splitlines()
    return [lines[at].split()[1:] for _, at in _entries(lines) if at is not None]


def _with(line: str, words: Sequence[str], without: Sequence[str]) -> str:
    """A command line's words; ours come last, where they win."""
    gone = {_name(word) for word in (*words, *without)}
    return " ".join([word for word in line.split() if _name(word) not in gone] + list(words))


def _name(word: str) -> str:
    return word.partition("=")[0]


# -- GRUB


def _grub(text: str, words: Sequence[str], without: Sequence[str]) -> tuple[str, int]:
    lines, changed = text.split("\n"), 0
    for number, line in enumerate(lines):
        bare = line.strip()
        match = _GRUB_KERNEL.match(line)
        if match is None:
            if not bare.startswith("#") and _GRUB_HIDDEN.search(bare):
                raise NotUnderstood(bare)
            continue
        if bare.endswith("\\") or re.search(r"[;{}|&#]", match[5]):
            raise NotUnderstood(bare)
        indent, command, space, kernel, rest = match.groups()
        lines[number] = f"{indent}{command}{space}{kernel} {_with(rest, words, without)}"
        changed += 1
    return _grub_unattended("\n".join(lines)), changed


def _grub_unattended(text: str) -> str:
    if "menuentry" not in text:
        return text
    if not re.search(r"^\s*(?:set\s+)?timeout=", text, re.MULTILINE):
        return f"set timeout={MENU_WAIT_S}\n{text}"
    return _GRUB_WAITS.sub(rf"\g<1>\g<2>{MENU_WAIT_S}", text)


# -- isolinux


def _isolinux(text: str, words: Sequence[str], without: Sequence[str]) -> tuple[str, int]:
    lines, changed, added = text.split("\n"), 0, []
    for kernel, at in _entries(lines):
        if at is None:
            indent = lines[kernel][: len(lines[kernel]) - len(lines[kernel].lstrip())]
            added.append((kernel + 1, f"{indent}append {' '.join(words)}"))
        else:
            head = re.match(r"^\s*\S+", lines[at])
            assert head is not None
            lines[at] = f"{head[0]} {_with(lines[at][head.end() :], words, without)}"
        changed += 1
    for number, line in reversed(added):
        lines.insert(number, line)
    return _isolinux_unattended("\n".join(lines)), changed


def _entries(lines: Sequence[str]) -> list[tuple[int, int | None]]:
    """(line of the kernel, line of its `append` if it has one) of every entry that boots a kernel."""
    found: list[tuple[int, int | None]] = []
    kernel: int | None = None
    append: int | None = None

    def entry_ends() -> None:
        if kernel is not None:
            found.append((kernel, append))

    for number, line in enumerate(lines):
        keyword, _, value = line.strip().partition(" ")
        keyword = keyword.lower()
        if keyword == "label":
            entry_ends()
            kernel = append = None
        elif keyword in ("kernel", "linux") and not value.strip().lower().endswith(_MODULES):
            kernel = number
        elif keyword == "append":
            append = number
    entry_ends()
    return found


def _isolinux_unattended(text: str) -> str:
    """A time-out of 0 waits for ever where there is a menu or a prompt; it counts tenths of a second."""
    asks = re.search(r"^\s*(ui\s+\S|prompt\s+[1-9]|default\s+\S+\.c32)", text, re.MULTILINE | re.IGNORECASE)
    if asks is None:
        return text
    wait = f"timeout {MENU_WAIT_S * 10}"
    if not re.search(r"^\s*timeout\s", text, re.MULTILINE | re.IGNORECASE):
        return f"{wait}\n{text}"
    return re.sub(r"^(\s*)timeout\s+0+\s*$", rf"\g<1>{wait}", text, flags=re.MULTILINE | re.IGNORECASE)
