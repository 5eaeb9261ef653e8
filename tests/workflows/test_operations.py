"""What a campaign declares of an operation reaches the run at each site."""

from datetime import timedelta

from models.campaign import CampaignSpec
from models.install import InstallHostRequest
from models.operations import InstallOperation
from workflows.operations import request_for

SAID = {
    "kind": "install",
    "image": "http://10.0.0.9/{site}-{host}.iso",
    "host": "controller-1",
    "release": "starlingx-12",
    "wipe": ["beta/controller-1"],
    "bios": {"SriovGlobalEnable": "Enabled"},
    "secure_boot": True,
    "proof": "sysinv",
    "take_medium": True,
    "reachable_within": "1m",
    "ready_within": "2m",
    "installed_within": "3m",
}


def asked(site: str) -> InstallHostRequest:
    spec = CampaignSpec.model_validate({"name": "c", "operation": SAID, "select": {"names": [site]}})
    request = request_for(spec, site, 1, again=False)
    assert isinstance(request, InstallHostRequest)
    return request


def test_an_install_is_asked_for_as_the_campaign_says() -> None:
    operation, request = InstallOperation.model_validate(SAID), asked("beta")
    assert set(SAID) | {"through"} == set(InstallOperation.model_fields), "say the new field here, too"
    same = set(InstallOperation.model_fields) - {"kind", "image", "wipe", "through"}
    assert {name: getattr(request, name) for name in same} == {
        name: getattr(operation, name) for name in same
    }
    assert request.image == "http://10.0.0.9/beta-controller-1.iso"
    assert (request.wipe, request.installed_within) == ("beta/controller-1", timedelta(minutes=3))


def test_only_hosts_that_are_named_are_wiped() -> None:
    assert asked("alpha").wipe is None
