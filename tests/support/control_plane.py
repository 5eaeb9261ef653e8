"""A real Kubernetes control plane: kube-apiserver, -controller-manager, -scheduler and etcd, no kubelets.

`deploy/kubernetes.sh` builds it once into a cache that outlives the clone. Everything listens on free ports
of 127.0.0.1 and keeps its state in one folder; the API server proves itself by the certificate that it makes,
which names 127.0.0.1. Each program ends with the tests (PR_SET_PDEATHSIG).

Controllers of version 1.20 would also listen in clear on all interfaces; `--port=0` forbids that. The grace
of a node that falls silent is shortened.
"""

import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.components import used
from tests.support.ironic import die_with_parent
from workers.embedded import free_port

BUILT = "kubernetes-1.20.2-go1.19"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
TOKEN = "tests-only"
START_WITHIN_S = 120.0


def binaries() -> Path | None:
    """Where deploy/kubernetes.sh puts them; None where it has not run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "starflock" / BUILT
    return folder if all((folder / name).exists() for name in PROGRAMS) else None


@dataclass(frozen=True)
class ControlPlane:
    url: str
    ca: Path
    kubeconfig: Path
    """Of an administrator."""
    token: str = TOKEN


@contextmanager
def control_plane(found: Path, folder: Path) -> Iterator[ControlPlane]:
    """Until `/readyz`; gone afterwards, the folder stays."""
    client, peer, secure = free_port(), free_port(), free_port()
    url = f"https://127.0.0.1:{secure}"
    _write_keys(folder)
    kubeconfig = _kubeconfig(folder, url)
    with ExitStack() as running:
        running.enter_context(
            _started(
                folder,
                [
                    found / "etcd",
                    f"--data-dir={folder / 'etcd'}",
                    f"--listen-client-urls=http://127.0.0.1:{client}",
                    f"--advertise-client-urls=http://127.0.0.1:{client}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster=default=http://127.0.0.1:{peer}",
                    "--unsafe-no-fsync",
                ],
            )
        )
        server = running.enter_context(_started(folder, _api_server(found, folder, client, secure)))
        plane = ControlPlane(url, folder / "certs" / "apiserver.crt", kubeconfig)
        version = _until_ready(plane, server, folder)
        for name, more in (
            ("kube-controller-manager", ("--node-monitor-grace-period=20s", "--node-monitor-period=2s")),
            ("kube-scheduler", ()),
        ):
            command = [
                found / name,
                f"--kubeconfig={kubeconfig}",
                f"--cert-dir={folder / name}",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                f"--secure-port={free_port()}",
                "--port=0",
                *more,
            ]
            running.enter_context(_started(folder, command))
        used("Kubernetes control plane", version)
        yield plane


def _api_server(found: Path, folder: Path, client: int, secure: int) -> list[str | Path]:
    return [
        found / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{client}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={secure}",
        f"--cert-dir={folder / 'certs'}",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
    ]


def _write_keys(folder: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (folder / "sa.key").write_bytes(pem)
    (folder / "tokens.csv").write_text(f"{TOKEN},tests,1,system:masters\n")


def _kubeconfig(folder: Path, url: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "c",
                "cluster": {"server": url, "certificate-authority": str(folder / "certs/apiserver.crt")},
            }
        ],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@contextmanager
def _started(folder: Path, command: "list[str | Path]") -> "Iterator[subprocess.Popen[bytes]]":
    with open(folder / f"{Path(command[0]).name}.log", "wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            process_group=0,
            preexec_fn=die_with_parent,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(plane: ControlPlane, server: "subprocess.Popen[bytes]", folder: Path) -> str:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            context = ssl.create_default_context(cafile=plane.ca)
            headers = {"Authorization": f"Bearer {plane.token}"}
            asked = urllib.request.Request(f"{plane.url}/readyz", headers=headers)
            with urllib.request.urlopen(asked, timeout=5, context=context) as answer:
                if answer.read() == b"ok":
                    return BUILT.split("-")[1]
        except (OSError, urllib.error.URLError) as error:
            said = str(error)
        if server.poll() is not None or time.monotonic() > deadline:
            log = (folder / "kube-apiserver.log").read_text()[-3000:]
            raise RuntimeError(f"kube-apiserver did not start ({said}):\n{log}")
        time.sleep(0.1)
