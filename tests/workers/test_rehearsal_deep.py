"""What a deep rehearsal reckons with: dice, faults, lengths, speed; each told from the site's name alone."""

from datetime import timedelta
from pathlib import Path

import pytest

from models.campaign import CampaignSpec
from models.outcome import Outcome
from models.records import RunTime
from models.rehearsal import RehearsalFaults
from tests.workers.test_rehearsal_clock import inventory, site
from workers.rehearsal import CannotRehearse
from workers.rehearsal_deep import (
    OVERHEAD,
    SITES_A_SECOND,
    Learned,
    dictated,
    fates,
    fitting_speed,
    foretold,
    stretches,
)
from workers.rehearsal_region import Cast, cast

MINUTE = timedelta(minutes=1)
PATCH = {"kind": "patch", "release": "starlingx-26.03.1"}
BIOS = ({"name": "BIOS", "version": "2", "image": "http://x.example.com/b.bin"},)
NAMES = [f"edge-{number:03d}" for number in range(200)]


def played(folder: Path, *names: str, width: int = 50, **operation: object) -> Cast:
    spec = {
        "name": "n",
        "operation": operation or PATCH,
        "select": {"all": True},
        "waves": [{"percent": 100}],
        "window": {"max_in_flight": width},
    }
    return cast(
        CampaignSpec.model_validate(spec), inventory(folder, *(site(name) for name in names or ["a"])), {}
    )


def test_dice_are_a_sites_own(tmp_path: Path) -> None:
    faults = RehearsalFaults(failed=0.1, unreachable=0.1)
    all_of_them = fates(played(tmp_path, *NAMES), faults, 7)
    assert 5 < sum(each is Outcome.FAILED for each in all_of_them.values()) < 40
    assert fates(played(tmp_path, *NAMES[:9]), faults, 7).items() <= all_of_them.items()
    assert fates(played(tmp_path, *NAMES), faults, 8) != all_of_them
    assert set(fates(played(tmp_path, *NAMES), RehearsalFaults(), 7).values()) == {Outcome.SUCCEEDED}


@pytest.mark.parametrize(
    ("operation", "point"),
    [
        (PATCH, "vim.apply"),
        ({"kind": "upgrade", "release": "starlingx-26.03.2"}, "usm.activate"),
        ({"kind": "upgrade", "release": "starlingx-26.03.2", "engine": "vim"}, "vim.apply"),
        ({"kind": "backup"}, "backup.create"),
        ({"kind": "verify"}, "site"),
        ({"kind": "configure"}, "site"),
        ({"kind": "bring-up"}, "host.unlock"),
        ({"kind": "restore"}, "backup.restore"),
        ({"kind": "install", "image": "http://x.example.com/a.iso"}, "bmc.reset"),
        ({"kind": "firmware", "baseline": "b", "components": BIOS}, "bmc.update"),
    ],
)
def test_a_site_fails_where_its_operation_can(
    tmp_path: Path, operation: dict[str, object], point: str
) -> None:
    play = played(tmp_path, **operation)
    assert [each["on"] for each in dictated(play, {"a": Outcome.FAILED})] == [point]
    asks = {"install": "bmc", "firmware": "bmc", "restore": "dcmanager"}.get(str(operation["kind"]), "site")
    does = "dark" if asks == "site" else "drop-before"
    assert dictated(play, {"a": Outcome.UNREACHABLE}) == [{"site": "a", "on": asks, "do": does}]
    assert dictated(play, {"a": Outcome.SUCCEEDED}) == []


def test_what_cannot_fail_is_not_said_to(tmp_path: Path) -> None:
    play = played(tmp_path, kind="prestage", release="starlingx-26.03.1")
    with pytest.raises(CannotRehearse, match="--failed"):
        fates(play, RehearsalFaults(failed=0.5), 1)
    fates(play, RehearsalFaults(unreachable=0.5), 1)


def test_enough_runs_say_how_long_a_site_takes(tmp_path: Path) -> None:
    play, drawn = played(tmp_path), {"a": 10 * MINUTE}
    run = RunTime(site="a", before="", release="starlingx-26.03.0", taken=30 * MINUTE)
    few, enough = Learned((run,) * 4, {}), Learned((run,) * 5, {})
    assert few.lengths(play, 1, drawn) == drawn
    assert "too few runs" in few.words(play)
    assert (enough.lengths(play, 1, drawn), enough.words(play)) == ({"a": 30 * MINUTE}, "5 runs on AIO-SX")
    assert stretches(few.lengths(play, 1, drawn), drawn, 60) == {}
    (factor,) = stretches(enough.lengths(play, 1, drawn), drawn, 60).values()
    assert factor == pytest.approx((30 * MINUTE - 60 * OVERHEAD) / (10 * MINUTE))


def test_runs_between_the_same_releases_say_more_than_others(tmp_path: Path) -> None:
    play, drawn = played(tmp_path, "a", "b"), {"a": MINUTE, "b": MINUTE}
    target = PATCH["release"]
    pair = RunTime(site="a", before="starlingx-26.03.0", release=target, taken=20 * MINUTE)
    other = RunTime(site="b", before="starlingx-25.09.0", release="starlingx-26.03.0", taken=90 * MINUTE)
    found = Learned((pair,) * 5 + (other,) * 50, {"a": "starlingx-26.03.0"})
    assert set(found.lengths(play, 1, drawn).values()) == {20 * MINUTE}
    assert found.words(play) == (
        f"5 runs of starlingx-26.03.0 to {target} on AIO-SX; 5 runs to {target} on AIO-SX"
    )
    mixed = Learned((pair,) * 4 + (other,) * 50, {})
    assert mixed.words(play) == "54 runs on AIO-SX", "too few between these two: all of this kind"


def test_kinds_whose_work_nobody_foretells_are_said_not_to_be_learned(tmp_path: Path) -> None:
    play = played(tmp_path, kind="verify")
    run = RunTime(site="a", before="", release="acceptance", taken=30 * MINUTE)
    words = "the simulator's ranges on AIO-SX (how long a verify takes is not learned)"
    assert Learned((run,) * 9, {}).words(play) == words


def test_it_is_as_fast_as_two_cores_bear(tmp_path: Path) -> None:
    few, many = played(tmp_path, *NAMES[:2]), played(tmp_path, *NAMES, width=100)
    assert fitting_speed(few, 15 * MINUTE) == 60
    assert fitting_speed(many, 15 * MINUTE) == SITES_A_SECOND * 900 / 100
    said = foretold(many, [15 * MINUTE] * len(NAMES), 18)
    assert said > timedelta(seconds=len(NAMES) / SITES_A_SECOND)
    assert said > foretold(few, [15 * MINUTE] * 2, 18)
