"""How a site's Kubernetes API is reached, and words about mistakes."""

from pathlib import Path

import pytest

from inventory.kubernetes import declared_cluster
from inventory.load import Inventory, NotDeclared, load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, written

SITE = "  topology: AIO-DX\n"
OAM = ("bmc: 10.0.0.1}", "bmc: 10.0.0.1, oam: '10.20.17.3:22'}")


def declaring(folder: Path, kubernetes: str, *more: tuple[str, str]) -> Inventory:
    text = edited(INVENTORY, SITE, f"{SITE}  kubernetes: {kubernetes}\n")
    for old, new in more:
        text = edited(text, old, new)
    return load_inventory(written(folder, text))


def test_a_token_goes_to_the_declared_endpoint(folder: Path) -> None:
    found = declared_cluster(
        declaring(folder, "{token: 'env:T', endpoint: 'https://10.20.17.2:6443/'}"), "beta"
    )
    assert (found.endpoint, found.ca_bundle) == ("https://10.20.17.2:6443", None)
    assert [host.name for host in found.hosts] == ["controller-0", "controller-1"]


def test_without_an_endpoint_it_is_the_oam_of_the_first_controller(folder: Path) -> None:
    found = declared_cluster(declaring(folder, "{token: 'env:T'}", OAM), "beta")
    assert found.endpoint == "https://10.20.17.3:6443"


def test_a_kubeconfig_has_its_own(folder: Path) -> None:
    found = declared_cluster(declaring(folder, "{kubeconfig: 'file:admin.conf', context: c}"), "beta")
    assert (found.endpoint, found.access.context) == ("", "c")


def test_what_nobody_declared_is_told(folder: Path) -> None:
    with pytest.raises(NotDeclared, match="declares no kubernetes for beta"):
        declared_cluster(load_inventory(written(folder, INVENTORY)), "beta")
    with pytest.raises(NotDeclared, match="says neither where the Kubernetes API of beta is"):
        declared_cluster(declaring(folder, "{token: 'env:T'}"), "beta")


@pytest.mark.parametrize(
    ("kubernetes", "words"),
    [
        ("{}", "sites[1].kubernetes: expected token or kubeconfig"),
        ("{token: 'env:T', kubeconfig: 'file:c'}", "sites[1].kubernetes.kubeconfig: expected one of token"),
        (
            "{token: 'env:T', context: c}",
            "sites[1].kubernetes.context: means something only beside kubeconfig",
        ),
        ("{token: hunter2}", "sites[1].kubernetes.token: a secret in clear is refused (not shown here)"),
        ("{token: 'env:T', ca_bundle: /nowhere/ca.pem}", "'/nowhere/ca.pem' does not exist"),
        ("{token: 'env:T', endpoint: 'https://me@a'}", "a user or password in a URL is refused"),
        ("{token: 'env:T', endpoint: 10.0.0.1}", "sites[1].kubernetes.endpoint: expected a URL"),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, kubernetes: str, words: str) -> None:
    text = edited(INVENTORY, SITE, f"{SITE}  kubernetes: {kubernetes}\n")
    said = complaint(lambda: load_inventory(written(folder, text)))
    assert words in said
    assert "hunter2" not in said


def test_an_attachment_is_of_a_data_network_that_the_profile_has(folder: Path) -> None:
    profile = (
        "site_profiles:\n- name: p\n  datanetworks: [{name: front, type: flat}]\n"
        "  network_attachments: [{name: a, datanetwork: front}, {name: b, datanetwork: frnt}]\n"
    )
    said = complaint(lambda: load_inventory(written(folder, INVENTORY + profile)))
    assert (
        "site_profiles[0].network_attachments[1].datanetwork: the profile has no data network 'frnt'" in said
    )
    assert "did you mean 'front'" in said
    assert said.count("network_attachments") == 1
