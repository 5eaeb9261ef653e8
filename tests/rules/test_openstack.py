"""What an OpenStack showed, as checks."""

from typing import Any

from models.openstack import FoundService, OpenstackLook, VmEnd, WantedOpenstack
from rules.openstack import not_asked, of_removal, of_vm, openstack_checks, silent

GOOD = {
    "nova-compute on controller-0": ("compute", "up, enabled"),
    "L3 agent on controller-0": ("network", "alive, up"),
    "cinder-volume on pod@ceph": ("volume", "up, enabled"),
}
WANTED = WantedOpenstack(installed=True, auth_url="https://k/v3", vm="m1.tiny, cirros, net0")


def look(missing: tuple[str, ...] = (), without: str = "", **says: str) -> OpenstackLook:
    rows: list[dict[str, Any]] = [
        {"name": name, "of": of, "says": says.get(of, good)}
        for name, (of, good) in GOOD.items()
        if of not in missing and of != without
    ]
    services = tuple(FoundService.model_validate(row) for row in rows)
    return OpenstackLook.model_validate({"services": services, "missing": missing})


def failed(*looks: OpenstackLook) -> list[tuple[str, str, str]]:
    return [(each.name, each.found, each.wanted) for each in openstack_checks(looks) if not each.passed]


def test_each_service_is_a_check_that_passes_when_all_looks_are_good() -> None:
    assert failed(look(), look()) == []
    assert [each.name for each in openstack_checks((look(),))] == list(GOOD)


def test_one_bad_look_is_shown_as_it_was() -> None:
    disabled = look(compute="up, disabled: maintenance")
    assert failed(look(), disabled, look()) == [
        ("nova-compute on controller-0", "up, disabled: maintenance", "up, enabled")
    ]
    assert failed(look(network="dead, up")) == [("L3 agent on controller-0", "dead, up", "alive, up")]


def test_what_is_missing_from_one_look_has_failed() -> None:
    assert failed(look(), look(without="volume")) == [
        ("cinder-volume on pod@ceph", "not there", "up, enabled")
    ]


def test_an_empty_list_and_a_service_without_endpoint_are_no_proof() -> None:
    assert failed(look(without="network")) == [("network agents", "none", "some")]
    assert failed(look(missing=("volume",))) == [
        ("volume services", "no endpoint in the catalog", "in the catalog")
    ]


def test_a_vm_is_told_in_novas_words() -> None:
    assert of_vm(WANTED, VmEnd(how="so")).passed
    broken = of_vm(WANTED, VmEnd(how="failed", words="No valid host was found."))
    assert (broken.name, broken.found) == (
        "test VM (m1.tiny, cirros, net0)",
        "it failed: No valid host was found.",
    )
    late = of_vm(WANTED, VmEnd(how="late", words="it is BUILD, spawning"))
    assert late.found == "it did not get there in time: it is BUILD, spawning"
    assert not of_removal(["VM x (1): silent"]).passed
    assert of_removal([]).passed
    assert not silent(WANTED, "no answer").passed


def test_what_was_not_asked_follows_from_what_is_there_and_declared() -> None:
    assert not_asked(None, probed=False) == ()
    (undeclared,) = not_asked(WantedOpenstack(installed=True), probed=True)
    assert undeclared.startswith("OpenStack services and VMs: stx-openstack is applied")
    (no_probe,) = not_asked(WANTED.model_copy(update={"vm": ""}), probed=True)
    assert no_probe == "whether a VM runs: `openstack` of the site declares no `probe`"
    assert not_asked(WANTED, probed=False) == ("whether a VM runs (--probe)",)
    assert not_asked(WANTED, probed=True) == ()
