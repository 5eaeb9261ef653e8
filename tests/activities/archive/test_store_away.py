"""A store that nobody listens for is away: what is asked of it is tried again."""

import socket

import pytest

from activities.archive.errors import Away, failure
from activities.archive.s3 import Bucket, S3Account


def nobody() -> str:
    """An address where nothing listens, as while a store starts anew."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_where_nobody_listens_it_is_tried_again() -> None:
    bucket = Bucket(S3Account(nobody(), "night", "default", "key", "secret", timeout_s=2))
    with pytest.raises(Away) as caught:
        bucket.write("edge-0001/manifest", b"{}")
    bucket.close()
    assert failure(caught.value).retryable
