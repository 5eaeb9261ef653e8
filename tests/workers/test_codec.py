"""Payload encryption by itself: what is sealed, who opens it, and what is said where it cannot be."""

from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from cli.exits import Code, explained
from tests.workers.keys import declared
from workers.codec import ENCODING, EncryptingCodec, PayloadKeysError, read_keys
from workers.connection import connect, converter
from workers.settings import Settings
from workers.worker import run

SAID = "hamburg-017 behind the fire station"


def _codec(folder: Path, *names: str) -> EncryptingCodec:
    return EncryptingCodec(read_keys(declared(folder, *names), folder))


def _payload() -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=SAID.encode())


def test_what_is_sealed_is_read_by_its_key_and_by_no_other(tmp_path: Path) -> None:
    sealed = _codec(tmp_path, "a").sealed(_payload())
    assert sealed.metadata["encoding"] == ENCODING
    assert SAID.encode() not in sealed.SerializeToString()
    assert _codec(tmp_path, "a").opened(sealed) == _payload()
    with pytest.raises(PayloadKeysError, match=r"was encrypted with key 'a'; keys here: b"):
        _codec(tmp_path, "b").opened(sealed)


def test_the_first_key_writes_and_all_of_them_read(tmp_path: Path) -> None:
    earlier = _codec(tmp_path, "2026a").sealed(_payload())
    both = _codec(tmp_path, "2026b", "2026a")
    assert both.opened(earlier) == _payload()
    assert both.sealed(_payload()).metadata["encryption-key-id"] == b"2026b"


def test_two_payloads_of_the_same_words_differ(tmp_path: Path) -> None:
    codec = _codec(tmp_path, "a")
    assert codec.sealed(_payload()).data != codec.sealed(_payload()).data


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_payload_that_was_altered_is_not_opened(tmp_path: Path, place: int) -> None:
    codec = _codec(tmp_path, "a")
    sealed = codec.sealed(_payload())
    data = bytearray(sealed.data)
    data[place] ^= 1
    with pytest.raises(PayloadKeysError, match="cannot be opened"):
        codec.opened(Payload(metadata=sealed.metadata, data=bytes(data)))


def test_the_name_of_the_key_is_authenticated(tmp_path: Path) -> None:
    """Two names of the same key: what one sealed is not opened as the other's."""
    both = f"a=file:{tmp_path / 'payload-a'},b=file:{tmp_path / 'payload-a'}"
    sealed = _codec(tmp_path, "a").sealed(_payload())
    sealed.metadata["encryption-key-id"] = b"b"
    with pytest.raises(PayloadKeysError, match="cannot be opened"):
        EncryptingCodec(read_keys(both, tmp_path)).opened(sealed)


def test_what_was_written_in_clear_is_read(tmp_path: Path) -> None:
    assert _codec(tmp_path, "a").opened(_payload()) == _payload()


async def test_the_words_of_a_failure_are_encrypted(tmp_path: Path) -> None:
    async def written(data_converter: DataConverter) -> Failure:
        failure = Failure()
        await data_converter.encode_failure(ApplicationError(SAID, type="Refused"), failure)
        return failure

    sealed = await written(converter(declared(tmp_path, "a")))
    assert SAID.encode() not in sealed.SerializeToString()
    assert SAID in str(await converter(declared(tmp_path, "b", "a")).decode_failure(sealed))
    assert SAID.encode() in (await written(converter("off"))).SerializeToString()


async def test_without_keys_one_is_told_which_is_missing(tmp_path: Path) -> None:
    (sealed,) = await converter(declared(tmp_path, "2026a")).encode(["secret"])
    with pytest.raises(PayloadKeysError, match=r"'2026a': set STARFLOCK_PAYLOAD_KEYS"):
        await converter("").decode([sealed])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("hunter2", "expected ID=REFERENCE"),
        ("a=hunter2", "payload key a: a secret must be given as"),
        ("a=env:NOT_SET_ANYWHERE", "payload key a: env:NOT_SET_ANYWHERE: this environment variable"),
        ("a=file:short", r"payload key a \(file:short\): expected 32 bytes in base64"),
        ("a=file:words", r"payload key a \(file:words\): expected 32 bytes in base64"),
        ("a=file:payload-a,a=file:payload-a", "a stands twice"),
    ],
)
def test_unusable_keys_are_refused_without_being_shown(tmp_path: Path, given: str, words: str) -> None:
    declared(tmp_path, "a")
    for name, content in (("short", "aHVudGVyMg=="), ("words", "hunter2 hunter2")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(content)
    with pytest.raises(PayloadKeysError, match=words) as refused:
        read_keys(given, tmp_path)
    assert "hunter2" not in str(refused.value)


async def test_a_server_elsewhere_is_not_written_to_in_clear_unless_that_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STARFLOCK_PAYLOAD_KEYS", raising=False)
    with pytest.raises(PayloadKeysError, match="would be written in clear") as refused:
        await connect("temporal.invalid:7233")
    told = explained(refused.value)
    assert told is not None
    assert told.code is Code.BAD_INPUT
    monkeypatch.setenv("STARFLOCK_PAYLOAD_KEYS", "off")
    with pytest.raises(RuntimeError, match="no Temporal server answers"):
        await connect("temporal.invalid:7233")


async def test_a_worker_that_is_not_embedded_wants_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    with pytest.raises(PayloadKeysError, match="expected ID=REFERENCE"):
        await run(Settings())
    with pytest.raises(RuntimeError, match="no Temporal server answers"):
        await run(Settings(payload_keys="off"))
