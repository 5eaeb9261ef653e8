"""What the `ceph` program is told and what its end means, wherever it runs."""

import errno
from collections.abc import Sequence

import pytest

from activities.ceph import program
from activities.ceph.commands import Command, CommandResult
from activities.ceph.program import Ran
from activities.http import NoAnswer
from workers.ceph_ways import RemoteCli

ASKED = Command("osd ok-to-stop", ("0", "1"))


def test_words_and_data_come_apart_and_the_librarys_diary_is_left_out() -> None:
    errors = "2026-11-21T21:00:00.000+0000 7f0a1b2c3d4e -1 asok(0x55) bind\nError EBUSY: unsafe\n"
    assert program.result(ASKED, "there", Ran(16, '\n{"ok_to_stop": false}', errors)) == CommandResult(
        16, {"ok_to_stop": False}, "Error EBUSY: unsafe"
    )


@pytest.mark.parametrize(
    ("ran", "sent"),
    [
        (Ran(1, "", "[errno 110] RADOS timed out (error connecting to the cluster)\n"), False),
        (Ran(1, "", "timed out\n"), False),
        (Ran(errno.ETIMEDOUT, "", "Error ETIMEDOUT"), True),
        (Ran(-9), True),
    ],
)
def test_silence_is_told_from_an_error(ran: Ran, sent: bool) -> None:
    with pytest.raises(NoAnswer) as lost:
        program.result(ASKED, "there", ran)
    assert lost.value.maybe_applied is sent


async def test_a_program_elsewhere_is_given_its_end_there() -> None:
    seen: list[tuple[tuple[str, ...], float]] = []

    async def run(words: Sequence[str], within_s: float) -> Ran:
        seen.append((tuple(words), within_s))
        return Ran(124)

    port = RemoteCli(run, "rook-ceph/tools of edge-0001 as client.starflock", "client.starflock")
    with pytest.raises(NoAnswer, match="no answer within 20 s") as lost:
        await port.command(ASKED.prefix, ASKED.args, 20)
    assert lost.value.maybe_applied
    (words, within_s), *more = seen
    assert " ".join(words) == (
        "timeout -k 2 20 ceph -n client.starflock -f json --connect-timeout 10 osd ok-to-stop 0 1"
    )
    assert (within_s > 22, more) == (True, [])
