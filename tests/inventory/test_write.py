"""What is written reads back as the same, whatever it holds."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.load import load_inventory
from inventory.write import dump_inventory
from models.inventory import (
    BmcAccess,
    Credential,
    Endpoints,
    Host,
    InventoryFile,
    Site,
    SystemController,
)
from tests.inventory.files import INVENTORY, written

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True) | st.sampled_from(
    ["on", "no", "null", "true", "1", "1.10", "0177", "1e3", "2026-03-01", "0x1f", "y", "NaN", "190"]
)
TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "on",
        "",
        "~",
        " a ",
        "a: b",
        "- a",
        "#",
        "<<",
        "=",
        "1_000",
        "12:30:45",
        "a\nb\n",
        "\t",
        "\x85",
        "\u2028",
        "%",
    ]
)
URLS = st.sampled_from(
    ["https://192.0.2.1:5000/v3", "http://[2001:db8::1]:6385", "https://sysinv.example/v1"]
)


def draw_access(draw: st.DrawFn) -> dict[str, Any]:
    who = {"username": draw(TEXTS), "password": draw(st.sampled_from(["env:A", "file:on: #"]))}
    trust = draw(st.sampled_from([{}, {"unverified": True}, {"fingerprint": "sha256:" + "0f" * 32}]))
    return trust | ({"credential": who} if draw(st.booleans()) else {})


def draw_bmc(draw: st.DrawFn, address: str) -> str | dict[str, Any]:
    if draw(st.booleans()):
        return address
    return {"address": f"https://{address}:8443"} | draw_access(draw)


def draw_hosts(draw: st.DrawFn, topology: str, site: int) -> tuple[Host, ...]:
    personalities = ["controller"] * draw(st.integers(0, 1 if topology == "AIO-SX" else 2))
    if topology != "AIO-SX":
        personalities += ["worker"] * draw(st.integers(0, 2))
    if topology == "Standard":
        personalities += ["storage"] * draw(st.integers(0, 1))
    names = draw(st.lists(NAMES, min_size=len(personalities), max_size=len(personalities), unique=True))
    with_bmc = draw(st.booleans())
    return tuple(
        Host.model_validate(
            {
                "name": name,
                "personality": personality,
                "bmc": draw_bmc(draw, f"10.0.{site}.{number}") if with_bmc else None,
                "mac": f"52:54:00:00:{site:02d}:{number:02d}" if draw(st.booleans()) else None,
                "serial": f"{number} {site} {draw(TEXTS)}" if draw(st.booleans()) else None,
                "oam": f"192.0.{site}.{number}{draw(st.sampled_from(['', ':22', ':2222']))}",
            }
        )
        for number, (name, personality) in enumerate(zip(names, personalities, strict=True))
    )


@st.composite
def inventories(draw: st.DrawFn) -> InventoryFile:
    controllers = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    sites = draw(st.lists(NAMES, max_size=5, unique=True))
    subclouds = draw(st.lists(TEXTS.filter(bool), min_size=5, max_size=5, unique=True))
    topologies = st.sampled_from(["AIO-SX", "AIO-DX", "Standard"])
    return InventoryFile(
        system_controllers=tuple(
            SystemController(
                name=name,
                auth_url=draw(URLS),
                region=draw(TEXTS),
                fingerprint=draw(st.none() | st.just("sha256:" + "0f" * 32)),
                dialect=draw(st.sampled_from(["auto", "12", "next"])),
                credential=Credential(
                    username=draw(TEXTS), password=draw(st.sampled_from(["env:A", "file:pw", "file:on: #"]))
                ),
            )
            for name in controllers
        ),
        sites=tuple(
            Site(
                name=name,
                # a name of its own for each, so that no site's name is another's subcloud
                subcloud=f"{number} {subclouds[number]}" if draw(st.booleans()) else "",
                system_controller=draw(st.sampled_from(controllers)),
                labels=draw(st.dictionaries(TEXTS, TEXTS, max_size=4)),
                timezone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo"])),
                topology=(topology := draw(topologies)),
                bmc=BmcAccess.model_validate(draw_access(draw)),
                endpoints=Endpoints(vim=draw(st.none() | URLS), keystone=draw(st.none() | URLS)),
                hosts=draw_hosts(draw, topology, number),
            )
            for number, name in enumerate(sites)
        ),
    )


@settings(max_examples=300, deadline=None)
@given(inventories())
def test_any_valid_inventory_reads_back_as_it_was(file: InventoryFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), dump_inventory(file))
        assert load_inventory(path).file == file


def test_it_looks_as_a_person_would_write_it(folder: Path) -> None:
    file = load_inventory(written(folder, INVENTORY)).file
    assert dump_inventory(file) == (
        """\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential:
    password: env:CENTRAL_PASSWORD
sites:
- name: alpha
  system_controller: central
  labels:
    region: north
- name: beta
  subcloud: subcloud2
  system_controller: central
  labels:
    region: south
    tier: gold
  timezone: Europe/Berlin
  topology: AIO-DX
  hosts:
  - name: controller-0
    personality: controller
    bmc: 10.0.0.1
    mac: '52:54:00:00:00:01'
  - name: controller-1
    personality: controller
    bmc: 10.0.0.2
    mac: '52:54:00:00:00:02'
- name: gamma
  system_controller: central
"""
    )


def test_the_order_of_labels_does_not_change_the_text(folder: Path) -> None:
    file = load_inventory(written(folder, INVENTORY)).file
    turned = file.model_copy(
        update={
            "sites": tuple(
                site.model_copy(update={"labels": dict(reversed(site.labels.items()))}) for site in file.sites
            )
        }
    )
    assert dump_inventory(turned) == dump_inventory(file)


def test_equal_parts_are_written_out_and_not_as_aliases() -> None:
    credential = Credential(password="env:A")
    controllers = tuple(
        SystemController(name=name, auth_url="https://192.0.2.1:5000/v3", credential=credential)
        for name in ("a", "b")
    )
    assert "&" not in dump_inventory(InventoryFile(system_controllers=controllers))
