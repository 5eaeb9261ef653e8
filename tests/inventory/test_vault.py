"""`vault:` references against a real OpenBao, over TLS."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hvac.exceptions import VaultError

from activities.errors import Refused, Transient
from activities.unresolved import unresolved
from inventory import vault_secrets
from inventory.secrets import SecretAway, SecretError, resolve
from tests.support.openbao import OpenBao, openbao, running
from tests.support.secret_scan import files, found
from workers.codec import PayloadKeysError, read_keys

PASSWORD = "hunter2/hunter2 é"
PLAIN, CENTRAL = "vault:team/plain/central#password", "vault:secret/starlingx/central#password"

pytestmark = pytest.mark.skipif(openbao() is None, reason="no OpenBao here")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("bao")) as started:
        kv = started.root().secrets.kv
        kv.v1.create_or_update_secret("central", {"password": PASSWORD}, mount_point="team/plain")
        content = {"password": PASSWORD, "pin": 4711, "shared": True, "empty": ""}
        kv.v2.create_or_update_secret("starlingx/central", content)
        kv.v2.create_or_update_secret("other/central", content)
        started.allow("sites", "secret/data/starlingx/*", "secret/data/rotated", "team/plain/central")
        yield started


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No login of this machine, and none of the test before."""
    for name in [name for name in os.environ if name.startswith(("VAULT_", "BAO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    vault_secrets.forget()
    yield
    vault_secrets.forget()


@pytest.fixture
def by_token(server: OpenBao, monkeypatch: pytest.MonkeyPatch) -> str:
    token = server.token("sites")
    _set(monkeypatch, server, TOKEN=token)
    return token


def _set(monkeypatch: pytest.MonkeyPatch, server: OpenBao, **settings: str) -> None:
    for name, value in server.settings(**settings).items():
        monkeypatch.setenv(name, value)


def refusal(ref: str, kind: type[SecretError] = SecretError) -> str:
    with pytest.raises(SecretError) as caught:
        resolve(ref, ".")
    assert type(caught.value) is kind, caught.value
    assert str(caught.value).startswith(f"{ref}: ")
    assert caught.value.__context__ is None
    return str(caught.value).removeprefix(f"{ref}: ")


@pytest.mark.usefixtures("by_token")
def test_both_versions_of_kv_are_read() -> None:
    assert resolve(PLAIN, ".") == PASSWORD
    assert resolve(CENTRAL, ".") == PASSWORD
    assert resolve("vault:secret/starlingx/central#pin", ".") == "4711"


@pytest.mark.usefixtures("by_token")
@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("secret/starlingx/central#user", "it has no key user; it has empty, password, pin, shared"),
        ("secret/starlingx/central#shared", "the value is no text"),
        ("secret/starlingx/central#empty", "the secret is empty"),
        ("secret/starlingx/west#password", "there is no such secret in secret/"),
        ("team/plain/west#password", "no policy of this login allows it: it needs `read` of team/plain/west"),
        (
            "secret/other/central#password",
            "no policy of this login allows it: it needs `read` of secret/data/other/central",
        ),
        (
            "nowhere/central#password",
            "there is no such mount in Vault, or no policy of this login allows anything in it",
        ),
    ],
)
def test_what_leads_nowhere_is_named_and_not_tried_for_ever(ref: str, words: str) -> None:
    assert refusal(f"vault:{ref}") == words
    assert isinstance(unresolved(SecretError(words)), Refused)


def test_the_path_of_the_api_is_not_that_of_the_secret(
    server: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.allow("all", "secret/*")
    _set(monkeypatch, server, TOKEN=server.token("all"))
    assert refusal("vault:secret/data/starlingx/central#password") == (
        "there is no such secret in secret/; with version 2 of KV the path is written without data/"
    )


def test_a_secret_that_is_deleted_or_changed_is_seen(
    server: OpenBao, by_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kv = server.root().secrets.kv.v2
    kv.create_or_update_secret("rotated", {"password": "the first one"})
    ref = "vault:secret/rotated#password"
    assert resolve(ref, ".") == "the first one"
    kv.create_or_update_secret("rotated", {"password": "the second one"})
    assert resolve(ref, ".") == "the first one", "kept for a minute"
    _a_minute_later(monkeypatch)
    assert resolve(ref, ".") == "the second one"
    kv.delete_latest_version_of_secret("rotated")
    _a_minute_later(monkeypatch)
    assert refusal(ref) == "its newest version is deleted"


def test_an_approle_logs_in_again_when_its_token_has_ended(
    server: OpenBao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret_id = tmp_path / "secret-id"
    role_id = server.role("sites", secret_id)
    _set(monkeypatch, server, ROLE_ID=role_id, SECRET_ID_FILE=str(secret_id))
    assert resolve(CENTRAL, ".") == PASSWORD
    first = _token()
    server.root().auth.token.revoke(first)
    _a_minute_later(monkeypatch)
    assert resolve(CENTRAL, ".") == PASSWORD
    assert _token() != first
    secret_id.chmod(0o644)
    vault_secrets.forget()
    assert refusal(CENTRAL).startswith("VAULT_SECRET_ID_FILE: the file is open to group and others")
    secret_id.chmod(0o600)
    secret_id.write_text("wrong-one")
    vault_secrets.forget()
    assert refusal(CENTRAL) == (
        "Vault refuses the login by AppRole: role, secret id or service account are wrong"
    )


def test_a_token_is_renewed_at_half_of_its_time(server: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    long, short = server.token("sites", ttl="10m"), server.token("sites", ttl="100s")
    for token, is_renewed in ((long, False), (short, True)):
        vault_secrets.forget()
        _set(monkeypatch, server, TOKEN=token)
        assert resolve(CENTRAL, ".") == PASSWORD
        assert not _was_renewed(server, token)
        _a_minute_later(monkeypatch)
        assert resolve(CENTRAL, ".") == PASSWORD
        assert _was_renewed(server, token) is is_renewed


def test_a_token_that_has_ended_is_said_and_another_one_is_taken(
    server: OpenBao, by_token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert resolve(CENTRAL, ".") == PASSWORD
    server.root().auth.token.revoke(by_token)
    _a_minute_later(monkeypatch)
    assert refusal(CENTRAL) == "Vault does not take the token: it has ended or was revoked"
    monkeypatch.delenv("VAULT_TOKEN")
    (tmp_path / ".vault-token").write_text(server.token("sites"))
    _a_minute_later(monkeypatch)
    assert resolve(CENTRAL, ".") == PASSWORD, "as `vault login` leaves it"


def test_a_sealed_vault_is_waited_for(
    server: OpenBao, by_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.root().sys.seal()
    try:
        assert refusal(CENTRAL, SecretAway) == "Vault is sealed: somebody has to unseal it"
        assert isinstance(unresolved(SecretAway("sealed")), Transient)
        with pytest.raises(RuntimeError, match=r"payload key a: .*Vault is sealed"):
            read_keys(f"a={CENTRAL}", Path())
    finally:
        server.root().sys.submit_unseal_key(server.unseal_key)
    _until_unsealed(server)
    _a_minute_later(monkeypatch)
    assert resolve(CENTRAL, ".") == PASSWORD
    with pytest.raises(PayloadKeysError, match="expected 32 bytes"):
        read_keys(f"a={CENTRAL}", Path())


def test_one_that_does_not_answer_is_waited_for_and_asked_once(
    server: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, server, TOKEN="unused")
    monkeypatch.setenv("VAULT_ADDR", "https://127.0.0.1:1")
    assert refusal(CENTRAL, SecretAway).startswith("Vault does not answer (")
    monkeypatch.setattr(vault_secrets, "_asked", lambda path: pytest.fail("asked again for another path"))
    assert refusal(PLAIN, SecretAway).startswith("Vault does not answer (")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"VAULT_ADDR": ""}, "VAULT_ADDR is not set"),
        ({"VAULT_CACERT": ""}, "Vault's certificate is not trusted"),
        ({"VAULT_CACERT": "/no/such/file"}, "VAULT_CACERT: there is no such file"),
        ({"VAULT_TOKEN": ""}, "nobody is logged in to Vault"),
        ({"VAULT_KUBERNETES_ROLE": "starflock"}, "runs in no Kubernetes pod"),
        ({"VAULT_TOKEN": "s.wrong"}, "Vault does not take the token"),
    ],
)
@pytest.mark.usefixtures("by_token")
def test_wrong_settings_are_named(
    settings: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SecretError, match=words):
        resolve(CENTRAL, ".")


def test_threads_ask_once(server: OpenBao, by_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = vault_secrets._asked
    monkeypatch.setattr(vault_secrets, "_asked", lambda path: asked.append(path) or ask(path))  # type: ignore[func-returns-value]
    threads = [threading.Thread(target=resolve, args=(CENTRAL, ".")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == ["secret/starlingx/central"]


def test_no_failure_repeats_a_secret(server: OpenBao, by_token: str, tmp_path: Path) -> None:
    said = [refusal(f"vault:{path}") for path in ("secret/starlingx/central#user", "secret/other/central#x")]
    assert found(PASSWORD, {"said": "\n".join(said).encode()}) == set()
    assert found(by_token, {"said": "\n".join(said).encode()}) == set()
    assert found(PASSWORD, files(server.log.parent)) == set(), "nor does the server's log"
    assert found(PASSWORD, {"planted": f"it has no key {PASSWORD}".encode()})


def _a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept is old, and a login is half over."""
    now = time.monotonic() + 61
    vault_secrets._known.clear()
    monkeypatch.setattr(vault_secrets, "_away", (0.0, None))
    if vault_secrets._login is not None and vault_secrets._login.renewed_at <= now:
        vault_secrets._login.renewed_at = 0.0


def _token() -> str:
    assert vault_secrets._login is not None
    token: str = vault_secrets._login.client.token
    return token


def _was_renewed(server: OpenBao, token: str) -> bool:
    return "last_renewal" in server.root().auth.token.lookup(token)["data"]


def _until_unsealed(server: OpenBao) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            server.root().secrets.kv.v1.read_secret("central", mount_point="team/plain")
        except VaultError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("it stays sealed")
