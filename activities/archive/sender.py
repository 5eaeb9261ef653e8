"""What a process inside a site needs to send objects of one backup straight to the store, as JSON.

It holds secrets: the store's credential for senders, and the key of this backup, which opens no other one and
signs nothing. It goes into a Secret made for the run, or to the process's standard input, and nowhere else.
"""

import base64
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Literal

from activities.archive.directory import Directory
from activities.archive.keys import BackupKey
from activities.archive.s3 import Bucket, S3Account
from activities.archive.stores import Store
from activities.archive.writing import BackupWriter
from activities.pacing import Pace
from models.archive import BackupText
from models.base import Frozen


class SenderAccess(Frozen):
    backup: BackupText
    backup_key: str
    """Base64."""
    prefix: str
    bytes_per_second: int | None = None
    timeout_s: float = 40.0
    directory: str | None = None
    """Of an archive in a directory; the others are of S3."""
    endpoint: str = ""
    bucket: str = ""
    region: str = ""
    ca: str | None = None
    """PEM."""
    access_key: str = ""
    secret_key: str = ""
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = None
    lock_for: timedelta = timedelta(0)

    def __repr__(self) -> str:
        return f"SenderAccess({self.backup})"

    __str__ = __repr__

    @property
    def key(self) -> BackupKey:
        return BackupKey(self.backup, base64.b64decode(self.backup_key))

    def writer(self) -> BackupWriter:
        return BackupWriter(self._store(), self.prefix, self.key, Pace(self.bytes_per_second))

    def _store(self) -> Store:
        if self.directory is not None:
            return Directory(Path(self.directory))
        return Bucket(
            S3Account(
                endpoint=self.endpoint,
                bucket=self.bucket,
                region=self.region,
                access_key=self.access_key,
                secret_key=self.secret_key,
                ca_bundle=_as_file(self.ca) if self.ca else None,
                timeout_s=self.timeout_s,
                lock_mode=self.lock_mode,
                lock_for=self.lock_for,
            )
        )


def _as_file(pem: str) -> str:
    """For as long as this process's temporary files are kept."""
    with tempfile.NamedTemporaryFile("w", prefix="starflock-ca-", suffix=".pem", delete=False) as file:
        file.write(pem)
    return file.name
