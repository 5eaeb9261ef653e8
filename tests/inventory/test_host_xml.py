"""Hosts from StarlingX's bulk XML, and what is refused of such a file."""

from pathlib import Path

import pytest

from inventory.host_xml import read_hosts
from inventory.write import dump_hosts
from models.install_values import InstallValues
from models.inventory import Bmc, Host
from tests.inventory.files import complaint

HOST = """  <host>
    <hostname>worker-0</hostname>
    <personality>worker</personality>
    <mgmt_mac>08:00:27:DC:42:46</mgmt_mac>
    <bm_type>dynamic</bm_type>
    <bm_ip>10.10.10.100</bm_ip>
    <bm_username>root</bm_username>
    <bm_password>Planted-4711</bm_password>
    <power_on/>
  </host>
"""
FILE = f'<?xml version="1.0" encoding="UTF-8" ?>\n<hosts>\n{HOST}</hosts>\n'
BOMB = '<!DOCTYPE hosts [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<hosts><host>&b;</host></hosts>'
FETCH = '<!DOCTYPE hosts SYSTEM "http://192.0.2.1/hosts.dtd">\n<hosts/>'
READ = '<!DOCTYPE hosts [<!ENTITY f SYSTEM "file:///etc/passwd">]>\n<hosts><host>&f;</host></hosts>'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(content: str) -> str:
    Path("hosts.xml").write_text(content)
    return complaint(lambda: read_hosts(Path("hosts.xml")))


def test_a_host_with_its_bmc() -> None:
    Path("hosts.xml").write_text(FILE)
    found = read_hosts(Path("hosts.xml"), "env:BMC_PASSWORD")
    (host,) = found.hosts
    assert (host.name, host.personality, host.mac) == ("worker-0", "worker", "08:00:27:dc:42:46")
    assert isinstance(host.bmc, Bmc)
    assert host.bmc.credential is not None
    assert (host.bmc.address, host.bmc.credential.username) == ("10.10.10.100", "root")
    assert host.bmc.credential.password == "env:BMC_PASSWORD"
    assert found.passwords_left == ("worker-0",)
    assert "Planted" not in dump_hosts(found.hosts)


def test_a_host_without_a_bmc_and_one_by_ipv6() -> None:
    none = HOST.replace("dynamic", "none").replace("worker-0", "worker-1").replace("46<", "47<")
    sixth = HOST.replace("10.10.10.100", "2001:db8::7")
    Path("hosts.xml").write_text(f"<hosts>\n{sixth}{none}</hosts>")
    found = read_hosts(Path("hosts.xml"))
    assert [host.bmc and host.bmc.address for host in found.hosts] == ["[2001:db8::7]", None]
    assert found.hosts[1] == Host.model_validate(
        {"name": "worker-1", "personality": "worker", "mac": "08:00:27:dc:42:47"}
    )


def test_disks_and_console_are_install_values() -> None:
    more = "<boot_device>sda</boot_device><rootfs_device>/dev/sdb</rootfs_device><console>tty0</console>"
    Path("hosts.xml").write_text(FILE.replace("<power_on/>", more))
    (host,) = read_hosts(Path("hosts.xml")).hosts
    assert host.install == InstallValues(boot_device="sda", rootfs_device="/dev/sdb", console_type="tty0")
    assert "boot_device: sda" in dump_hosts((host,))


@pytest.mark.parametrize("hostile", [BOMB, FETCH, READ, "<?php evil ?><hosts/>"])
def test_hostile_xml_is_refused_before_anything_of_it_is_read(hostile: str) -> None:
    words = said(hostile)
    assert words.startswith("hosts.xml:1: expected plain elements; document types, entities"), words


def test_a_file_without_end_is_refused() -> None:
    assert said("<hosts>" + "<host>" * 100_000) == "hosts.xml:1: <host> stands 8 elements deep"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FILE, "", "hosts.xml:1: is no XML: no element found"),
        ("</hosts>", "", "hosts.xml:14: is no XML: no element found"),
        ("hosts>", "host>", "hosts.xml:2: expected <hosts> at the top of the file, found <host>"),
        (HOST, "", "hosts.xml:1: expected at least one <host>"),
        ("mgmt_mac>", "mgnt_mac>", "sysinv knows no such element of a host; did you mean 'mgmt_mac'?"),
        (">worker<", ">compute<", "hosts.xml:5: personality: expected controller, worker or storage, found"),
        (">worker<", "><", "hosts.xml:5: personality: expected controller, worker or storage, found none"),
        ("08:00:27:DC:42:46", "08-00", "hosts.xml:6: mgmt_mac: expected a MAC such as 08:00:27:dc:42:46"),
        ("10.10.10.100", "10 10", "hosts.xml:8: bm_ip: expected an address, found '10 10'"),
        ("<power_on/>", "<power_on a='1'/>", "hosts.xml:11: power_on: expected no attributes, found a"),
        (
            "<power_on/>",
            "<console>tty 0</console>",
            "11: console: expected a console such as ttyS0,115200 or",
        ),
        (
            "<power_on/>",
            "<boot_device>a b</boot_device>",
            "11: boot_device: expected a disk such as /dev/disk",
        ),
        ("<power_on/>", "<console><b/></console>", "expected text in <console>, found <b>"),
        ("<power_on/>", "<bm_type>ipmi</bm_type>", "bm_type: stands twice in one host (first in line 7)"),
        (HOST, HOST + HOST, "hosts.xml:14: hostname: worker-0 is another host's too (line 4)"),
        ("host>", "hots>", "expected <host> in <hosts>, found <hots>"),
    ],
)
def test_a_mistake_is_said_with_its_line(old: str, new: str, words: str) -> None:
    assert said(FILE) == ""
    assert words in said(FILE.replace(old, new))


def test_all_mistakes_are_said_at_once() -> None:
    broken = FILE.replace("08:00:27:DC:42:46", "08-00").replace(">worker<", ">compute<")
    assert len(said(broken).splitlines()) == 2
