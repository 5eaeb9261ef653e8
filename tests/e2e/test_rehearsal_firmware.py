"""A deep rehearsal of firmware: by the vendors' names, as long as recorded updates, and no fleet is asked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import TypeAdapter

from models.outcome import Outcome
from models.records import SiteRun
from records.store import Store
from tests.e2e.rehearsed import PATIENT, asked, ends, fleet, rehearse
from tests.support.simulator import Simulator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITE = "edge-0001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with fleet(tmp_path_factory.mktemp("real"), 3) as region:
        yield region


def recorded(number: int) -> SiteRun:
    """An update of firmware that took an hour and a half."""
    began = datetime(2026, 1, 5, number, tzinfo=UTC)
    return SiteRun(
        run_id=f"before-{number}",
        site=SITE,
        operation="firmware",
        release="2026-q3",
        outcome=Outcome.SUCCEEDED,
        reason="1 host at 2026-q3",
        began=began,
        ended=began + timedelta(minutes=90),
    )


async def test_firmware_is_brought_to_its_baseline_whatever_its_vendor_calls_it(
    real: Simulator, tmp_path: Path
) -> None:
    names = {"Integrated Dell Remote Access Controller": "7.20.30", "Disk.0": "GDC9999", "BIOS": "U32 v2.1"}
    components = [
        {"name": name, "version": version, "image": f"https://images.example.com/{name.split()[0]}.exe"}
        for name, version in names.items()
    ]
    operation = {"kind": "firmware", "baseline": "2026-q4", "components": components} | PATIENT
    async with await Store.open(f"sqlite:///{tmp_path / 'records.db'}") as store:
        for number in range(5):
            await store.record_site_run(recorded(number))
    said, found = await rehearse(tmp_path, real, operation | {"updated_within": "8h"}, "--speed", "600")
    assert found["learned_from"] == "5 runs on AIO-SX", found
    assert TypeAdapter(timedelta).validate_python(found["site_p50"]) > timedelta(minutes=75)
    assert {end for end, _ in ends(found).values()} == {Outcome.SUCCEEDED}, (said, ends(found))
    assert (found["deep"]["repeats"], await asked(real)) == (0, 0)
