"""A host's BMC and hardware as declared: words about mistakes, what is inherited, what is written back."""

from pathlib import Path
from typing import Any

import pytest

from inventory.bmc import declared_bmc
from inventory.load import NotDeclared, load_inventory
from inventory.schema import json_schema
from inventory.write import dump_inventory
from models.inventory import Bmc, BmcCredential
from tests.inventory.files import INVENTORY, complaint, edited, written

PIN = "sha256:" + "0f" * 32
OTHER_PIN = "sha256:" + "1e" * 32
FIRST = "bmc: 10.0.0.1}"
SECOND = "bmc: 10.0.0.2}"
AT = "inventory.yaml:18: sites[1].hosts[1]"

# what is written for the second host's BMC, the words about it, what is good in its place
CASES = {
    "an unknown key": (
        "bmc: {adress: 10.0.0.2}}",
        f"{AT}.bmc.address: is required, but missing\n{AT}.bmc.adress: unknown key; did you mean 'address'?",
        "bmc: {address: 10.0.0.2}}",
    ),
    "a number": (
        "bmc: 10}",
        f"{AT}.bmc: expected an address such as https://10.20.17.10, or a mapping, found the number 10",
        "bmc: bmc-10}",
    ),
    "an address with a path": (
        "bmc: https://10.0.0.2/redfish}",
        f"{AT}.bmc.address: expected an address such as https://10.20.17.10 or 10.20.17.10:8443, "
        "found 'https://10.0.0.2/redfish'",
        "bmc: 'https://[2001:db8::2]:8443/'}",
    ),
    "an address of another scheme": (
        "bmc: ipmi://10.0.0.2}",
        f"{AT}.bmc.address: expected an address such as https://10.20.17.10 or 10.20.17.10:8443, "
        "found 'ipmi://10.0.0.2'",
        "bmc: http://10.0.0.2}",
    ),
    "an address of another host, said otherwise": (
        "bmc: {address: 'https://10.0.0.1:443/'}}",
        f"{AT}.bmc.address: 'https://10.0.0.1:443/' is already the BMC of sites[1].hosts[0] (line 17)",
        "bmc: {address: 'https://10.0.0.1:8443'}}",
    ),
    "one service, the second host's system alone": (
        "bmc: {address: 10.0.0.1, system: /redfish/v1/Systems/2}}",
        f"{AT}.bmc.address: '10.0.0.1' is already the BMC of sites[1].hosts[0] (line 17)",
        "bmc: {address: 10.0.0.2, system: /redfish/v1/Systems/2}}",
    ),
    "a system that is no path": (
        "bmc: {address: 10.0.0.2, system: '1'}}",
        f"{AT}.bmc.system: expected the path of a system such as /redfish/v1/Systems/1, found '1'",
        "bmc: {address: 10.0.0.2, system: /redfish/v1/Systems/1}}",
    ),
    "two trusts": (
        f"bmc: {{address: 10.0.0.2, unverified: true, fingerprint: '{PIN}'}}}}",
        f"{AT}.bmc.unverified: expected one of ca_bundle, fingerprint, unverified; "
        "found fingerprint and unverified",
        f"bmc: {{address: 10.0.0.2, fingerprint: '{PIN}'}}}}",
    ),
    "a CA that is not there": (
        "bmc: {address: 10.0.0.2, ca_bundle: /nowhere/ca.pem}}",
        f"{AT}.bmc.ca_bundle: '/nowhere/ca.pem' does not exist (looked for /nowhere/ca.pem)",
        "bmc: {address: 10.0.0.2, ca_bundle: ca.pem}}",
    ),
    "a credential without a user": (
        "bmc: {address: 10.0.0.2, credential: {password: env:B}}}",
        f"{AT}.bmc.credential.username: is required, but missing",
        "bmc: {address: 10.0.0.2, credential: {username: root, password: env:B}}}",
    ),
    "a serial number that stands twice": (
        "serial: AB12, bmc: 10.0.0.2}",
        f"{AT}.serial: 'AB12' is already the serial number of sites[1].hosts[0] (line 17)",
        "serial: AB13, bmc: 10.0.0.2}",
    ),
    "a UUID that stands twice": (
        "uuid: 4C4C4544-0051-3610-8053-b7c04f4b4e32, bmc: 10.0.0.2}",
        f"{AT}.uuid: '4C4C4544-0051-3610-8053-b7c04f4b4e32' is already the UUID of sites[1].hosts[0] "
        "(line 17)",
        "uuid: 4c4c4544-0051-3610-8053-b7c04f4b4e33, bmc: 10.0.0.2}",
    ),
    "a UUID of the wrong form": (
        "uuid: 4c4c4544, bmc: 10.0.0.2}",
        f"{AT}.uuid: expected a UUID such as 4c4c4544-0051-3610-8053-b7c04f4b4e32, found '4c4c4544'",
        "uuid: 4c4c4544-0051-3610-8053-b7c04f4b4e34, bmc: 10.0.0.2}",
    ),
    "an OAM address that stands twice": (
        "oam: 192.0.2.1:22, bmc: 10.0.0.2}",
        f"{AT}.oam: '192.0.2.1:22' is already the OAM address of sites[1].hosts[0] (line 17)",
        "oam: 192.0.2.1:2222, bmc: 10.0.0.2}",
    ),
    "an OAM address that is a URL": (
        "oam: 'ssh://192.0.2.2', bmc: 10.0.0.2}",
        f"{AT}.oam: expected HOST or HOST:PORT, such as 10.20.17.2:22, found 'ssh://192.0.2.2'",
        "oam: '[2001:db8::2]:22', bmc: 10.0.0.2}",
    ),
}


def both_hosts(second: str) -> str:
    hardware = "serial: ab12, uuid: 4c4c4544-0051-3610-8053-b7c04f4b4e32, oam: 192.0.2.1, "
    return edited(edited(INVENTORY, FIRST, hardware + FIRST), SECOND, second)


@pytest.mark.parametrize(("bad", "words", "good"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_told_with_its_line_and_its_repair_loads(
    folder: Path, bad: str, words: str, good: str
) -> None:
    written(folder, "-----BEGIN CERTIFICATE-----\n", "ca.pem")
    written(folder, both_hosts(bad))
    assert complaint(lambda: load_inventory("inventory.yaml")) == words
    written(folder, both_hosts(good))
    assert complaint(lambda: load_inventory("inventory.yaml")) == ""


@pytest.mark.parametrize(
    "clear",
    [
        "bmc: {address: 10.0.0.2, credential: {username: root, password: hunter2}}}",
        "bmc: {address: 10.0.0.2, credential: {username: root, pasword: hunter2}}}",
        "bmc: {address: 10.0.0.2, credential: hunter2}}",
        "bmc: 'https://root:hunter2@10.0.0.2'}",
        "bmc: {address: 'https://root:hunter2@10.0.0.2'}}",
    ],
)
def test_a_secret_in_clear_is_refused_and_never_repeated(folder: Path, clear: str) -> None:
    written(folder, both_hosts(clear))
    said = complaint(lambda: load_inventory("inventory.yaml"))
    assert said.startswith(f"{AT}.bmc")
    assert "hunter2" not in said


def test_hosts_share_a_service_where_each_names_its_own_system(folder: Path) -> None:
    text = edited(INVENTORY, FIRST, "bmc: {address: 10.0.0.1, system: /redfish/v1/Systems/1}}")
    written(folder, edited(text, SECOND, "bmc: {address: 10.0.0.1, system: /redfish/v1/Systems/2}}"))
    assert complaint(lambda: load_inventory("inventory.yaml")) == ""
    written(folder, edited(text, SECOND, "bmc: {address: 10.0.0.1, system: /redfish/v1/Systems/1/}}"))
    assert "is already the BMC of sites[1].hosts[0]" in complaint(lambda: load_inventory("inventory.yaml"))


def test_the_nearest_credential_and_the_nearest_trust_win_each_as_a_whole(folder: Path) -> None:
    written(folder, "-----BEGIN CERTIFICATE-----\n", "ca.pem")
    text = edited(
        INVENTORY,
        "    password: env:CENTRAL_PASSWORD\n",
        "    password: env:CENTRAL_PASSWORD\n"
        "  bmc: {credential: {username: fleet, password: env:FLEET}, ca_bundle: ca.pem}\n",
    )
    text = edited(text, "  topology: AIO-DX\n", f"  topology: AIO-DX\n  bmc: {{fingerprint: '{PIN}'}}\n")
    own = "credential: {username: own, password: file:own}"
    text = edited(text, SECOND, f"bmc: {{address: 'http://10.0.0.2:8000', {own}, unverified: true}}}}")
    text += "  hosts: [{name: controller-0, personality: controller, bmc: 10.0.0.3}]\n"
    inventory = load_inventory(written(folder, text))

    far = declared_bmc(inventory, "gamma", "controller-0")
    assert (far.url, far.credential.username) == ("https://10.0.0.3", "fleet")
    assert (far.ca_bundle, far.fingerprint, far.unverified) == (str(folder / "ca.pem"), None, False)
    near = declared_bmc(inventory, "beta", "controller-0")
    assert (near.credential.username, near.ca_bundle, near.fingerprint) == ("fleet", None, PIN)
    nearest = declared_bmc(inventory, "beta", "controller-1")
    assert (nearest.url, nearest.credential.username) == ("http://10.0.0.2:8000", "own")
    assert (nearest.ca_bundle, nearest.fingerprint, nearest.unverified) == (None, None, True)


def test_what_is_not_declared_is_said_with_what_to_declare(folder: Path) -> None:
    inventory = load_inventory(written(folder, edited(INVENTORY, ", bmc: 10.0.0.2", "")))
    with pytest.raises(
        NotDeclared, match=r"declares no credential for the BMC of beta/controller-0: give one"
    ):
        declared_bmc(inventory, "beta", "controller-0")
    with pytest.raises(NotDeclared, match=r"declares no bmc for beta/controller-1"):
        declared_bmc(inventory, "beta", "controller-1")
    with pytest.raises(NotDeclared, match=r"no host 'controler-1' at beta; did you mean 'controller-1'"):
        declared_bmc(inventory, "beta", "controler-1")


def test_a_bmc_is_written_as_short_as_it_may_be(folder: Path) -> None:
    written(folder, "-----BEGIN CERTIFICATE-----\n", "ca.pem")
    long = Bmc(
        address="https://10.0.0.2:8443",
        credential=BmcCredential(username="root", password="file:bmc"),
        ca_bundle="ca.pem",
    )
    file = load_inventory(written(folder, INVENTORY)).file
    hosts = (file.sites[1].hosts[0], file.sites[1].hosts[1].model_copy(update={"bmc": long}))
    sites = (file.sites[0], file.sites[1].model_copy(update={"hosts": hosts}), file.sites[2])
    text = dump_inventory(file.model_copy(update={"sites": sites}))
    assert "    bmc: 10.0.0.1\n" in text
    assert (
        "    bmc:\n      address: https://10.0.0.2:8443\n      credential:\n        username: root\n" in text
    )
    assert load_inventory(written(folder, text)).file.sites == sites


def test_the_schema_takes_an_address_or_a_mapping() -> None:
    ways: list[dict[str, Any]] = json_schema("inventory")["$defs"]["Host"]["properties"]["bmc"]["anyOf"]
    assert [way.get("type") or way.get("$ref") for way in ways] == ["string", "#/$defs/Bmc", "null"]
