"""What workflows ask of a host to which files of a release are brought: take them, byte by byte, let them go.

The file lies on the worker's machine and is measured there once, size and sha256. It travels through the
standard input of `cat` behind an SSH login, below the folder `starflock-RELEASE`, into a part whose name
holds the hash: whoever goes on with it, after a broken connection or a dead worker, sends what is missing
and nothing twice. Only what has that hash in the end becomes the file. USM reads it there (`software upload
--local`, StarlingX USM REST API), and then the folder goes.
"""

import asyncio
import hashlib
import os
import platform
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from temporalio import activity

from activities.errors import Blocked, Refused, Transient
from activities.pacing import Pace
from activities.ssh.client import script_words
from activities.ssh.errors import SshTrouble, Unfit, failure
from activities.waiting import Heartbeat, seconds
from models.base import rate_of
from models.sizes import size_of
from models.upload import (
    Carried,
    CarryFileRequest,
    DropCarriedRequest,
    DroppedFiles,
    MeasuredFile,
    MeasuredFiles,
    MeasureFilesRequest,
)

if TYPE_CHECKING:
    from activities.ssh.client import Session
    from activities.ssh.hosts import Hosts

PIECE = 2**20
SPARE = 2**30
"""Free bytes that stay on the controller's file system beside the file."""
HASHING_S = 1800.0
"""For the host to hash tens of GB on a slow disk."""
ANOTHER_LENGTH, ANOTHER_HASH = 3, 4
"""What the scripts end with where the part is not what it was, or not what it should be: it is looked at
again, or sent anew."""


class Standing(NamedTuple):
    """Of one file on the host."""

    folder: str
    free: int
    has: int
    """Bytes of its part."""
    is_whole: bool


@dataclass
class CarryActivities:
    hosts: "Hosts"

    @activity.defn
    async def measure_files(self, request: MeasureFilesRequest) -> MeasuredFiles:
        """Raises Refused for what is no file that can be read here."""
        async with Heartbeat() as heart:
            files = []
            for path in request.files:
                heart.tell(path)
                files.append(await asyncio.to_thread(_measured, path))
        return MeasuredFiles(files=tuple(files), attempt=activity.info().attempt)

    @activity.defn
    async def carry_file(self, request: CarryFileRequest) -> Carried:
        """Returns how far it is when the time is over, or the path there when it is whole.

        Raises Blocked where there is no room, Refused where the file here is not the one that was measured,
        Transient where the connection broke off or what arrived is damaged: then it starts anew."""
        file, attempt = request.file, activity.info().attempt
        try:
            async with (
                Heartbeat() as heart,
                self.hosts.at(self.hosts.shell(request.site, "site")) as session,
            ):
                there = await _standing(session, request)
                path = f"{there.folder}/{file.name}"
                if there.is_whole:
                    return Carried(at=file.size, path=path, attempt=attempt)
                _must_fit(session, file, there)
                sent = 0
                if there.has < file.size:
                    out = _Outgoing(request, there.has, heart)
                    arguments = (there.folder, file.name, file.sha256, str(there.has))
                    words = script_words("carry", *arguments)
                    await session.feed(words, f"carry {file.name}", given="", source=out.pieces())
                    sent = out.at - there.has
                    if out.at < file.size:
                        return Carried(at=out.at, sent=sent, attempt=attempt)
                await session.run("carried_whole", there.folder, file.name, file.sha256, within_s=HASHING_S)
        except Unfit as error:
            if error.code in (ANOTHER_LENGTH, ANOTHER_HASH):
                raise Transient(str(error)) from error
            raise failure(error) from error
        except SshTrouble as error:
            raise failure(error) from error
        return Carried(at=file.size, sent=sent, path=path, attempt=attempt)

    @activity.defn
    async def drop_carried(self, request: DropCarriedRequest) -> DroppedFiles:
        """The folder of that release, with all that is in it."""
        try:
            async with Heartbeat(), self.hosts.at(self.hosts.shell(request.site, "site")) as session:
                said = await session.run("carried_drop", request.folder or "", request.release)
        except SshTrouble as error:
            raise failure(error) from error
        return DroppedFiles(words=said.strip(), attempt=activity.info().attempt)


@dataclass
class _Outgoing:
    """The file from some byte on, for as long as this attempt may last."""

    request: CarryFileRequest
    at: int
    heart: Heartbeat

    async def pieces(self) -> AsyncIterator[bytes]:
        request, file = self.request, self.request.file
        pace = Pace(rate_of(request.rate) if request.rate else None)
        until = time.monotonic() + seconds(request.lasting)
        while self.at < file.size and time.monotonic() < until and not activity.is_worker_shutdown():
            piece = await asyncio.to_thread(_piece, file, self.at)
            await asyncio.to_thread(pace.spend, len(piece))
            yield piece
            self.at += len(piece)
            self.heart.carry(file.name, f"{self.at} of {file.size} bytes")


async def _standing(session: "Session", request: CarryFileRequest) -> Standing:
    file = request.file
    arguments = (request.folder or "", request.release, file.name, str(file.size), file.sha256)
    said = await session.run("carried", *arguments, within_s=HASHING_S)
    folder, free, has, how = said.splitlines()
    return Standing(folder, int(free), int(has), how == "whole")


def _must_fit(session: "Session", file: MeasuredFile, there: Standing) -> None:
    if there.has > file.size:
        raise Refused(f"{session.target}: {there.folder} holds more of {file.name} than there is: remove it")
    needs = file.size - there.has + SPARE
    if there.free < needs:
        raise Blocked(
            f"{session.target}: {there.folder} has {size_of(there.free)} free, and {file.name} needs "
            f"{size_of(file.size - there.has)} and {size_of(SPARE)} to spare: make room, or name another "
            "folder"
        )


def _piece(file: MeasuredFile, at: int) -> bytes:
    """Raises Refused for another file than was measured, Transient where this machine cannot read it."""
    try:
        with Path(file.path).open("rb") as source:
            found = os.fstat(source.fileno())
            source.seek(at)
            piece = source.read(min(PIECE, file.size - at))
    except OSError as error:
        raise Transient(f"{platform.node()} cannot read {file.path}: {error.strerror}") from error
    if (found.st_size, found.st_mtime_ns) != (file.size, file.changed_ns):
        raise Refused(f"{file.path} was changed since it was measured: start again")
    return piece


def _measured(path: str) -> MeasuredFile:
    try:
        with Path(path).open("rb") as source:
            found = os.fstat(source.fileno())
            digest = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        words = f"{platform.node()} cannot read {path}: {error.strerror}"
        raise Refused(f"{words}; files to be sent are read by the workers, on every one of them") from error
    if found.st_size == 0:
        raise Refused(f"{path} is empty")
    return MeasuredFile(path=path, size=found.st_size, sha256=digest, changed_ns=found.st_mtime_ns)
