"""Images of a real cluster, for tests: made, written to, and hashed as they were at a snapshot.

`rbd` has no command that writes given bytes at a given place, but it takes a difference from its standard
input, and one without snapshots is a write (librbd's "rbd diff v1" format, doc/dev/rbd-diff.rst of Ceph).
"""

import hashlib
import json
import random
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.ceph import Ceph

POOL = "rbd"
BLOCK = 64 * 1024


@dataclass
class Images:
    """As somebody who may do everything."""

    cluster: Ceph

    def rbd(self, *words: str, given: bytes | None = None) -> bytes:
        command = ["rbd", "-c", str(self.cluster.conf), *words]
        done = subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"rbd {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout

    def make(self, name: str, mib: int = 16) -> str:
        """POOL/IMAGE."""
        self.rbd("create", "--size", str(mib), f"{POOL}/{name}")
        return f"{POOL}/{name}"

    def id_of(self, image: str) -> str:
        return str(json.loads(self.rbd("info", "--format", "json", image))["id"])

    def write(self, image: str, blocks: int, seed: int, mib: int = 16) -> None:
        """So many blocks of other bytes, anywhere."""
        dice = random.Random(seed)
        diff = b"rbd diff v1\n"
        for place in sorted(dice.sample(range(mib * 2**20 // BLOCK), blocks)):
            diff += b"w" + struct.pack("<QQ", place * BLOCK, BLOCK) + dice.randbytes(BLOCK)
        self.rbd("import-diff", "--no-progress", "-", image, given=diff + b"e")

    def hash_at(self, spec: str) -> str:
        return hashlib.sha256(self.rbd("export", "--no-progress", spec, "-")).hexdigest()

    def snapshots(self, image: str) -> list[str]:
        return [each["name"] for each in json.loads(self.rbd("snap", "ls", "--format", "json", image))]

    def names(self) -> list[str]:
        return sorted(json.loads(self.rbd("ls", "--format", "json", POOL)))

    @contextmanager
    def written_to(self, image: str) -> Iterator[None]:
        """All the while, from before it begins."""
        ended, begun = threading.Event(), threading.Event()

        def write() -> None:
            seed = 1000
            while not ended.is_set():
                self.write(image, 4, seed)
                begun.set()
                seed += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert begun.wait(60)
            yield
        finally:
            ended.set()
            writer.join()

    def clear(self) -> None:
        for name in self.names():
            self.rbd("snap", "purge", "--no-progress", f"{POOL}/{name}")
            self.rbd("rm", "--no-progress", f"{POOL}/{name}")
