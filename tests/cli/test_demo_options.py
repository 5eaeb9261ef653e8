"""What a demo cannot be told is refused before anything is started."""

import pytest

from cli.demo.upgrade import UpgradeScenario
from simulator.cloud.releases import Dialect, catalogue
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("install", "--topology", "aio-dx"),
            "--topology: the demo install has sites of its own; leave it out",
        ),
        (("bringup", "--topology", "mixed"), "--topology: the demo bringup has sites of one kind"),
        (("upgrade", "--topology", "standard-storage"), "--topology: the demo upgrade has aio-sx, aio-dx"),
        (("patch", "--faults", "5"), "--faults: the demo patch has faults of its own; leave it out"),
        (("restore", "--kind", "major"), "--kind: says what an upgrade brings; the demo restore has none"),
        (("patch", "--dialect", "next"), "--dialect: says where an upgrade starts; the demo patch has none"),
        (("upgrade", "--sites", "3"), "--sites: the demo upgrade needs at least 9"),
        (
            ("upgrade", "--topology", "mixed", "--sites", "9"),
            "needs at least 10, for one site of ten is Standard",
        ),
    ],
)
def test_it_is_refused_in_words(run: Run, options: tuple[str, ...], words: str) -> None:
    said = run("demo", *options)
    assert (said.code, words in said.err) == (2, True), said
    assert said.out == ""


def test_an_upgrade_goes_to_a_release_that_the_region_has() -> None:
    for dialect in Dialect:
        for kind, reboots in (("patch", True), ("major", True)):
            scenario = UpgradeScenario(9, 120, 1, "aio-sx", kind, None, dialect.value)  # type: ignore[arg-type]
            assert catalogue(dialect)[scenario.release].reboot_required is reboots
            assert (scenario.release == [*catalogue(dialect)][-1]) is (kind == "major")
