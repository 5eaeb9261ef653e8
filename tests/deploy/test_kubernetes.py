"""The manifests, rendered by kubectl and judged by a real API server: server-side apply, validation included.

No container runs here. Each object is applied twice, so that what the server keeps is what was declared; one
with a key that does not exist shows that it judges at all. The server is of version 1.20, which has no
policy/v1 yet, so budgets are sent as policy/v1beta1 with the same fields.
"""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from inventory import cluster_secrets
from inventory.secrets import SecretError, resolve
from tests.support.control_plane import ControlPlane, binaries, control_plane
from workers.settings import Settings

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUBECTL = shutil.which("kubectl")
PLURALS = {"NetworkPolicy": "networkpolicies"}
OLDER = {"policy/v1": "policy/v1beta1"}

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="no kubectl here, which renders the manifests")


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    assert KUBECTL is not None
    done = subprocess.run(
        [KUBECTL, "kustomize", str(KUBERNETES / "example")], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    found = binaries()
    if found is None:
        pytest.skip("no Kubernetes control plane here: deploy/kubernetes.sh builds it")
    with control_plane(found, tmp_path_factory.mktemp("plane")) as running:
        yield running


def test_a_real_api_server_takes_all_of_it(plane: ControlPlane, rendered: list[dict[str, Any]]) -> None:
    with _api(plane) as api:
        for thing in rendered:
            first = _applied(api, thing)
            again = _applied(api, thing)
            assert first["metadata"]["uid"] == again["metadata"]["uid"], thing["kind"]
            assert first["metadata"].get("generation") == again["metadata"].get("generation")
        worker = next(each for each in rendered if each["kind"] == "Deployment")
        worker["spec"]["template"]["spec"]["containers"][0]["imagee"] = "starflock"
        refused = _apply(api, worker)
        assert refused.status_code >= 400, refused.text
        assert "imagee" in refused.text


def test_a_worker_reads_its_secret_and_no_other(
    plane: ControlPlane, rendered: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `k8s:` references, as the service account and by the Role of the manifests."""
    with _api(plane) as api:
        for thing in rendered:
            if thing["kind"] in ("Namespace", "ServiceAccount", "Role", "RoleBinding"):
                _applied(api, thing)
        for name in ("starflock", "other"):
            metadata = {"name": name, "namespace": "starflock"}
            content = {"token": "hunter2-hunter2\n"}
            _applied(api, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content})
        given = api.post("/api/v1/namespaces/starflock/serviceaccounts/starflock/token", json={"spec": {}})
        assert given.status_code == 201, given.text
    (tmp_path / "token").write_text(given.json()["status"]["token"])
    (tmp_path / "namespace").write_text("starflock")
    (tmp_path / "ca.crt").write_bytes(plane.ca.read_bytes())
    with pytest.raises(SecretError, match="runs in no Kubernetes pod"):
        resolve("k8s:unasked/token", ".")
    monkeypatch.setattr(cluster_secrets, "SERVICE_ACCOUNT", tmp_path)
    host, port = plane.url.removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    assert resolve("k8s:starflock/token", ".") == "hunter2-hunter2"
    with pytest.raises(SecretError, match="has no key password; it has token"):
        resolve("k8s:starflock/password", ".")
    with pytest.raises(SecretError, match="k8s:other/token: the service account may not read it") as refused:
        resolve("k8s:other/token", ".")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(SecretError, match="must be given as"):
        resolve("k8s:starflock", ".")


def test_pods_are_restricted(rendered: list[dict[str, Any]]) -> None:
    """As the namespace's policy demands, which this version of the server does not know yet."""
    pods = [each["spec"]["template"]["spec"] for each in rendered if each["kind"] in ("Deployment", "Job")]
    assert len(pods) == 4
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["image"] == "registry.example.net/starflock:0.1.0"


def test_settings_are_those_that_workers_know(rendered: list[dict[str, Any]]) -> None:
    (settings,) = [each for each in rendered if each["metadata"]["name"] == "starflock-settings"]
    containers = [
        container
        for each in rendered
        if each["kind"] in ("Deployment", "Job")
        for container in each["spec"]["template"]["spec"]["containers"]
    ]
    named = set(settings["data"]) | {env["name"] for each in containers for env in each.get("env", ())}
    ours = {name.removeprefix("STARFLOCK_").lower() for name in named if name.startswith("STARFLOCK_")}
    assert ours - set(Settings.model_fields) == set()
    assert len(ours) > 5
    known = {name: value for name, value in settings["data"].items() if name.startswith("STARFLOCK_")}
    Settings(**{name.removeprefix("STARFLOCK_").lower(): value for name, value in known.items()})


def _api(plane: ControlPlane) -> httpx2.Client:
    trust = ssl.create_default_context(cafile=plane.ca)
    proof = {"Authorization": f"Bearer {plane.token}"}
    return httpx2.Client(base_url=plane.url, verify=trust, headers=proof, timeout=30)


def _applied(api: httpx2.Client, thing: dict[str, Any]) -> dict[str, Any]:
    answer = _apply(api, thing)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


def _apply(api: httpx2.Client, thing: dict[str, Any]) -> httpx2.Response:
    """What `kubectl apply --server-side` sends."""
    version = OLDER.get(thing["apiVersion"], thing["apiVersion"])
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = thing["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    kind = thing["kind"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    return api.patch(
        f"{root}{within}/{plural}/{thing['metadata']['name']}",
        params={"fieldManager": "starflock", "force": "true"},
        content=yaml.safe_dump({**thing, "apiVersion": version}),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
