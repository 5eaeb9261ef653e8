"""Hosts from the XML that StarlingX's own `system host-bulk-add` takes and `host-bulk-export` writes.

`<hosts>` holds `<host>`s; of each, hostname, personality, mgmt_mac, the BMC (bm_type, bm_ip, bm_username),
disks and console become a declared host. An element that is missing or empty says nothing, as in sysinv. A
`bm_password` is never copied: the file holds it in clear, an inventory holds references; the caller is told
whose were left.

The file comes from anywhere, so it is read by events, and a document type, entity or processing instruction
ends the reading: no file of hosts needs one, and all that XML can be made to do (unfold to gigabytes, fetch
addresses, read files) begins there. Every mistake is listed with its line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from pydantic import ValidationError

from inventory.problems import FileErrors, Problem
from inventory.text import read_content, refused, require_text
from inventory.words import did_you_mean
from models.base import Frozen
from models.inventory import Host

BULK_ELEMENTS = (
    "apparmor",
    "bm_ip",
    "bm_password",
    "bm_type",
    "bm_username",
    "boot_device",
    "console",
    "hostname",
    "hw_settle",
    "install_output",
    "location",
    "mgmt_ip",
    "mgmt_mac",
    "personality",
    "power_on",
    "rootfs_device",
    "subfunctions",
    "sw_version",
    "vsc_controllers",
)
"""What sysinv reads of a `<host>` (StarlingX config, sysinv/api/controllers/v1/host.py, bulk_add)."""
NO_BMC = ("", "none")
MAX_DEPTH = 8
"""Three are needed; a file that goes on and on is no file of hosts."""
INSTALL_OF = {"boot_device": "boot_device", "rootfs_device": "rootfs_device", "console_type": "console"}
"""Install values, and the elements that they are read from."""
ELEMENT_OF = {
    "name": "hostname",
    "personality": "personality",
    "mac": "mgmt_mac",
    "bmc": "bm_ip",
    **INSTALL_OF,
}
EXPECTED = {
    "name": "expected a host name of letters, digits, dots, dashes",
    "personality": "expected controller, worker or storage",
    "mac": "expected a MAC such as 08:00:27:dc:42:46",
    "bmc": "expected an address",
    "boot_device": "expected a disk such as /dev/disk/by-path/pci-0000:00:17.0-ata-1.0 or sda",
    "rootfs_device": "expected a disk such as /dev/disk/by-path/pci-0000:00:17.0-ata-1.0 or sda",
    "console_type": "expected a console such as ttyS0,115200 or tty0",
}
UNIQUE = ("hostname", "mgmt_mac", "bm_ip")


class ImportedHosts(Frozen):
    hosts: tuple[Host, ...]
    passwords_left: tuple[str, ...]
    """Hosts whose BMC password stands in the file and was not copied."""


class _Entry(NamedTuple):
    line: int
    elements: dict[str, tuple[str, int]]
    """Text and line of each element."""

    def text(self, element: str) -> str:
        return self.elements.get(element, ("", 0))[0]


def read_hosts(path: Path, password_ref: str = "") -> ImportedHosts:
    """Raises FileErrors. `password_ref`: the reference each BMC's credential is given; without one BMCs are
    declared without a credential, to be given at site or controller."""
    file = str(path)
    reading = _Reading(file)
    reading.parse(require_text(read_content(path, file), file))
    hosts: list[Host] = []
    for entry in reading.entries:
        host = _host(reading, entry, password_ref)
        if host is not None:
            hosts.append(host)
    _say_doubles(reading)
    if not reading.entries and not reading.problems:
        reading.flaw(1, "", "expected at least one <host>")
    if reading.problems:
        raise FileErrors(reading.problems)
    left = tuple(entry.text("hostname") for entry in reading.entries if entry.text("bm_password"))
    return ImportedHosts(hosts=tuple(hosts), passwords_left=left)


class _Reading:
    """One pass over the file; what is wrong is gathered."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.entries: list[_Entry] = []
        self.problems: list[Problem] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._hostile
        self._parser.EntityDeclHandler = self._hostile
        self._parser.ProcessingInstructionHandler = self._hostile

    def flaw(self, line: int, field: str, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, column=1, field=field, message=message))

    def parse(self, content: bytes) -> None:
        """Raises FileErrors where reading cannot go on."""
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            words = expat.errors.messages.get(error.code, "unreadable")
            raise refused(self.file, f"is no XML: {words}", error.lineno, error.offset + 1) from None

    def _hostile(self, *_: Any) -> None:
        raise refused(
            self.file,
            "expected plain elements; document types, entities and processing instructions are refused, "
            "since nothing in a file of hosts needs them",
            self._parser.CurrentLineNumber,
            self._parser.CurrentColumnNumber + 1,
        )

    def _start(self, element: str, attributes: Mapping[str, str]) -> None:
        line, depth = self._parser.CurrentLineNumber, len(self._open)
        self._open.append(element)
        self._text.clear()
        if depth == 0 and element != "hosts":
            raise refused(self.file, f"expected <hosts> at the top of the file, found <{element}>", line, 1)
        if depth == 1:
            self.entries.append(_Entry(line, {}))
            if element != "host":
                self.flaw(line, element, f"expected <host> in <hosts>, found <{element}>")
        elif depth == 2 and element not in BULK_ELEMENTS:
            near = did_you_mean(element, list(BULK_ELEMENTS))
            self.flaw(line, element, f"sysinv knows no such element of a host{near}")
        elif depth >= MAX_DEPTH:
            raise refused(self.file, f"<{element}> stands {depth} elements deep", line, 1)
        elif depth > 2:
            self.flaw(line, element, f"expected text in <{self._open[-2]}>, found <{element}>")
        if attributes:
            self.flaw(line, element, f"expected no attributes, found {', '.join(attributes)}")

    def _end(self, element: str) -> None:
        self._open.pop()
        if len(self._open) == 2:
            elements = self.entries[-1].elements
            line = self._parser.CurrentLineNumber
            if element in elements:
                self.flaw(line, element, f"stands twice in one host (first in line {elements[element][1]})")
            elements[element] = ("".join(self._text).strip(), line)
        self._text.clear()


def _host(reading: _Reading, entry: _Entry, password_ref: str) -> Host | None:
    declared: dict[str, Any] = {
        "name": entry.text("hostname"),
        "personality": entry.text("personality"),
        "mac": entry.text("mgmt_mac").lower() or None,
        "install": {key: entry.text(element) for key, element in INSTALL_OF.items() if entry.text(element)},
    }
    if entry.text("bm_type").lower() not in NO_BMC and entry.text("bm_ip"):
        bmc: dict[str, Any] = {"address": _bracketed(entry.text("bm_ip"))}
        if password_ref and entry.text("bm_username"):
            bmc["credential"] = {"username": entry.text("bm_username"), "password": password_ref}
        declared["bmc"] = bmc
    try:
        return Host.model_validate(declared)
    except ValidationError as error:
        places = [detail["loc"] for detail in error.errors()]
        for field in dict.fromkeys(str(place[1] if place[0] == "install" else place[0]) for place in places):
            element = ELEMENT_OF[field]
            found, line = entry.elements.get(element, ("", entry.line))
            reading.flaw(line, element, f"{EXPECTED[field]}, {f'found {found!r}' if found else 'found none'}")
        return None


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _say_doubles(reading: _Reading) -> None:
    for element in UNIQUE:
        first: dict[str, int] = {}
        for entry in reading.entries:
            text, line = entry.elements.get(element, ("", 0))
            key = text.lower()
            if key and key in first:
                reading.flaw(line, element, f"{text} is another host's too (line {first[key]})")
            elif key:
                first[key] = line
