"""A cluster's own metadata, as objects of a backup: its maps, who may do what with which key, its settings.

    ceph/mon, osd, crush, fs    the maps, as the monitors say them
    ceph/auth                   users, capabilities and keys
    ceph/config, config-key     settings, and what the manager and others keep with the monitors

They are for a person who builds a lost cluster again: nothing here is put back by itself, since monitors make
their maps anew and the platform's restore makes its own users. Keys and settings hold secrets; they go from
the monitors into the archive's encryption, and never through a workflow. `auth ls` needs a user who may.
"""

import errno
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity

from activities.ceph.commands import CephPort, Command, RbdWays
from activities.ceph.errors import Said, failure
from activities.http import NoAnswer
from activities.waiting import Heartbeat
from models.archive import BackupText, ObjectEntry, ObjectKind
from models.volumes import BackUpClusterRequest, ClusterObjects

DEADLINE_S = 60.0


@dataclass(frozen=True)
class Piece:
    name: str
    kind: ObjectKind
    command: Command


PIECES = (
    Piece("ceph/mon", "ceph-map", Command("mon dump")),
    Piece("ceph/osd", "ceph-map", Command("osd dump")),
    Piece("ceph/crush", "ceph-map", Command("osd crush dump")),
    Piece("ceph/fs", "ceph-map", Command("fs dump")),
    Piece("ceph/auth", "ceph-auth", Command("auth ls")),
    Piece("ceph/config", "ceph-config", Command("config dump")),
    Piece("ceph/config-key", "ceph-config", Command("config-key dump")),
)

Keep = Callable[[BackupText, str, ObjectKind, bytes], Awaitable[ObjectEntry]]
"""Puts one object into a backup; what is there whole is not put again."""


@dataclass
class CephMaps:
    ways: RbdWays
    keep: Keep

    @activity.defn
    async def back_up_cluster(self, request: BackUpClusterRequest) -> ClusterObjects:
        """All pieces; none where the inventory declares no volumes: who asks for gates may read no keys."""
        attempt = activity.info().attempt
        if self.ways.volumes(request.site) is None:
            return ClusterObjects(attempt=attempt)
        kept = []
        async with Heartbeat() as heart:
            for piece in PIECES:
                content = await self._read(request.site, piece.command)
                kept.append(await self.keep(request.backup, piece.name, piece.kind, content))
                heart.tell(piece.name)
        return ClusterObjects(entries=tuple(kept), attempt=attempt)

    async def _read(self, site: str, command: Command) -> bytes:
        try:
            async with self.ways.opened(site) as port:
                return await _said(port, command)
        except (NoAnswer, Said) as error:
            raise failure(error) from error


async def _said(port: CephPort, command: Command) -> bytes:
    result = await port.command(command.prefix, command.args, DEADLINE_S)
    if result.rc != 0 or result.data is None:
        raise Said(str(command), port.where, result.rc or errno.EBADMSG, result.text)
    return json.dumps(result.data, indent=1, sort_keys=True).encode()
