"""What the commands say, as models. Shapes are those of 16.2.15; what is absent in them is empty here.

A look asks two commands at once, so they may be of different moments, and nothing is concluded from one
look. `status` has the health checks with the placement groups of the same moment; `health detail` would add
words for people. The monitors compare clocks where there are several.
"""

import asyncio
import errno
from datetime import UTC, datetime
from typing import Any

from activities.ceph.commands import (
    CLOCKS,
    MARK,
    MARKS,
    MON_METADATA,
    OSD_DUMP,
    OSD_METADATA,
    OSD_TREE,
    STATUS,
    CephPort,
    Command,
    ok_to_stop,
    safe_to_destroy,
)
from activities.ceph.errors import Said
from models.ceph import CephSample, DestroyAnswer, HealthCheck, StopAnswer

Document = dict[str, Any]

HEALTH_METRICS = "device_health_metrics"
"""A pool that the manager makes for itself; later ones are called `.mgr` (seen on 16.2.15)."""
DEADLINE_S = 20.0
"""One command: 0.3 s on a cluster that answers. The search for a monitor is ended before."""


async def ask(port: CephPort, command: Command, *, also: frozenset[int] = frozenset()) -> Document:
    """What it says; `also`: error codes that come with an answer. Raises NoAnswer and Said."""
    data = await _asked(port, command, also)
    if not isinstance(data, dict):
        raise Said(str(command), port.where, errno.EBADMSG, f"no JSON object: {data}")
    return data


async def ask_all(port: CephPort, command: Command) -> list[Document]:
    """Of a command that answers with a list. Raises NoAnswer and Said."""
    data = await _asked(port, command, frozenset())
    if not isinstance(data, list):
        raise Said(str(command), port.where, errno.EBADMSG, f"no JSON list: {data}")
    return data


async def _asked(port: CephPort, command: Command, also: frozenset[int]) -> Any:
    result = await port.command(command.prefix, command.args, DEADLINE_S)
    if result.rc != 0 and (result.rc not in also or result.data is None):
        raise Said(str(command), port.where, result.rc, result.text)
    return result.text if result.data is None else result.data


async def send(port: CephPort, command: Command) -> None:
    """A command that answers with words. Raises NoAnswer and Said."""
    result = await port.command(command.prefix, command.args, DEADLINE_S)
    if result.rc != 0:
        raise Said(str(command), port.where, result.rc, result.text)


async def look(port: CephPort) -> CephSample:
    status, dump = await asyncio.gather(ask(port, STATUS), ask(port, OSD_DUMP))
    health, groups = status["health"], status["pgmap"].get("pgs_by_state") or ()
    monitors = status["monmap"]["num_mons"]
    clocks = await ask(port, CLOCKS) if monitors > 1 else {}
    skews = clocks.get("time_skew_status") or {}
    return CephSample(
        fsid=dump["fsid"],
        at=datetime.now(UTC),
        status=health["status"],
        checks=checks(health.get("checks") or {}),
        **_osds(dump),
        pgs={each["state_name"]: each["count"] for each in groups},
        groups=sum(each["pg_num"] for each in dump["pools"]),
        pools=_pools(dump),
        flags=tuple(dump["flags_set"]),
        monitors=monitors,
        quorum=tuple(status["quorum_names"]),
        skewed=tuple(name for name, each in skews.items() if each["health"] != "HEALTH_OK"),
        manager=bool(status["mgrmap"]["available"]),
    )


def _pools(dump: Document) -> tuple[str, ...]:
    names = [each["pool_name"] for each in dump["pools"]]
    return tuple(name for name in names if name != HEALTH_METRICS and not name.startswith("."))


def checks(found: Document) -> tuple[HealthCheck, ...]:
    return tuple(
        HealthCheck(
            code=code,
            severity=each["severity"],
            words=each["summary"]["message"],
            muted=bool(each.get("muted")),
        )
        for code, each in found.items()
    )


async def may_stop(port: CephPort, osds: tuple[int, ...]) -> StopAnswer:
    answer, dump = await asyncio.gather(
        ask(port, ok_to_stop(osds), also=frozenset({errno.EBUSY})), ask(port, OSD_DUMP)
    )
    return StopAnswer(
        ok=answer["ok_to_stop"] is True,
        asked=tuple(answer["osds"]),
        **_osds(dump),
        inactive=tuple(answer.get("bad_become_inactive") or ()),
        not_ok=answer["num_not_ok_pgs"],
        degraded=len(answer.get("ok_become_degraded") or ()),
    )


async def osds_of(port: CephPort, host: str) -> tuple[int, ...]:
    """By where each one last ran, or by the CRUSH map for one that never did. Rook says the node's name."""
    ran, tree = await asyncio.gather(ask_all(port, OSD_METADATA), ask(port, OSD_TREE))
    hostnames = {each["id"]: each.get("hostname") for each in ran}
    buckets = [each for each in tree["nodes"] if each["type"] == "host" and each["name"] == host]
    placed = {child for each in buckets for child in each["children"]}
    there = {each["id"] for each in tree["nodes"] if each["type"] == "osd"}
    return tuple(
        sorted(osd for osd in there if (hostnames.get(osd) or (host if osd in placed else "")) == host)
    )


async def has_monitor(port: CephPort, host: str) -> bool:
    return any(each.get("hostname") == host for each in await ask_all(port, MON_METADATA))


async def marked_by(port: CephPort) -> str:
    """The run that has set noout; empty where none of ours has."""
    return str((await ask(port, MARKS)).get(MARK, ""))


def _osds(dump: Document) -> dict[str, tuple[int, ...]]:
    return {
        "osds": tuple(each["osd"] for each in dump["osds"]),
        "down": tuple(each["osd"] for each in dump["osds"] if not each["up"]),
    }


async def may_destroy(port: CephPort, osds: tuple[int, ...]) -> DestroyAnswer:
    both = frozenset({errno.EBUSY, errno.EAGAIN})
    answer = await ask(port, safe_to_destroy(osds), also=both)
    return DestroyAnswer(
        safe=tuple(answer["safe_to_destroy"]),
        active=tuple(answer["active"]),
        unknown=tuple(answer["missing_stats"]),
        stored=tuple(answer["stored_pgs"]),
    )
