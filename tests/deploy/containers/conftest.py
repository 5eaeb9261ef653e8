"""One engine and one image for the folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import image
from tests.support.engine import Engine, engine


@pytest.fixture(scope="session")
def containers() -> Iterator[Engine]:
    if reason := image.missing():
        pytest.skip(reason)
    # A socket's path is short, so not in pytest's folder.
    with (
        tempfile.TemporaryDirectory(prefix="starflock-engine-", ignore_cleanup_errors=True) as folder,
        engine(Path(folder)) as running,
    ):
        yield running
