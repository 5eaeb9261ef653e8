"""An archive in a bucket of an S3 store. boto3 is imported here and nowhere else, when a client is built.

Ceph's RGW is the reference. Buckets are addressed by path, and checksums that boto3 would add by itself are
left out: RGW 16 takes them and keeps none. Each part goes with its Content-MD5, so that the store refuses
what was changed on the way, and is known again by that MD5, which S3 gives as its ETag. A body is read twice,
to sign it (without TLS) and to send it; only the sending is paced.

boto3 tries a part again by itself: a part is the same bytes under the same number.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from activities.archive.cipher import SealedPart
from activities.archive.directory import md5_of
from activities.archive.errors import Away, Denied, Full, Locked, Missing, StoreError
from activities.archive.stores import Listed, SentPart, Upload
from activities.pacing import Pace

PIECE = 2**20
AT_ONCE = 8
TRIES = 4
CONNECT_S = 10.0
GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
AWAY = frozenset(
    {
        "InternalError",
        "ServiceUnavailable",
        "SlowDown",
        "RequestTimeout",
        "InvalidPart",
        "500",
        "502",
        "503",
        "504",
    }
)
FULL = frozenset({"QuotaExceeded"})
FORBIDDEN = frozenset({"AccessDenied", "403"})


class S3Account(NamedTuple):
    """Where, as whom; a client is kept for as long as none of it changes."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    ca_bundle: str | None = None
    timeout_s: float = 40.0
    lock_mode: str | None = None
    """GOVERNANCE or COMPLIANCE: what is written is locked by the store."""
    lock_for: timedelta = timedelta(0)

    def __repr__(self) -> str:
        return f"S3Account({self.endpoint}, {self.bucket})"


class Body(io.RawIOBase):
    """A part as boto3 reads it: without a copy, and paced while it is sent."""

    def __init__(self, pieces: tuple[bytes, ...], size: int, pace: Pace) -> None:
        self._pieces, self._size, self._pace = pieces, size, pace
        self._at, self._is_sent = 0, False

    def sending(self) -> None:
        self._is_sent = True

    def __len__(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._is_sent = False
        return self._at

    def read(self, count: int = -1) -> bytes:
        count = self._size - self._at if count is None or count < 0 else count
        found = bytearray()
        begin = 0
        for piece in self._pieces:
            at = self._at - begin
            begin += len(piece)
            if 0 <= at < len(piece) and count > len(found):
                taken = piece[at : at + count - len(found)]
                found += taken
                self._at += len(taken)
        if self._is_sent:
            self._pace.spend(len(found))
        return bytes(found)


@dataclass
class Bucket:
    account: S3Account
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from boto3.session import Session
        from botocore.config import Config

        account = self.account
        self._client = Session().client(
            "s3",
            endpoint_url=account.endpoint,
            region_name=account.region,
            aws_access_key_id=account.access_key,
            aws_secret_access_key=account.secret_key,
            verify=account.ca_bundle or True,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=min(CONNECT_S, account.timeout_s),
                read_timeout=account.timeout_s,
                max_pool_connections=AT_ONCE,
                retries={"mode": "standard", "total_max_attempts": TRIES},
            ),
        )
        self._client.meta.events.register("before-send.s3.UploadPart", _before_send)

    @property
    def where(self) -> str:
        return f"{self.account.endpoint}/{self.account.bucket}"

    @property
    def _bucket(self) -> str:
        return self.account.bucket

    def check(self) -> None:
        with self._told("look"):
            self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

    def write(self, key: str, content: bytes, lock: bool = False) -> None:
        with self._told(f"write {key}"):
            digest = base64.b64encode(bytes.fromhex(md5_of((content,)))).decode()
            locked = self._lock() if lock else {}
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentMD5=digest, **locked)

    def read(self, key: str) -> Iterator[bytes]:
        with self._told(f"read {key}"):
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            try:
                yield from body.iter_chunks(PIECE)
            finally:
                body.close()

    def size(self, key: str) -> int:
        with self._told(f"look at {key}"):
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def listed(self, prefix: str) -> Iterator[Listed]:
        with self._told(f"list {prefix}"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield Listed(each["Key"], each["Size"], each["LastModified"].astimezone(UTC))

    def delete(self, key: str) -> None:
        if self.account.lock_mode is None:
            with suppress(Missing), self._told(f"delete {key}"):
                self._client.delete_object(Bucket=self._bucket, Key=key)
            return
        try:
            with self._told(f"delete {key}"):
                for version in self._versions(key):
                    self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version)
        except Denied as error:
            raise Locked(f"delete {key}", self.where, "the store's object lock holds it") from error

    def _versions(self, key: str) -> list[str]:
        """Newest first. Where the store locks it keeps versions, and a delete without one hides only."""
        pages = self._client.get_paginator("list_object_versions")
        return [
            each["VersionId"]
            for page in pages.paginate(Bucket=self._bucket, Prefix=key)
            for each in (*page.get("DeleteMarkers", ()), *page.get("Versions", ()))
            if each["Key"] == key
        ]

    def uploads(self, prefix: str) -> list[Upload]:
        with self._told(f"list uploads of {prefix}"):
            pages = self._client.get_paginator("list_multipart_uploads")
            found = [
                Upload(each["Key"], each["UploadId"], each["Initiated"].astimezone(UTC))
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
                for each in page.get("Uploads", ())
            ]
        return sorted(found, key=lambda each: (each.began, each.id))

    def begin(self, key: str) -> Upload:
        with self._told(f"begin {key}"):
            made = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **self._lock())
        return Upload(key, made["UploadId"], datetime.now(UTC))

    def parts(self, upload: Upload) -> dict[int, SentPart]:
        with self._told(f"list parts of {upload.key}"):
            pages = self._client.get_paginator("list_parts")
            return {
                each["PartNumber"]: SentPart(each["Size"], each["ETag"].strip('"'))
                for page in pages.paginate(Bucket=self._bucket, Key=upload.key, UploadId=upload.id)
                for each in page.get("Parts", ())
            }

    def tag(self, part: SealedPart) -> str:
        return md5_of(part.pieces)

    def send(self, upload: Upload, part: SealedPart, pace: Pace) -> SentPart:
        tag = self.tag(part)
        with self._told(f"send part {part.number} of {upload.key}"):
            sent = self._client.upload_part(
                Bucket=self._bucket,
                Key=upload.key,
                UploadId=upload.id,
                PartNumber=part.number,
                Body=Body(part.pieces, part.size, pace),
                ContentLength=part.size,
                ContentMD5=base64.b64encode(bytes.fromhex(tag)).decode(),
            )
        return SentPart(part.size, sent["ETag"].strip('"'))

    def complete(self, upload: Upload, parts: dict[int, SentPart]) -> None:
        named = [{"PartNumber": number, "ETag": parts[number].tag} for number in sorted(parts)]
        with self._told(f"complete {upload.key}"):
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=upload.key, UploadId=upload.id, MultipartUpload={"Parts": named}
            )
            if lock := self._lock():
                # RGW 16 takes the lock of an upload and forgets it.
                self._client.put_object_retention(
                    Bucket=self._bucket,
                    Key=upload.key,
                    Retention={
                        "Mode": lock["ObjectLockMode"],
                        "RetainUntilDate": lock["ObjectLockRetainUntilDate"],
                    },
                )

    def abort(self, upload: Upload) -> None:
        with suppress(Missing), self._told(f"abort the upload of {upload.key}"):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload.key, UploadId=upload.id)

    def close(self) -> None:
        self._client.close()

    def _lock(self) -> dict[str, Any]:
        if self.account.lock_mode is None:
            return {}
        until = datetime.now(UTC) + self.account.lock_for
        return {"ObjectLockMode": self.account.lock_mode, "ObjectLockRetainUntilDate": until}

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        from botocore import exceptions as boto

        try:
            yield
        except boto.ClientError as error:
            raise _class_of(error.response)(what, self.where, _words_of(error.response)) from error
        except boto.SSLError as error:
            raise Denied(what, self.where, str(error)) from error
        except (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError) as error:
            # Nobody listens while a store starts anew: EndpointConnectionError is no HTTPClientError.
            raise Away(what, self.where, f"no answer ({type(error).__name__})") from error
        except boto.BotoCoreError as error:
            raise Denied(what, self.where, str(error)) from error


def _before_send(request: Any, **kwargs: Any) -> None:
    if isinstance(request.body, Body):
        request.body.sending()


def _code(response: dict[str, Any]) -> str:
    code = response.get("Error", {}).get("Code")
    return str(code or response["ResponseMetadata"]["HTTPStatusCode"])


def _class_of(response: dict[str, Any]) -> type[StoreError]:
    code, status = _code(response), response["ResponseMetadata"]["HTTPStatusCode"]
    if code in GONE:
        return Missing
    if code in FULL:
        return Full
    return Away if code in AWAY or status >= 500 else Denied


def _words_of(response: dict[str, Any]) -> str:
    said = response.get("Error", {}).get("Message")
    return f"{_code(response)}{f': {said}' if said else ''}"
