"""`vault:MOUNT/PATH#KEY`: a key of a secret in the KV store of HashiCorp Vault or OpenBao, version 1 or 2.

The server and who we are there stand in the environment, by the names that Vault's own tools use: VAULT_ADDR,
VAULT_CACERT, VAULT_NAMESPACE, and one way to log in. With VAULT_ROLE_ID it is AppRole, whose secret id is in
the file VAULT_SECRET_ID_FILE; with VAULT_KUBERNETES_ROLE the pod's own service account; otherwise the token
is VAULT_TOKEN's, or that of `vault login` in the home folder. VAULT_AUTH_MOUNT is where the way is mounted,
if not under its own name. OpenBao's names (BAO_...) are taken as well.

Which mount a path belongs to and of which version it is, the server says, as it says it to `vault kv`. What
was read is kept for a minute in memory, so that a secret that is changed counts a minute later; why it could
not be read is kept for a few seconds, since callers wait for the answer. A login is renewed at half of its
time. A token that has ended all the same is answered by 403, and so is what no policy allows: the server is
asked which it is, and after the first there is one other login.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from inventory.private_file import read_private

if TYPE_CHECKING:
    import hvac

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ANSWERS_WITHIN_S = 3.0
KEPT_S = 60.0
FAILURE_KEPT_S = 5.0
NEVER = float("inf")
NO_HVAC = "needs the client of Vault: install starflock[vault]"
NO_ADDRESS = "VAULT_ADDR is not set: where Vault is, such as https://vault.example.net:8200"
ENDED = "Vault does not take the token: it has ended or was revoked"
NO_LOGIN = (
    "nobody is logged in to Vault: set VAULT_ROLE_ID and VAULT_SECRET_ID_FILE, VAULT_KUBERNETES_ROLE, or "
    "VAULT_TOKEN"
)


@dataclass(frozen=True)
class Failure:
    """Why there is no secret, for a person; holds nothing that was read or sent."""

    words: str
    passes: bool = False
    """The server is away, sealed or has too much to do: the same question may be answered later."""


class _Trouble(Exception):
    def __init__(self, words: str, *, passes: bool = False) -> None:
        super().__init__(words)
        self.failure = Failure(words, passes)


@dataclass
class _Login:
    client: "hvac.Client"
    renewed_at: float = NEVER
    """By the monotonic clock."""
    mounts: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """By path of a secret: its mount, the rest of the path, the version."""


_lock = Lock()
_login: _Login | None = None
_known: dict[str, tuple[float, "dict[str, Any] | Failure"]] = {}
"""By path: until when, and its data or why there is none."""
_away: tuple[float, Failure | None] = (0.0, None)
"""Until when nobody asks again: who does not answer for one path does not for another."""


def read(path: str, key: str) -> tuple[str, Failure | None]:
    """The value, or an empty one and why; neither holds a value of another key. Safe from several threads."""
    with _lock:
        found = _found(path)
    if isinstance(found, Failure):
        return "", found
    value = found.get(key)
    if key not in found:
        return "", Failure(f"it has no key {key}; it has {', '.join(sorted(found)) or 'none'}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "", Failure("the value is no text")
    return str(value), None


def forget() -> None:
    """Login, what was read and what could not be: as after a start."""
    global _login, _away
    with _lock:
        _login, _away = None, (0.0, None)
        _known.clear()


def _found(path: str) -> dict[str, Any] | Failure:
    global _away
    now = time.monotonic()
    until, found = _known.get(path, (0.0, Failure("")))
    if now < until:
        return found
    away_until, away = _away
    if away is not None and now < away_until:
        return away
    found = _asked(path)
    kept = FAILURE_KEPT_S if isinstance(found, Failure) else KEPT_S
    _known[path] = (time.monotonic() + kept, found)
    if isinstance(found, Failure) and found.passes:
        _away = (time.monotonic() + FAILURE_KEPT_S, found)
    return found


def _asked(path: str) -> dict[str, Any] | Failure:
    """Whatever happens: the client's own exceptions may hold what was sent, so none of them leaves."""
    try:
        import hvac  # noqa: F401
    except ImportError:
        return Failure(NO_HVAC)
    try:
        return _told(lambda: _data(path))
    except _Trouble as trouble:
        return trouble.failure


def _data(path: str) -> dict[str, Any]:
    """Raises _Trouble and what the client raises."""
    from hvac.exceptions import Forbidden

    global _login
    _login = _fresh(_login)
    try:
        return _read(_login, path)
    except Forbidden:
        if _is_good(_login):
            raise _Trouble(_not_allowed(_login, path)) from None
    _login = _logged_in()
    try:
        return _read(_login, path)
    except Forbidden:
        good = _is_good(_login)
        words = (
            _not_allowed(_login, path)
            if good
            else "Vault does not take the token: it has ended or was revoked"
        )
        if not good:
            _login = None
        raise _Trouble(words) from None


def _read(login: _Login, path: str) -> dict[str, Any]:
    from hvac.exceptions import InvalidPath

    mount, rest, version = _place(login, path)
    kv = login.client.secrets.kv
    try:
        if version == 1:
            return dict(kv.v1.read_secret(rest, mount_point=mount)["data"])
        found = kv.v2.read_secret_version(rest, mount_point=mount, raise_on_deleted_version=False)["data"]
    except InvalidPath:
        login.mounts.pop(path, None)
        hint = "; with version 2 of KV the path is written without data/" if rest.startswith("data/") else ""
        raise _Trouble(f"there is no such secret in {mount}/{hint}") from None
    if found["data"] is None:
        raise _Trouble("its newest version is deleted")
    return dict(found["data"])


def _place(login: _Login, path: str) -> tuple[str, str, int]:
    """Mount, path within it, version of KV: as the server says."""
    from hvac.exceptions import Forbidden

    if path not in login.mounts:
        try:
            said = login.client.adapter.get(f"/v1/sys/internal/ui/mounts/{path}")["data"]
        except Forbidden:
            if not _is_good(login):
                raise
            words = "there is no such mount in Vault, or no policy of this login allows anything in it"
            raise _Trouble(words) from None
        mount = str(said["path"]).strip("/")
        if said["type"] not in ("kv", "generic"):
            raise _Trouble(f"{mount}/ is a store of type {said['type']}, and only kv is read")
        version = int((said.get("options") or {}).get("version") or 1)
        rest = path.removeprefix(mount).strip("/")
        if not rest:
            raise _Trouble(f"{mount}/ is the mount: the path of a secret in it is missing")
        login.mounts[path] = (mount, rest, version)
    return login.mounts[path]


def _not_allowed(login: _Login, path: str) -> str:
    mount, rest, version = login.mounts.get(path, ("", path, 1))
    asked = "/".join(part for part in (mount, "data" if version == 2 else "", rest) if part)
    return f"no policy of this login allows it: it needs `read` of {asked}"


# -- who we are


def _fresh(login: _Login | None) -> _Login:
    """Renewed at half of its time; where that is not granted there is another login."""
    from hvac.exceptions import Forbidden, InvalidRequest

    if login is None:
        return _logged_in()
    if time.monotonic() >= login.renewed_at:
        try:
            login.renewed_at = _half_of(login.client.auth.token.renew_self()["auth"])
        except (Forbidden, InvalidRequest):
            return _logged_in()
    return login


def _logged_in() -> _Login:
    import hvac

    address = _setting("ADDR")
    if not address:
        raise _Trouble(NO_ADDRESS)
    ca = _setting("CACERT")
    if ca and not Path(ca).is_file():
        raise _Trouble(f"VAULT_CACERT: there is no such file (looked for {ca})")
    client = hvac.Client(
        url=address,
        token="",
        verify=ca or True,
        timeout=ANSWERS_WITHIN_S,
        namespace=_setting("NAMESPACE") or None,
    )
    role_id, role = _setting("ROLE_ID"), _setting("KUBERNETES_ROLE")
    if role_id:
        mount = _setting("AUTH_MOUNT") or "approle"
        proof, approle = _secret_id(), client.auth.approle
        return _by(client, "AppRole", lambda: approle.login(role_id, proof, mount_point=mount))
    if role:
        mount = _setting("AUTH_MOUNT") or "kubernetes"
        try:
            token = (SERVICE_ACCOUNT / "token").read_text().strip()
        except OSError:
            raise _Trouble("this process runs in no Kubernetes pod with a service account") from None
        return _by(client, "Kubernetes", lambda: client.auth.kubernetes.login(role, token, mount_point=mount))
    client.token = _setting("TOKEN") or _of_vault_login()
    if not client.token:
        raise _Trouble(NO_LOGIN)
    return _Login(client, _half_of_the_rest(client))


def _by(client: "hvac.Client", way: str, login: Callable[[], Any]) -> _Login:
    from hvac.exceptions import Forbidden, InvalidRequest

    try:
        return _Login(client, _half_of(login()["auth"]))
    except (InvalidRequest, Forbidden):
        words = f"Vault refuses the login by {way}: role, secret id or service account are wrong"
        raise _Trouble(words) from None


def _secret_id() -> str | None:
    """None: the role asks for none."""
    path = _setting("SECRET_ID_FILE")
    if not path:
        return None
    text, trouble = read_private(Path(path).expanduser())
    if trouble:
        raise _Trouble(f"VAULT_SECRET_ID_FILE: {trouble}")
    return text.strip()


def _of_vault_login() -> str:
    try:
        return (Path.home() / ".vault-token").read_text().strip()
    except (OSError, RuntimeError):
        return ""


def _half_of_the_rest(client: "hvac.Client") -> float:
    """Of a token that was given to us. One that may not look at itself is not renewed either."""
    from hvac.exceptions import Forbidden

    try:
        said = client.auth.token.lookup_self()["data"]
    except Forbidden:
        return NEVER
    return _half_of({"lease_duration": said.get("ttl"), "renewable": said.get("renewable")})


def _half_of(lease: dict[str, Any]) -> float:
    lasts = float(lease.get("lease_duration") or 0)
    return time.monotonic() + lasts / 2 if lasts and lease.get("renewable") else NEVER


def _is_good(login: _Login) -> bool:
    """What was forbidden is so by policy: the token itself is taken."""
    from hvac.exceptions import Forbidden

    try:
        login.client.auth.token.lookup_self()
    except Forbidden:
        return False
    return True


def _setting(name: str) -> str:
    return os.environ.get(f"VAULT_{name}") or os.environ.get(f"BAO_{name}") or ""


def _told(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Raises _Trouble alone."""
    from hvac.exceptions import VaultDown, VaultError
    from requests import RequestException
    from requests.exceptions import SSLError

    try:
        return ask()
    except VaultDown as error:
        sealed = "sealed" in str(error.args[0] if error.args else "").lower()
        words = (
            "Vault is sealed: somebody has to unseal it" if sealed else "Vault answers 503: it is not ready"
        )
        raise _Trouble(words, passes=True) from None
    except VaultError as error:
        # 4xx that nobody expects is wrong in the same way the next time; the rest is the server's.
        kind = type(error).__name__
        passes = kind not in ("InvalidRequest", "Forbidden")
        raise _Trouble(f"Vault answers with {kind}", passes=passes) from None
    except SSLError:
        words = "Vault's certificate is not trusted: VAULT_CACERT names the file of the CA that signed it"
        raise _Trouble(words) from None
    except RequestException as error:
        raise _Trouble(f"Vault does not answer ({type(error).__name__})", passes=True) from None
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _Trouble(f"what answers at VAULT_ADDR is no Vault ({type(error).__name__})") from None
