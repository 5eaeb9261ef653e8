"""DMTF's validators on the service without quirks: nothing fails, nothing is waived, and enough is tested.

What is not tested is so for a reason: events, server-sent events and SSDP are not served, certificates cannot
be replaced, and no plain HTTP is there to be redirected.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .judge import Verdict, protocol_validator, use_case_checkers
from .region import standing


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """Of the protocol validator, on a service without quirks and on one without sessions; both at once."""
    folder = tmp_path_factory.mktemp("judged")
    with standing(folder, ("generic", "idrac8")) as region, ThreadPoolExecutor() as pool:
        running = {
            name: pool.submit(protocol_validator, region, host, folder / name)
            for name, host in region.hosts.items()
        }
        return {name: verdict.result() for name, verdict in running.items()}


def test_the_protocol_validator_finds_nothing_wrong(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts["generic"]
    assert verdict.failures == []
    assert verdict.code == 0, verdict.printed
    assert verdict.counts["PASS"] >= 350
    assert verdict.counts["WARN"] == 0
    assert verdict.counts["NOT_TESTED"] <= 29


def test_the_protocol_validator_sees_a_vendor_without_sessions(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts["idrac8"]
    assert verdict.code == 1, verdict.printed
    assert any("REQ_POST_CREATE" in failure for failure in verdict.failures)


@pytest.mark.parametrize(
    ("subject", "passes"),
    [
        ("AccountManagement", 8),
        ("PowerControl", 13),
        ("BootOverride", 11),
        ("ManagerEthernetInterfaces", 27),
        ("QueryParameters", 23),
    ],
)
def test_the_use_case_checkers_find_nothing_wrong(tmp_path: Path, subject: str, passes: int) -> None:
    with standing(tmp_path, ("generic",)) as region:
        verdict = use_case_checkers(region, region.hosts["generic"], tmp_path / "report", subject)
    assert verdict.failures == []
    assert verdict.code == 0, verdict.printed
    assert verdict.counts["PASS"] >= passes
    assert (verdict.counts["FAIL"], verdict.counts["WARN"]) == (0, 0)


def test_the_use_case_checkers_see_a_power_button_that_does_nothing(tmp_path: Path) -> None:
    with standing(tmp_path, ("generic",)) as region:
        host = region.hosts["generic"]
        region.fault(site=host.site, on="bmc.reset", do="lie")
        verdict = use_case_checkers(region, host, tmp_path / "report", "PowerControl")
    assert verdict.code == 1, verdict.printed
    assert verdict.counts["FAIL"] >= 1
