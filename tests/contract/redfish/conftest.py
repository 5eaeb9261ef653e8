"""One region for all judges; the CA bundle of the environment does not override the region's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.bmc.flavours_table import FLAVOURS

from .region import Region, image, standing


@pytest.fixture(autouse=True)
def _own_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` prefers these variables to the CA that it is given."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="package")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder: Path = tmp_path_factory.mktemp("bmcs")
    with standing(folder, tuple(FLAVOURS), "--bare", "--install-seconds", "600") as found:
        yield found


@pytest.fixture(scope="package")
def image_url() -> Iterator[str]:
    with image() as url:
        yield url
