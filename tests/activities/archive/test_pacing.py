"""What a site sends is spread evenly over time; a body is paced only while it is sent."""

import pytest

from activities.archive.keys import BadSecret, secret_of
from activities.archive.s3 import Body
from activities.pacing import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def pace(bytes_per_second: int | None) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(bytes_per_second, clock, clock.sleep), clock


def test_so_many_bytes_take_so_long_and_a_pause_saves_nothing_up() -> None:
    budget, clock = pace(1000)
    for _ in range(10):
        budget.spend(500)
    assert clock.now == pytest.approx(104.5)
    clock.now += 60
    began = clock.now
    for _ in range(3):
        budget.spend(1000)
    assert clock.now - began == pytest.approx(2)


def test_without_a_budget_nobody_waits() -> None:
    budget, clock = pace(None)
    budget.spend(10**12)
    assert clock.now == 100


def test_a_body_reads_as_its_pieces_and_waits_only_while_it_is_sent() -> None:
    budget, clock = pace(10)
    content = bytes(range(100))
    body = Body((content[:16], content[16:90], content[90:]), 100, budget)
    assert body.read() == content
    assert (body.read(5), body.tell(), len(body)) == (b"", 100, 100)
    body.seek(0)
    assert clock.now == 100, "signing is not sending"
    body.sending()
    assert [body.read(7) for _ in range(3)] == [content[:7], content[7:14], content[14:21]]
    assert clock.now == pytest.approx(101.4)
    body.seek(50)
    assert body.read(-1) == content[50:]
    assert clock.now == pytest.approx(101.4), "it is signed again before it is sent again"


@pytest.mark.parametrize("text", ["", "short", "00" * 31, "AAAA", "not base64 at all " * 3])
def test_a_secret_that_is_none_is_told_without_being_shown(text: str) -> None:
    with pytest.raises(BadSecret, match="expected 32 bytes in base64 or hexadecimal") as caught:
        secret_of(text)
    assert not text or text not in str(caught.value)


def test_a_secret_is_taken_as_openssl_says_it() -> None:
    assert secret_of("0f" * 32) == bytes([15]) * 32
    assert secret_of("Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=\n") == bytes([15]) * 32
