"""One real RGW for the tests of this folder; each test has a prefix of its own."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.archive.targets import Target, opened
from tests.support.radosgw import Radosgw, radosgw, what_is_missing

BUCKET, LOCKED = "starflock", "starflock-locked"


@pytest.fixture(scope="session")
def rgw() -> Iterator[Radosgw]:
    if missing := what_is_missing():
        pytest.skip(missing)
    with radosgw() as store:
        store.bucket(BUCKET)
        store.bucket(LOCKED, ObjectLockEnabledForBucket=True)
        yield store


@pytest_asyncio.fixture(params=["directory", "rgw"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    store: Radosgw | None = request.getfixturevalue("rgw") if request.param == "rgw" else None
    async with opened(tmp_path, store, BUCKET, f"test-{uuid.uuid4().hex[:8]}") as found:
        yield found
