"""What only a real Ceph can show: rights, daemons that hang or are gone, a lost answer, full disks."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.ceph.commands import CLOCKS, MARK, Command, CommandResult
from activities.ceph.errors import Said, failure
from activities.ceph.flags import CephFlags
from activities.ceph.local_cli import LocalCli
from activities.ceph.reading import ask, send
from activities.errors import Refused, Unreachable
from activities.http import NoAnswer
from models.ceph import (
    AwaitCephRequest,
    CephEnd,
    CephExpectation,
    CephRef,
    CephSample,
    CephVerdict,
    NooutRequest,
)
from models.timing import Timing
from rules.ceph import judged
from tests.contract.ceph.conftest import Site
from tests.contract.ceph.targets import Straight, run
from tests.support.ceph import OSDS, is_clean

SITE, HOST = "alpha", socket.gethostname()
RUN, EARLIER = "6f6a3e0e-run", "0aa1b2c3-earlier"
OURS = CephExpectation(osds=OSDS, flags=("noout",), after_our_own=True)


async def look(site: Site) -> CephSample:
    sample: CephSample = await run(site.looks.look_at_ceph, CephRef(site=SITE))
    return sample


async def until(site: Site, expected: CephExpectation, how: str, word: str = "") -> CephVerdict:
    """The first verdict that is so."""
    deadline = time.monotonic() + 30
    while True:
        verdict = judged(await look(site), expected)
        if verdict.how == how and word in verdict.why:
            return verdict
        assert time.monotonic() < deadline, verdict


@pytest.fixture
def noout(site: Site) -> Any:
    yield NooutRequest(site=SITE, fsid=site.cluster.fsid, run_id=RUN)
    site.cluster.admin("osd", "unset", "noout")
    site.cluster.admin("config-key", "rm", MARK)


@dataclass
class Cut:
    """The real cluster behind a connection that breaks when a change has been sent."""

    port: LocalCli
    arrives: bool
    sent: list[str] = field(default_factory=list)
    where: str = "alpha"

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        if not prefix.startswith("osd set"):
            return await self.port.command(prefix, args, deadline_s)
        self.sent.append(prefix)
        if self.arrives:
            await self.port.command(prefix, args, deadline_s)
        raise NoAnswer(f"ceph {prefix}", self.where, "cut off", maybe_applied=True)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_lost_answer_is_looked_for_and_nothing_is_sent_again(
    site: Site, noout: NooutRequest, arrives: bool
) -> None:
    cut = Cut(site.port, arrives)
    flags = CephFlags(Straight(cut), Timing(pace=30))
    if arrives:
        assert (await run(flags.set_noout, noout)).did
    else:
        with pytest.raises(Exception, match="no answer to ceph osd set noout, and no effect"):
            await run(flags.set_noout, noout)
    assert cut.sent == ["osd set"]


async def test_the_least_privilege_user_can_do_nothing_else(site: Site) -> None:
    assert "timechecks" in await ask(site.port, CLOCKS)
    others = (
        ("osd set", ("norebalance",)),
        ("auth export", ()),
        ("osd out", ("0",)),
        ("config-key dump", ()),
        ("config-key set", ("mgr/x", "y")),
        ("config-key rm", ("mgr/x",)),
    )
    for prefix, args in others:
        with pytest.raises(Said) as caught:
            await send(site.port, Command(prefix, args))
        assert isinstance(failure(caught.value), Refused)
        assert "EACCES" in str(caught.value)


async def test_who_is_not_let_in_is_refused_in_words(site: Site, tmp_path: Path) -> None:
    nobody = replace(site.port, name="client.nobody")
    with pytest.raises(Said, match="permission denied") as caught:
        await ask(nobody, Command("status"))
    assert isinstance(failure(caught.value), Refused)
    with pytest.raises(Said, match="conf_read_file"):
        await ask(replace(site.port, conf=tmp_path / "none.conf"), Command("status"))
    with pytest.raises(Said, match="no-ceph: No such file"):
        await ask(replace(site.port, program="no-ceph"), Command("status"))
    with pytest.raises(Said, match="EINVAL"):
        await ask(site.port, Command("bogus command"))


@pytest.mark.usefixtures("recovered")
async def test_a_cluster_that_is_near_full_holds_muted_or_not(site: Site) -> None:
    site.cluster.admin("osd", "set-nearfull-ratio", "0.01")
    try:
        assert "OSD_NEARFULL" in (await until(site, CephExpectation(), "block", "OSD_NEARFULL")).why
        site.cluster.admin("health", "mute", "OSD_NEARFULL", "--sticky")
        muted = await look(site)
        assert {check.code for check in muted.checks if check.muted} == {"OSD_NEARFULL"}
        assert "OSD_NEARFULL" in judged(muted, CephExpectation()).why
    finally:
        site.cluster.admin("health", "unmute", "OSD_NEARFULL")
        site.cluster.admin("osd", "set-nearfull-ratio", "0.85")


async def test_a_manager_that_hangs_is_given_up_at_the_deadline(site: Site) -> None:
    site.cluster.signal("mgr.x", signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(NoAnswer, match="no answer within 2 s") as caught:
            await site.port.command("osd ok-to-stop", ("0",), 2)
    finally:
        site.cluster.signal("mgr.x", signal.SIGCONT)
    assert time.monotonic() - began < 4
    assert caught.value.maybe_applied
    assert isinstance(failure(caught.value), Unreachable)
    assert not _asking(site.cluster.conf), "the command outlived its deadline"


async def test_without_a_quorum_nobody_answers_and_that_is_said_in_time(
    site: Site, noout: NooutRequest
) -> None:
    site.cluster.stop("mon.a")
    try:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="timed out"):
            await look(site)
        assert time.monotonic() - began < 6
        with pytest.raises(Unreachable):
            await run(site.flags.set_noout, noout)
        request = AwaitCephRequest(site=SITE, silence=timedelta(0))
        silent: CephEnd = await run(site.looks.await_ceph, request)
        assert silent.how == "silent"
    finally:
        site.cluster.start("mon.a")
        await asyncio.to_thread(site.cluster.until, is_clean)
    assert "noout" not in (await look(site)).flags


def _asking(conf: Path) -> list[str]:
    """Clients of the cluster that still run."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(conf) in words and b"--connect-timeout" in words:
            commands.append(" ".join(os.fsdecode(word) for word in words))
    return commands
