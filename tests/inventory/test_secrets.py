from pathlib import Path

import pytest

from inventory.secrets import SecretError, redact, resolve
from tests.inventory.files import written


def private(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = written(folder, content, "pw")
    path.chmod(mode)
    return path


def refusal(ref: str, folder: Path) -> str:
    with pytest.raises(SecretError) as caught:
        resolve(ref, folder)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_variable_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRAL_PASSWORD", "hunter2")
    assert resolve("env:CENTRAL_PASSWORD", folder) == "hunter2"


def test_a_file_is_read_beside_the_inventory_and_anywhere(folder: Path) -> None:
    path = private(folder, "hunter2")
    assert resolve("file:pw", folder) == "hunter2"
    assert resolve(f"file:{path}", "/") == "hunter2"


@pytest.mark.parametrize(
    ("content", "secret"),
    [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a b ", " a b "), ("p\u00e4ss\n", "p\u00e4ss")],
)
def test_one_newline_at_the_end_is_no_part_of_a_secret(folder: Path, content: str, secret: str) -> None:
    private(folder, content)
    assert resolve("file:pw", folder) == secret


def test_a_missing_variable_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CENTRAL_PASSWORD", raising=False)
    assert refusal("env:CENTRAL_PASSWORD", folder) == (
        "env:CENTRAL_PASSWORD: this environment variable is not set"
    )


def test_a_missing_file_is_named(folder: Path) -> None:
    assert refusal("file:pw", folder) == f"file:pw: there is no such file (looked for {folder}/pw)"


def test_a_directory_is_refused(folder: Path) -> None:
    assert refusal("file:.", folder) == "file:.: cannot be read: Is a directory"


def test_an_empty_secret_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private(folder, "\n")
    monkeypatch.setenv("EMPTY", "")
    assert refusal("file:pw", folder) == "file:pw: the secret is empty"
    assert refusal("env:EMPTY", folder) == "env:EMPTY: the secret is empty"


@pytest.mark.parametrize(
    ("mode", "who"),
    [
        (0o640, "group"),
        (0o604, "others"),
        (0o644, "group and others"),
        (0o620, "group"),
        (0o777, "group and others"),
    ],
)
def test_a_file_that_others_can_open_is_refused(folder: Path, mode: int, who: str) -> None:
    path = private(folder, "hunter2", mode)
    assert refusal("file:pw", folder) == (
        f"file:pw: the file is open to {who} (mode {mode:04o}); close it with: chmod 600 {path}"
    )


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_for_its_owner_alone_is_read(folder: Path, mode: int) -> None:
    private(folder, "hunter2", mode)
    assert resolve("file:pw", folder) == "hunter2"


def test_what_is_no_text_is_refused_without_a_trace_of_it(folder: Path) -> None:
    private(folder, b"hunter2\xff")
    with pytest.raises(SecretError) as caught:
        resolve("file:pw", folder)
    assert str(caught.value) == "file:pw: the file is not UTF-8 text"
    assert caught.value.__context__ is None


def test_what_is_too_large_is_refused(folder: Path) -> None:
    private(folder, "x" * (64 * 1024))
    assert len(resolve("file:pw", folder)) == 64 * 1024
    private(folder, "x" * (64 * 1024 + 1))
    assert refusal("file:pw", folder) == "file:pw: the file is larger than 64 KiB, which is no password"


@pytest.mark.parametrize(
    "ref", ["hunter2", "vault:hunter2", "vault:secret/hunter2", "vault:hunter2#a", "env:", "file:", ""]
)
def test_what_is_no_reference_is_never_repeated(folder: Path, ref: str) -> None:
    assert refusal(ref, folder) == (
        "a secret must be given as env:NAME, file:PATH, k8s:SECRET/KEY or vault:MOUNT/PATH#KEY (what was "
        "given is not shown)"
    )


def test_secrets_are_taken_out_of_words() -> None:
    assert redact("user admin, password hunter2!", ["hunter2"]) == "user admin, password ***!"
    assert redact("user admin", ["hunter2"]) == "user admin"


def test_secrets_are_found_as_json_and_urls_write_them() -> None:
    secret = 'a"b/c d\u00e4'
    for said in ('{"p": "a\\"b/c d\\u00e4"}', "p=a%22b%2Fc%20d%C3%A4", "p=a%22b%2Fc+d%C3%A4", secret):
        assert "***" in redact(said, [secret])
        assert "b" not in redact(said, [secret])


def test_a_secret_within_another_leaves_nothing_of_it() -> None:
    assert redact("hunter2000", ["hunter", "hunter2000"]) == "***"
    assert redact("a*b", ["*", "**", ""]) == "a***b"


def test_nothing_to_take_out_leaves_words_as_they_are() -> None:
    assert redact("password", []) == "password"
    assert redact("password", [""]) == "password"
