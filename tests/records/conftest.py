"""One PostgreSQL server for all tests of the records, a database of its own for each."""

from collections.abc import Iterator

import pytest

from tests.support.postgresql import PostgreSQL, binaries, postgresql


@pytest.fixture(scope="package")
def postgresql_server() -> Iterator[PostgreSQL]:
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    with postgresql(found) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQL) -> str:
    return postgresql_server.database()
