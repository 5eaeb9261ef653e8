"""What a site is bootstrapped with: every mistake by file, line and field, before anything is sent."""

from functools import partial
from pathlib import Path

import pytest
import yaml

from inventory.bootstrap import Placeable, load_host, load_overrides, placeable
from inventory.load import NotDeclared, load_inventory

from .files import complaint, edited, written

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMT0RJt8RmOV0nZ7NZO4HzlotUROXFpbwmagzCYVAMfx"
INVENTORY = f"""\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential:
    password: env:CENTRAL_PASSWORD
sites:
- name: alpha
  system_controller: central
  bootstrap:
    overrides: localhost.yaml
    credential: {{password: env:SYSADMIN}}
    host_key: {KEY}
  hosts:
  - {{name: controller-0, personality: controller, oam: "10.20.1.2:2222"}}
"""
OVERRIDES = """\
system_mode: simplex
timezone: UTC
dns_servers: [192.0.2.53]
management_subnet: 192.168.101.0/24
external_oam_subnet: 10.20.1.0/24
external_oam_gateway_address: 10.20.1.1
external_oam_floating_address: 10.20.1.2
admin_password: env:ADMIN
docker_registries:
  docker.io: {url: registry.example/docker.io}
  defaults:
    username: docker
    password: env:REGISTRY
"""
SECRETS = {"SYSADMIN": "Sys+admin'1", "ADMIN": "Ad:min #2", "REGISTRY": "1234567890"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    written(tmp_path, OVERRIDES, "localhost.yaml")
    return tmp_path


def _placed() -> Placeable:
    declared = load_host(load_inventory("inventory.yaml"), "alpha")
    return placeable(declared, load_overrides(declared))


def test_secrets_go_into_a_file_of_their_own_with_the_whole_variable(folder: Path) -> None:
    written(folder, INVENTORY)
    placed = _placed()
    assert "docker_registries" not in yaml.safe_load(placed.values)
    assert yaml.safe_load(placed.secret_values) == {
        "admin_password": SECRETS["ADMIN"],
        "docker_registries": {
            "docker.io": {"url": "registry.example/docker.io"},
            "defaults": {"username": "docker", "password": SECRETS["REGISTRY"]},
        },
        "ansible_become_pass": SECRETS["SYSADMIN"],
    }
    assert set(placed.secrets) == set(SECRETS.values())
    assert not any(secret in placed.values for secret in SECRETS.values())


def test_a_become_password_of_the_overrides_goes_before_that_of_the_login(folder: Path) -> None:
    written(folder, INVENTORY)
    written(folder, OVERRIDES + "ansible_become_pass: env:REGISTRY\n", "localhost.yaml")
    assert yaml.safe_load(_placed().secret_values)["ansible_become_pass"] == SECRETS["REGISTRY"]


@pytest.mark.parametrize(
    ("declared", "host", "port"),
    [
        ("address: 10.0.0.9", "10.0.0.9", 22),
        ("address: '10.0.0.9:2022'", "10.0.0.9", 2022),
        ("address: '[fd00::9]:2022'", "fd00::9", 2022),
        ("address: '[fd00::9]'", "fd00::9", 22),
        ("known_hosts: hosts", "10.20.1.2", 2222),
    ],
)
def test_where_it_answers(folder: Path, declared: str, host: str, port: int) -> None:
    text = INVENTORY.replace(f"    host_key: {KEY}\n", "") if "known" in declared else INVENTORY
    (folder / "hosts").touch()
    written(folder, text.replace("  hosts:\n", f"    {declared}\n  hosts:\n"))
    found = load_host(load_inventory("inventory.yaml"), "alpha")
    assert (found.host, found.port) == (host, port)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (f"    host_key: {KEY}\n", "", "expected either host_key or known_hosts"),
        (KEY, "any", "expected a host key as `ssh-keygen -l` says it"),
        ("credential: {password: env:SYSADMIN}", "credential: {}", "expected a password or a private_key"),
        ("password: env:SYSADMIN", "password: hunter2hunter2", "a secret in clear is refused"),
        (
            "credential: {password: env:SYSADMIN}",
            "credential: {private_key: hunter2hunter2}",
            "found another value (not shown)",
        ),
        ("overrides: localhost.yaml", "overides: localhost.yaml", "did you mean 'overrides'?"),
    ],
)
def test_a_mistake_in_the_inventory_is_told_with_its_line(
    folder: Path, old: str, new: str, words: str
) -> None:
    written(folder, edited(INVENTORY, old, new))
    said = complaint(partial(load_inventory, "inventory.yaml"))
    assert said.startswith("inventory.yaml:"), said
    assert words in said
    assert "sites[0].bootstrap" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "simplex",
            "duplex",
            "localhost.yaml:1: system_mode: expected simplex, for alpha is AIO-SX, found dup",
        ),
        (
            "timezone: UTC",
            "distributed_cloud_role: systemcontroller",
            "localhost.yaml:2: distributed_cloud_role: ",
        ),
        (
            "timezone: UTC",
            "distributed_cloud_role: subcloud",
            "localhost.yaml:2: distributed_cloud_role: expected",
        ),
        ("[192.0.2.53]", "[]", "localhost.yaml:3: dns_servers: expected at least 1 entry, found none"),
        (
            "10.20.1.0/24",
            "10.30.1.0/24",
            "localhost.yaml:6: external_oam_gateway_address: 10.20.1.1 is not in",
        ),
        (
            "floating_address: 10.20.1.2",
            "floating_address: 10.20.1.3",
            "localhost.yaml:7: external_oam_floating",
        ),
        ("env:ADMIN", "hunter2hunter2", "localhost.yaml:8: admin_password: a secret in clear is refused"),
        ("admin_password: env:ADMIN\n", "", "localhost.yaml:1: admin_password: is required, but missing"),
        (
            "env:REGISTRY",
            "hunter2hunter2",
            "localhost.yaml:13: docker_registries.defaults.password: a secret in",
        ),
        (
            "env:REGISTRY",
            "4242424242",
            "localhost.yaml:13: docker_registries.defaults.password: a secret in clear",
        ),
        (
            "timezone: UTC",
            "ansible_become_pass: hunter2hunter2",
            "localhost.yaml:2: ansible_become_pass: a secret in clear is refused",
        ),
    ],
)
def test_a_mistake_in_the_overrides_is_told_with_its_line(
    folder: Path, old: str, new: str, line: str
) -> None:
    written(folder, INVENTORY)
    written(folder, edited(OVERRIDES, old, new), "localhost.yaml")
    said = complaint(_placed)
    assert line in said, said
    assert "hunter2" not in said
    assert "4242" not in said


def test_who_logs_in_by_key_says_what_password_makes_root(folder: Path) -> None:
    written(folder, edited(INVENTORY, "{password: env:SYSADMIN}", "{private_key: 'file:key'}"))
    assert "ansible_become_pass: is required where sysadmin logs in by a key" in complaint(_placed)


def test_what_is_not_declared_is_said_in_words(folder: Path) -> None:
    written(folder, INVENTORY.replace("  bootstrap:\n", "  bmc: {}\n#").split("    overrides")[0])
    with pytest.raises(NotDeclared, match="declares no bootstrap for alpha"):
        load_host(load_inventory("inventory.yaml"), "alpha")
    written(folder, edited(INVENTORY, ', oam: "10.20.1.2:2222"', ""))
    with pytest.raises(NotDeclared, match="says nowhere how controller-0 of alpha is reached"):
        load_host(load_inventory("inventory.yaml"), "alpha")
