"""(i) A backup's object on its way to a real RGW, against plain boto3 sending the same bytes to the same one.

Ours hashes the plaintext, encrypts, hashes what is stored and sends parts of 16 MiB one after the other;
plain boto3 sends parts of 16 MiB one after the other (`upload_fileobj`, one thread) and does none of that.
Both run in a process of their own each time, whose memory is taken before the first byte and at its highest.
The ratio is what encryption and hashes cost; the store shares the machine.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.machine import MIB, peak_rss_mib, rss_mib
from tests.support.radosgw import Radosgw, radosgw, what_is_missing

NAME = "archive"
SIZES_MIB, QUICK_SIZES_MIB = (64, 256, 512), (48, 128)
ROUNDS, QUICK_ROUNDS = 3, 1
PART = 16 * MIB
BUCKET = "bench"


async def run(bench: Bench) -> Outcome:
    if missing := what_is_missing():
        raise CannotRun(missing)
    sizes = QUICK_SIZES_MIB if bench.quick else SIZES_MIB
    rounds = QUICK_ROUNDS if bench.quick else ROUNDS
    outcome = Outcome(NAME, {"sizes_mib": sizes, "rounds": rounds})
    grown: dict[int, float] = {}
    with radosgw() as rgw:
        rgw.bucket(BUCKET)
        for size in sizes:
            taken: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
            for number in range(rounds):
                for how, measured in taken.items():
                    bench.say(f"{size} MiB, {how}")
                    measured.append(await _child(rgw, how, size, number))
            best = {how: min(each["seconds"] for each in measured) for how, measured in taken.items()}
            used = {how: min(each["cpu_seconds"] for each in measured) for how, measured in taken.items()}
            grown[size] = max(each["grown_mib"] for each in taken["ours"])
            outcome.detail[f"{size} MiB"] = taken
            outcome.add(f"{size} MiB, ours / plain boto3", best["ours"] / best["plain"], "x")
            outcome.add(f"{size} MiB, processor time, ours / plain boto3", used["ours"] / used["plain"], "x")
            outcome.add(f"{size} MiB, ours", size / best["ours"], "MiB/s")
            outcome.add(f"{size} MiB, plain boto3", size / best["plain"], "MiB/s")
            outcome.add(f"{size} MiB, memory above idle", grown[size], "MiB", at_most=64)
    outcome.add("memory, largest against smallest", grown[sizes[-1]] - grown[sizes[0]], "MiB")
    return outcome


async def _child(rgw: Radosgw, how: str, size: int, number: int) -> dict[str, float]:
    told = {"endpoint": rgw.endpoint, "access": rgw.access_key, "secret": rgw.secret_key}
    told |= {"how": how, "size": str(size), "key": f"{how}-{size}-{number}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.archive",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(told).encode())
    if process.returncode:
        raise CannotRun(f"sending {size} MiB ({how}) ended with {process.returncode}")
    found: dict[str, float] = json.loads(said)
    return found


def _content(size_mib: int) -> Iterator[bytes]:
    """The same bytes each time, which cost nothing to make."""
    piece = bytes(range(256)) * (MIB // 256)
    for number in range(size_mib):
        yield number.to_bytes(8) + piece[8:]


class _AsFile:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._kept = pieces, b""

    def read(self, count: int = -1) -> bytes:
        while count < 0 or len(self._kept) < count:
            more = next(self._pieces, b"")
            if not more:
                break
            self._kept += more
        count = len(self._kept) if count < 0 else count
        found, self._kept = self._kept[:count], self._kept[count:]
        return found


def _send(told: dict[str, str]) -> dict[str, float]:
    size = int(told["size"])
    send = _ours(told) if told["how"] == "ours" else _plain(told)
    idle = rss_mib(os.getpid())
    began, used = time.perf_counter(), time.process_time()
    send(_content(size))
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - used,
        "grown_mib": peak_rss_mib(os.getpid()) - idle,
    }


def _ours(told: dict[str, str]) -> Any:
    from activities.archive.keys import ArchiveSecret
    from activities.archive.s3 import Bucket, S3Account
    from activities.archive.writing import BackupWriter, PutSpec
    from activities.pacing import Pace

    bucket = Bucket(S3Account(told["endpoint"], BUCKET, "default", told["access"], told["secret"]))
    bucket.check()
    backup = "edge-0001/20261122T013417Z-volumes-1a2b3c4d"
    writer = BackupWriter(bucket, told["key"], ArchiveSecret("k1", bytes(32)).of_backup(backup), Pace(None))
    return lambda source: writer.put(PutSpec("vm", "volume"), source)


def _plain(told: dict[str, str]) -> Any:
    from boto3.s3.transfer import TransferConfig
    from boto3.session import Session
    from botocore.config import Config

    client = Session().client(
        "s3",
        endpoint_url=told["endpoint"],
        region_name="default",
        aws_access_key_id=told["access"],
        aws_secret_access_key=told["secret"],
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    client.list_objects_v2(Bucket=BUCKET, MaxKeys=1)
    parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)
    return lambda source: client.upload_fileobj(_AsFile(source), BUCKET, told["key"], Config=parts)


if __name__ == "__main__":
    print(json.dumps(_send(json.loads(sys.stdin.read()))))
