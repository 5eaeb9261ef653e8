"""The embedded server's ports: one that is taken in the moment between its choice and its use."""

import socket
from collections.abc import Iterator

import pytest

from workers import embedded


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield somebody.getsockname()[1]


async def test_a_port_that_somebody_was_quicker_to_take_is_chosen_anew(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose, chosen = embedded.free_port, [taken]
    monkeypatch.setattr(embedded, "free_port", lambda: chosen.pop() if chosen else choose())
    server = await embedded.start(None)
    await server.stop()
    assert chosen == []
    assert server.address != f"127.0.0.1:{taken}"


async def test_control_a_port_that_was_asked_for_is_not_exchanged(taken: int) -> None:
    with pytest.raises(RuntimeError, match=f"is 127.0.0.1:{taken} taken"):
        await embedded.start(None, port=taken)
