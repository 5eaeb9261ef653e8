"""Each guard of the inventory: the words about a bad file, and a good file beside it that loads."""

from pathlib import Path

import pytest

from inventory.load import load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, refused, written

CA = "-----BEGIN CERTIFICATE-----\n"
FINGERPRINT = "sha256:" + "0f" * 32

# what is replaced in the good file, by what, the words about it, by what it is replaced to be good
CASES = {
    "unknown key": (
        "  topology: AIO-DX",
        "  topologie: AIO-DX",
        """\
inventory.yaml:15: sites[1].topologie: unknown key; did you mean 'topology'?
inventory.yaml:18: sites[1].hosts[1].personality: topology AIO-SX has at most one controller""",
        "  topology: AIO-DX",
    ),
    "unknown key like none": (
        "  timezone: Europe/Berlin",
        "  xyzzy: 1",
        "inventory.yaml:14: sites[1].xyzzy: unknown key; known are name, subcloud, system_controller, "
        "labels, timezone, windows, topology, endpoints, bmc, ironic, boot_images, install, hosts, "
        "kubernetes, openstack, ceph, profile, deploy, bootstrap and ssh",
        "  endpoints: {vim: 'https://192.0.2.7:4545/api'}",
    ),
    "key with a hyphen": (
        "  subcloud: subcloud2\n  system_controller: central",
        "  system-controller: central",
        """\
inventory.yaml:10: sites[1].system_controller: is required, but missing
inventory.yaml:11: sites[1].system-controller: unknown key; did you mean 'system_controller'?""",
        "  system_controller: central",
    ),
    "missing key": (
        "- name: gamma\n",
        "- subcloud: gamma\n",
        "inventory.yaml:19: sites[2].name: is required, but missing",
        "- subcloud: other\n  name: gamma\n",
    ),
    "wrong word": (
        "topology: AIO-DX",
        "topology: AIO",
        "inventory.yaml:15: sites[1].topology: expected AIO-SX, AIO-DX or Standard, found 'AIO'",
        "topology: Standard",
    ),
    "number where a word is quoted": (
        "  credential:",
        "  dialect: 12\n  credential:",
        "inventory.yaml:4: system_controllers[0].dialect: expected auto, 12 or next, found the number 12; "
        "write it in quotes: '12'",
        "  dialect: '12'\n  credential:",
    ),
    "label read as a boolean": (
        "{region: north}",
        "{region: on}",
        "inventory.yaml:9: sites[0].labels.region: expected text, found on, which YAML reads as true; "
        "write it in quotes: 'on'",
        "{region: 'on'}",
    ),
    "label read as a number": (
        "{region: north}",
        "{release: 1.10}",
        "inventory.yaml:9: sites[0].labels.release: expected text, found the number 1.10; "
        "write it in quotes: '1.10'",
        "{release: '1.10'}",
    ),
    "label read as a date": (
        "{region: north}",
        "{since: 2026-03-01}",
        "inventory.yaml:9: sites[0].labels.since: '2026-03-01' is read as a date; "
        "write it in quotes if it is text",
        "{since: '2026-03-01'}",
    ),
    "label read as octal": (
        "{region: north}",
        "{area: 0177}",
        "inventory.yaml:9: sites[0].labels.area: '0177' is read as a number, but is not decimal; "
        "write it in quotes if it is text",
        "{area: '0177'}",
    ),
    "label without a value": (
        "{region: north}",
        "{region: }",
        "inventory.yaml:9: sites[0].labels.region: expected text, found nothing",
        "{region: ''}",
    ),
    "label key read as a boolean": (
        "{region: north}",
        "{no: north}",
        "inventory.yaml:9: sites[0].labels.no: the key 'no' is read as false; write it in quotes",
        "{'no': north}",
    ),
    "label key read as a number": (
        "{region: north}",
        "{7: north}",
        "inventory.yaml:9: sites[0].labels['7']: the key '7' is read as a number; write it in quotes",
        "{'7': north}",
    ),
    "label key read as a date": (
        "{region: north}",
        "{2026-03-01: north}",
        "inventory.yaml:9: sites[0].labels['2026-03-01']: the key '2026-03-01' is read as a date; "
        "write it in quotes",
        "{'2026-03-01': north}",
    ),
    "labels as a list": (
        "{region: north}",
        "[north]",
        "inventory.yaml:9: sites[0].labels: expected a mapping, found a list",
        "{}",
    ),
    "labels left open": (
        "{region: north}",
        "",
        "inventory.yaml:9: sites[0].labels: expected a mapping, found nothing; write {} for none",
        "{}",
    ),
    "site as text": (
        "- name: gamma\n  system_controller: central\n",
        "- gamma\n",
        "inventory.yaml:19: sites[2]: expected a mapping, found text",
        "- {name: gamma, system_controller: central}\n",
    ),
    "name unfit for a workflow id": (
        "name: gamma",
        "name: gamma/1",
        "inventory.yaml:19: sites[2].name: expected a name of at most 63 letters, digits, '.', '_' and "
        "'-' that "
        "begins with a letter or digit, found 'gamma/1'",
        "name: gamma-1",
    ),
    "key that stands twice": (
        "  timezone: Europe/Berlin",
        "  timezone: Europe/Berlin\n  timezone: UTC",
        "inventory.yaml:15: sites[1].timezone: this key stands twice in its mapping, first in line 14",
        "  timezone: UTC",
    ),
    "site name that stands twice": (
        "name: gamma",
        "name: alpha",
        "inventory.yaml:19: sites[2].name: 'alpha' is already the name of another site, sites[0] (line 7)",
        "name: Alpha",
    ),
    "controller name that stands twice": (
        "sites:\n",
        "- name: central\n  auth_url: https://10.10.10.3:5000/v3\n  credential: {password: env:B}\nsites:\n",
        "inventory.yaml:6: system_controllers[1].name: 'central' is already the name of another system "
        "controller, system_controllers[0] (line 2)",
        "- name: west\n  auth_url: https://10.10.10.3:5000/v3\n  credential: {password: env:B}\nsites:\n",
    ),
    "subcloud that stands twice": (
        "- name: gamma\n",
        "- name: gamma\n  subcloud: subcloud2\n",
        "inventory.yaml:20: sites[2].subcloud: subcloud 'subcloud2' of 'central' is already sites[1] "
        "(line 10)",
        "- name: gamma\n  subcloud: subcloud3\n",
    ),
    "subcloud that is another site's name": (
        "  subcloud: subcloud2\n",
        "  subcloud: gamma\n",
        "inventory.yaml:19: sites[2].name: subcloud 'gamma' of 'central' is already sites[1] (line 10)",
        "  subcloud: beta\n",
    ),
    "MAC that stands twice": (
        '"52:54:00:00:00:02"',
        '"52:54:00:00:00:01"',
        "inventory.yaml:18: sites[1].hosts[1].mac: '52:54:00:00:00:01' is already the MAC of "
        "sites[1].hosts[0] (line 17)",
        '"52:54:00:00:00:03"',
    ),
    "BMC that stands twice": (
        "bmc: 10.0.0.2",
        "bmc: 10.0.0.1",
        "inventory.yaml:18: sites[1].hosts[1].bmc: '10.0.0.1' is already the BMC of sites[1].hosts[0] "
        "(line 17)",
        "bmc: 10.0.0.3",
    ),
    "MAC of digits only": (
        '"52:54:00:00:00:02"',
        "52:54:00:00:00:02",
        "inventory.yaml:18: sites[1].hosts[1].mac: '52:54:00:00:00:02' is read as a number to base 60; "
        "write it in quotes if it is text",
        "'52:54:00:00:00:02'",
    ),
    "MAC of the wrong form": (
        '"52:54:00:00:00:02"',
        "52-54-00-00-00-02",
        "inventory.yaml:18: sites[1].hosts[1].mac: expected a MAC address such as 52:54:00:12:34:56, "
        "found '52-54-00-00-00-02'",
        "'52:54:00:aa:00:02'",
    ),
    "host name that stands twice": (
        "{name: controller-1,",
        "{name: controller-0,",
        "inventory.yaml:18: sites[1].hosts[1].name: this site has two hosts named 'controller-0' (line 17)",
        "{name: controller-1,",
    ),
    "dangling controller": (
        "- name: gamma\n  system_controller: central",
        "- name: gamma\n  system_controller: centrel",
        "inventory.yaml:20: sites[2].system_controller: no system controller is named 'centrel'; "
        "did you mean 'central'?",
        "- name: gamma\n  system_controller: central",
    ),
    "time zone": (
        "Europe/Berlin",
        "Europe/Berlyn",
        "inventory.yaml:14: sites[1].timezone: 'Europe/Berlyn' is no IANA time zone; "
        "did you mean 'Europe/Berlin'?",
        "America/Sao_Paulo",
    ),
    "time zone that is a folder": (
        "Europe/Berlin",
        "../zoneinfo",
        "inventory.yaml:14: sites[1].timezone: '../zoneinfo' is no IANA time zone",
        "Etc/UTC",
    ),
    "certificate that is not there": (
        "  credential:",
        "  ca_bundle: /nowhere/ca.pem\n  credential:",
        "inventory.yaml:4: system_controllers[0].ca_bundle: '/nowhere/ca.pem' does not exist "
        "(looked for /nowhere/ca.pem)",
        "  ca_bundle: ca.pem\n  credential:",
    ),
    "certificate that is none": (
        "  credential:",
        "  ca_bundle: key.pem\n  credential:",
        "inventory.yaml:4: system_controllers[0].ca_bundle: 'key.pem' holds no certificate in PEM form",
        "  ca_bundle: ca.pem\n  credential:",
    ),
    "certificate that is a directory": (
        "  credential:",
        "  ca_bundle: .\n  credential:",
        "inventory.yaml:4: system_controllers[0].ca_bundle: '.' cannot be read: Is a directory",
        "  ca_bundle: ca.pem\n  credential:",
    ),
    "certificate and fingerprint": (
        "  credential:",
        f"  ca_bundle: ca.pem\n  fingerprint: {FINGERPRINT}\n  credential:",
        "inventory.yaml:5: system_controllers[0].fingerprint: expected either ca_bundle or fingerprint, "
        "found both",
        f"  fingerprint: {FINGERPRINT}\n  credential:",
    ),
    "fingerprint too short": (
        "  credential:",
        "  fingerprint: sha256:0f\n  credential:",
        "inventory.yaml:4: system_controllers[0].fingerprint: expected a fingerprint such as "
        "sha256:0f4c...9e, 32 bytes in hexadecimal, found 'sha256:0f'",
        f"  fingerprint: {FINGERPRINT}\n  credential:",
    ),
    "two controllers on AIO-SX": (
        "topology: AIO-DX",
        "topology: AIO-SX",
        "inventory.yaml:18: sites[1].hosts[1].personality: topology AIO-SX has at most one controller",
        "topology: AIO-DX",
    ),
    "worker on AIO-SX": (
        "- name: gamma\n",
        "- name: gamma\n  hosts: [{name: worker-0, personality: worker}]\n",
        "inventory.yaml:20: sites[2].hosts[0].personality: topology AIO-SX has no worker hosts",
        "- name: gamma\n  topology: AIO-DX\n  hosts: [{name: worker-0, personality: worker}]\n",
    ),
    "three controllers on AIO-DX": (
        "- name: gamma\n",
        "  - {name: controller-2, personality: controller}\n- name: gamma\n",
        "inventory.yaml:19: sites[1].hosts[2].personality: topology AIO-DX has at most 2 controllers",
        "  - {name: worker-2, personality: worker}\n- name: gamma\n",
    ),
    "storage on AIO-DX": (
        "- name: gamma\n",
        "  - {name: storage-0, personality: storage}\n- name: gamma\n",
        "inventory.yaml:19: sites[1].hosts[2].personality: topology AIO-DX has no storage hosts",
        "- name: delta\n  system_controller: central\n  topology: Standard\n"
        "  hosts: [{name: storage-0, personality: storage}]\n- name: gamma\n",
    ),
    "address that is no URL": (
        "https://10.10.10.2:5000/v3",
        "10.10.10.2:5000",
        "inventory.yaml:3: system_controllers[0].auth_url: expected a URL such as "
        "https://10.10.10.2:5000/v3, "
        "found '10.10.10.2:5000'",
        "http://[2001:db8::2]:5000/v3",
    ),
    "address with an impossible port": (
        "https://10.10.10.2:5000/v3",
        "https://10.10.10.2:500000/v3",
        "inventory.yaml:3: system_controllers[0].auth_url: expected a URL such as "
        "https://10.10.10.2:5000/v3; "
        "the host or port is malformed",
        "https://10.10.10.2:50000/v3",
    ),
    "no controllers": (
        INVENTORY,
        "system_controllers: []\n",
        "inventory.yaml:1: system_controllers: expected at least 1 entry, found none",
        INVENTORY,
    ),
    "sites left open": (
        INVENTORY.partition("sites:")[2],
        "\n",
        "inventory.yaml:6: sites: expected a list, found nothing; write [] for none",
        " []\n",
    ),
}


@pytest.mark.parametrize(("old", "bad", "words", "good"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_told_with_its_line_and_its_repair_loads(
    folder: Path, old: str, bad: str, words: str, good: str
) -> None:
    written(folder, CA, "ca.pem")
    written(folder, "-----BEGIN PRIVATE KEY-----\n", "key.pem")
    written(folder, edited(INVENTORY, old, bad))
    assert complaint(lambda: load_inventory("inventory.yaml")) == words
    written(folder, edited(INVENTORY, old, good))
    assert complaint(lambda: load_inventory("inventory.yaml")) == ""


def test_all_mistakes_come_at_once_in_the_order_of_the_file(folder: Path) -> None:
    written(
        folder,
        """\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  ca_bundle: missing.pem
  credential: {pasword: env:A}
sites:
- name: alpha
  system_controller: centrel
  labels: {region: on}
- name: alpha
  system_controller: central
  timezone: Berlin
  topology: AIO
  hosts:
  - {name: controller-0, personality: controler}
  - {name: controller-0, personality: worker, mac: 1}
sties: []
""",
    )
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        f"""\
inventory.yaml:4: system_controllers[0].ca_bundle: 'missing.pem' does not exist (looked for {folder}/missing.pem)
inventory.yaml:5: system_controllers[0].credential.password: is required, but missing
inventory.yaml:5: system_controllers[0].credential: unknown key; did you mean 'password'?
inventory.yaml:8: sites[0].system_controller: no system controller is named 'centrel'; did you mean 'central'?
inventory.yaml:9: sites[0].labels.region: expected text, found on, which YAML reads as true; write it in quotes: 'on'
inventory.yaml:10: sites[1].name: 'alpha' is already the name of another site, sites[0] (line 7)
inventory.yaml:12: sites[1].timezone: 'Berlin' is no IANA time zone; did you mean 'Europe/Berlin'?
inventory.yaml:13: sites[1].topology: expected AIO-SX, AIO-DX or Standard, found 'AIO'
inventory.yaml:15: sites[1].hosts[0].personality: expected controller, worker or storage, found 'controler'
inventory.yaml:16: sites[1].hosts[1].name: this site has two hosts named 'controller-0' (line 15)
inventory.yaml:16: sites[1].hosts[1].mac: expected text, found the number 1; write it in quotes: '1'
inventory.yaml:17: sties: unknown key; did you mean 'sites'?"""  # noqa: E501
    )


def test_what_nobody_can_judge_is_not_judged(folder: Path) -> None:
    """A refused subcloud, topology or personality speaks for itself and condemns nothing beside it."""
    text = edited(INVENTORY, "  subcloud: subcloud2", "  subcloud: 2")
    text = edited(text, "topology: AIO-DX", "topology: DX")
    written(folder, text + "  hosts: [{name: worker-0, personality: wroker}, worker-1]\n")
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        """\
inventory.yaml:11: sites[1].subcloud: expected text, found the number 2; write it in quotes: '2'
inventory.yaml:15: sites[1].topology: expected AIO-SX, AIO-DX or Standard, found 'DX'
inventory.yaml:21: sites[2].hosts[0].personality: expected controller, worker or storage, found 'wroker'
inventory.yaml:21: sites[2].hosts[1]: expected a mapping, found text"""
    )


def test_a_nameless_controller_does_not_condemn_its_sites(folder: Path) -> None:
    written(folder, edited(INVENTORY, "- name: central\n  auth_url", "- auth_url"))
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        "inventory.yaml:2: system_controllers[0].name: is required, but missing"
    )


def test_problems_carry_their_parts_and_a_summary_fits_a_line(folder: Path) -> None:
    text = edited(INVENTORY, "topology: AIO-DX", "topology: AIO")
    written(folder, edited(text, "{region: north}", "{region: 1}"))
    errors = refused(lambda: load_inventory("inventory.yaml"))
    first, second = errors.problems
    assert (second.file, second.line, second.column) == ("inventory.yaml", 15, 3)
    assert (second.field, second.message[:16]) == ("sites[1].topology", "expected AIO-SX,")
    assert errors.summary == f"{first} (and 1 more)"


SECRETS_IN_CLEAR = {
    "as the password": "password: hunter2",
    "as a number": "password: 4711000",
    "as a date": "password: 2024-01-01",
    "as a boolean": "password: on",
    "with a wrong scheme": "password: vault-hunter2",
    "under a wrong key": "pasword: hunter2",
    "without the blank": "{password:hunter2}",
    "as the whole credential": "hunter2",
    "in a list": "[hunter2]",
    "as a key": "{hunter2: x, 4711000: y, hunter2: z}",
    "beside a tag": "password: !vault hunter2",
    "as the second password": "{password: env:A, sysadmin_password: hunter2}",
    "on a line that is no YAML": "password: hunter2: x",
}


@pytest.mark.parametrize("clear", SECRETS_IN_CLEAR.values(), ids=SECRETS_IN_CLEAR.keys())
def test_a_secret_in_clear_is_refused_and_never_repeated(folder: Path, clear: str) -> None:
    written(folder, edited(INVENTORY, "password: env:CENTRAL_PASSWORD", clear))
    errors = refused(lambda: load_inventory("inventory.yaml"))
    for said in (str(errors), repr(errors), repr(errors.problems), errors.summary):
        assert said
        for secret in ("hunter2", "4711000", "2024-01-01", " on,"):
            assert secret not in said
    assert errors.__cause__ is None
    assert errors.__suppress_context__ or errors.__context__ is None


def test_what_to_write_in_place_of_a_secret_is_said(folder: Path) -> None:
    written(folder, edited(INVENTORY, "env:CENTRAL_PASSWORD", "hunter2"))
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        "inventory.yaml:5: system_controllers[0].credential.password: a secret in clear is refused (not "
        "shown here); write env:NAME, file:PATH, k8s:SECRET/KEY or vault:MOUNT/PATH#KEY, and change the "
        "secret if others could read this file"
    )
    written(folder, edited(INVENTORY, "env:CENTRAL_PASSWORD", "file:secrets/central"))
    assert complaint(lambda: load_inventory("inventory.yaml")) == ""


def test_a_password_in_an_address_is_refused_and_never_repeated(folder: Path) -> None:
    for url in ("https://admin:hunter2@10.10.10.2:5000/v3", "ftp://admin:hunter2@10.10.10.2"):
        written(folder, edited(INVENTORY, "https://10.10.10.2:5000/v3", url))
        said = complaint(lambda: load_inventory("inventory.yaml"))
        assert said.startswith("inventory.yaml:3: system_controllers[0].auth_url: ")
        assert "hunter2" not in said


def test_control_characters_of_a_file_do_not_reach_the_terminal(folder: Path) -> None:
    written(folder, edited(INVENTORY, "topology: AIO-DX", r'topology: "\e[2Jgone"'))
    assert complaint(lambda: load_inventory("inventory.yaml")) == (
        r"inventory.yaml:15: sites[1].topology: expected AIO-SX, AIO-DX or Standard, found '\x1b[2Jgone'"
    )
