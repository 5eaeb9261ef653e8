"""InstallHost with an image of its own and with each proof, on the time-skipping server, a host on paper."""

from typing import Any

import pytest
from pydantic import ValidationError

from activities.errors import Blocked, Refused
from models.install import ApproveWipe, InstallHostRequest, InstallResult
from models.install_values import InstallValues
from models.outcome import Outcome
from tests.workflows.paper_bmc import PaperBmc, paper
from tests.workflows.test_install_host import end_of, start

MADE: dict[str, Any] = {"image": None}
URL = "http://192.0.2.3/boot/alpha/controller-0-1.iso"
AFTER_IMAGE = ["insert /cd", "Once Cd", "On", "eject /cd", "remove image"]


async def installed(bmc: PaperBmc, **more: Any) -> InstallResult:
    async with paper(bmc) as environment:
        return await end_of(await start(environment, **more))


# -- the image


async def test_an_image_is_made_before_the_machine_is_touched_and_removed_when_it_has_served() -> None:
    bmc = PaperBmc(power="On", values=InstallValues(boot_device="/dev/sda", console_type="tty0"))
    result = await installed(bmc, **MADE, values={"console_type": "ttyS1,9600"})
    assert result.outcome is Outcome.SUCCEEDED
    words = "boot_device=/dev/sda instdev=/dev/sda console=ttyS1,9600 serial"
    assert bmc.did == [f"image {words}", "ForceOff", *AFTER_IMAGE]
    assert result.image == URL
    assert "boot image controller-0-1.iso: made" in result.evidence
    assert result.reason == "base.iso is installed and answers"
    assert bmc.runs[0].release == "base.iso"
    assert "image" in [step.name for step in bmc.runs[0].steps]


async def test_what_makes_an_image_impossible_is_said_before_anybody_is_asked_to_approve() -> None:
    bmc = PaperBmc()
    bmc.wrong["declared image"].append(Refused("no xorriso is here"))
    result = await installed(bmc, **MADE, wipe=None)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "no xorriso is here")
    assert (bmc.did, result.image) == ([], "")


async def test_an_image_that_cannot_be_written_blocks_and_leaves_the_host_alone() -> None:
    bmc = PaperBmc(power="On")
    bmc.wrong["make image"].append(Blocked("the boot image could not be written: No space left on device"))
    result = await installed(bmc, **MADE)
    assert result.outcome is Outcome.BLOCKED
    assert (bmc.did, bmc.power) == ([], "On")


async def test_an_image_of_a_run_that_failed_stays_to_be_looked_at() -> None:
    bmc = PaperBmc(host_ends=["late"])
    result = await installed(bmc, **MADE)
    assert (result.outcome, result.image) == (Outcome.FAILED, URL)
    assert "remove image" not in bmc.did


async def test_an_image_that_cannot_be_removed_makes_no_failure_of_an_installed_host() -> None:
    bmc = PaperBmc()
    bmc.wrong["remove images"].append(Blocked("the boot images could not be removed: Permission denied"))
    result = await installed(bmc, **MADE)
    assert result.outcome is Outcome.SUCCEEDED
    assert "the boot images could not be removed: Permission denied" in result.evidence


async def test_a_wipe_is_approved_before_gigabytes_are_copied() -> None:
    bmc = PaperBmc()
    async with paper(bmc) as environment:
        handle = await start(environment, **MADE, wipe=None)
        await handle.execute_update("approve_wipe", ApproveWipe(host="alpha/controller-0", owner="anna"))
        result = await end_of(handle)
    assert result.outcome is Outcome.SUCCEEDED
    unapproved = PaperBmc()
    assert (await installed(unapproved, **MADE, wipe=None)).outcome is Outcome.BLOCKED
    assert unapproved.did == []


# -- the proof


async def test_a_call_home_is_expected_under_a_token_of_the_run() -> None:
    bmc = PaperBmc(oam=None)
    result = await installed(bmc, **MADE, proof="phone-home")
    assert result.outcome is Outcome.SUCCEEDED
    assert result.reason == "base.iso is installed and has called home"
    host = bmc.awaited[-1]
    assert (host.proof, len(host.token)) == ("phone-home", 32)
    assert bmc.did[0] == f"image phone_home=http://192.0.2.3:8090/installed/alpha/controller-0/{host.token}"
    other = PaperBmc(oam=None)
    await installed(other, **MADE, proof="phone-home")
    assert other.awaited[-1].token != host.token


async def test_a_given_image_is_told_by_its_url_where_to_call() -> None:
    bmc = PaperBmc(oam=None)
    image = "http://192.0.2.1/boot.iso?phone-home={phone_home}"
    result = await installed(bmc, image=image, proof="phone-home")
    token = bmc.awaited[-1].token
    called = f"http%3A%2F%2F192.0.2.3%3A8090%2Finstalled%2Falpha%2Fcontroller-0%2F{token}"
    assert result.image == f"http://192.0.2.1/boot.iso?phone-home={called}"


async def test_nobody_listens_is_said_before_anything_is_touched() -> None:
    bmc = PaperBmc(power="On")
    bmc.wrong["expect call"].append(Refused("no worker listens"))
    result = await installed(bmc, **MADE, proof="phone-home")
    assert (result.outcome, bmc.did) == (Outcome.REFUSED, [])


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        ("ssh", "alpha/controller-0 does not answer by SSH at 192.0.2.9; the machine is On"),
        ("phone-home", "alpha/controller-0 has not called home; the machine is On"),
        ("sysinv", "alpha/controller-0 is not installed by what sysinv of alpha says; the machine is On"),
    ],
)
async def test_a_proof_that_does_not_come_is_a_failure_in_its_own_words(proof: str, words: str) -> None:
    result = await installed(PaperBmc(host_ends=["late"]), **MADE, proof=proof)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(words)


async def test_sysinv_is_the_proof_where_no_address_answers() -> None:
    bmc = PaperBmc(oam=None)
    result = await installed(bmc, proof="sysinv")
    assert result.reason == "boot.iso is installed, as sysinv of alpha says"
    assert bmc.awaited[-1].sysinv_may_be_silent


async def test_without_an_address_ssh_proves_nothing_and_a_machine_that_is_on_may_be_in_use() -> None:
    off, on = PaperBmc(oam=None), PaperBmc(oam=None, power="On")
    result = await installed(off)
    assert result.outcome is Outcome.REFUSED
    assert "declares no oam address" in result.reason
    result = await installed(on, proof="sysinv")
    assert result.outcome is Outcome.REFUSED
    assert "whether it is in use cannot be told: switch it off first" in result.reason
    assert (off.did, on.did) == ([], [])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"proof": "phone-home"}, "an image that is to call home has to know where: write {phone_home}"),
        ({"values": {"boot_device": "/dev/sda"}}, "values are written into an image that is made"),
    ],
)
def test_what_a_given_image_cannot_know_is_refused(more: dict[str, Any], words: str) -> None:
    given = {"site": "a", "host": "b", "image": "http://192.0.2.1/boot.iso"}
    with pytest.raises(ValidationError, match=words):
        InstallHostRequest.model_validate(given | more)
