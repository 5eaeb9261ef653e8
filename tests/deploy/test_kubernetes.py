"""The chart, rendered and installed by a real Helm, judged by a real API server, validation included.

No container runs here. Each object is applied twice, so that what the server keeps is what was declared; one
with a key that does not exist shows that it judges at all. The server is of version 1.20, which has no
policy/v1 yet: the chart falls back to what there is.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from inventory import cluster_secrets, vault_secrets
from inventory.load import load_inventory
from inventory.secrets import SecretError, resolve
from tests.support import helm, openbao
from tests.support.components import used
from tests.support.control_plane import ControlPlane, binaries, control_plane
from workers.settings import Settings

PLURALS = {"NetworkPolicy": "networkpolicies"}
INVENTORY = """system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential: {password: 'k8s:starflock/central-password'}
sites:
- {name: hamburg-017, subcloud: subcloud17, system_controller: central}
"""
VALUES: dict[str, Any] = {
    "image": {"repository": "registry.example.net/starflock"},
    "temporal": {"address": "temporal.example.net:7233"},
    "inventory": INVENTORY,
    "codecServer": {"origins": ["https://temporal-ui.example.net"]},
}

pytestmark = pytest.mark.skipif(helm.helm() is None, reason="no Helm here, which renders the chart")


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    return _rendered(VALUES)


def _rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    done = _helm("template", "starflock", values, "--namespace=starflock", "--kube-version=1.20")
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def _helm(verb: str, release: str, values: dict[str, Any], *options: str) -> Any:
    return helm.run(verb, release, str(helm.CHART), "--values=-", *options, stdin=yaml.safe_dump(values))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    found = binaries()
    if found is None:
        pytest.skip("no Kubernetes control plane here: deploy/kubernetes.sh builds it")
    with control_plane(found, tmp_path_factory.mktemp("plane")) as running:
        yield running


def test_a_real_api_server_takes_all_of_it(plane: ControlPlane, rendered: list[dict[str, Any]]) -> None:
    with _api(plane) as api:
        _applied(api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "starflock"}})
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
    """By `k8s:` references, as the service account and by the Role of the chart."""
    with _api(plane) as api:
        _applied(api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "starflock"}})
        for thing in rendered:
            if thing["kind"] in ("ServiceAccount", "Role", "RoleBinding"):
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


@pytest.mark.skipif(openbao.openbao() is None, reason="no OpenBao here")
def test_a_worker_logs_in_to_vault_with_its_service_account(
    plane: ControlPlane, rendered: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `vault.role` of the chart has it: the server asks the cluster whose token it is shown."""
    with _api(plane) as api:
        _applied(api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "starflock"}})
        account = next(each for each in rendered if each["kind"] == "ServiceAccount")
        tokens = {}
        for name in ("stranger", "starflock"):
            _applied(api, account | {"metadata": account["metadata"] | {"name": name}})
            given = api.post(f"/api/v1/namespaces/starflock/serviceaccounts/{name}/token", json={"spec": {}})
            tokens[name] = given.json()["status"]["token"]
    with openbao.running(tmp_path) as server:
        root = server.root()
        root.secrets.kv.v2.create_or_update_secret("starlingx/central", {"password": "hunter2-hunter2"})
        server.allow("sites", "secret/data/starlingx/*")
        root.sys.enable_auth_method("kubernetes")
        root.auth.kubernetes.configure(plane.url, plane.ca.read_text(), token_reviewer_jwt=plane.token)
        names = {
            "bound_service_account_names": ["starflock"],
            "bound_service_account_namespaces": ["starflock"],
        }
        root.auth.kubernetes.create_role("starflock", **names, policies=["sites"], ttl="1h")
        for name, value in server.settings(KUBERNETES_ROLE="starflock").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(vault_secrets, "SERVICE_ACCOUNT", tmp_path)
        vault_secrets.forget()
        (tmp_path / "token").write_text(tokens["stranger"])
        with pytest.raises(SecretError, match="Vault refuses the login by Kubernetes"):
            resolve("vault:secret/starlingx/central#password", ".")
        vault_secrets.forget()
        (tmp_path / "token").write_text(tokens["starflock"])
        assert resolve("vault:secret/starlingx/central#password", ".") == "hunter2-hunter2"
        vault_secrets.forget()


def test_helm_installs_it_and_another_version_after_it(plane: ControlPlane, tmp_path: Path) -> None:
    """A Job cannot be changed: that of the first revision is gone with the second."""
    there = (f"--kubeconfig={plane.kubeconfig}", "--namespace=night", "--create-namespace")
    first = _helm("install", "region", VALUES, *there)
    assert first.returncode == 0, first.stderr
    assert "rollout status deployment/region-worker" in first.stdout
    changed = VALUES | {"image": {**VALUES["image"], "tag": "0.2.0"}, "settings": {"STARFLOCK_BUILD": "blue"}}
    second = _helm("upgrade", "region", changed, *there[:2])
    assert second.returncode == 0, second.stderr
    with _api(plane) as api:
        jobs = api.get("/apis/batch/v1/namespaces/night/jobs").json()["items"]
        deployments = api.get("/apis/apps/v1/namespaces/night/deployments").json()["items"]
        kept = api.get("/api/v1/namespaces/night/configmaps/region-inventory").json()["data"]
        budgets = api.get("/apis/policy/v1beta1/namespaces/night/poddisruptionbudgets").json()["items"]
    assert [job["metadata"]["name"] for job in jobs] == ["region-setup-2"]
    assert {each["metadata"]["name"] for each in deployments} == {
        *("region-worker", "region-worker-bmc", "region-codec-server")
    }
    images = {
        container["image"]
        for each in deployments
        for container in each["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"registry.example.net/starflock:0.2.0"}
    assert len(budgets) == 2
    declared = tmp_path / "inventory.yaml"
    declared.write_text(kept["inventory.yaml"])
    assert "hamburg-017" in load_inventory(declared)
    wrong = _helm("upgrade", "region", changed | {"inventory": ""}, *there[:2])
    assert wrong.returncode != 0
    used("Helm", helm.run("version", "--short").stdout.strip())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"image": {}}, "/image/repository"),
        ({"image": {"repository": "x", "tagg": "1"}}, "tagg"),
        ({"temporal": {"address": "https://temporal.example.net"}}, "/temporal/address"),
        ({"inventory": ""}, "/inventory"),
        ({"codecServer": {"enabled": True}}, "/codecServer/origins"),
        ({"workers": []}, "/workers"),
        ({"settings": {"PATH": "/bin"}}, "/settings"),
        ({"workers": [{"name": "a", "queues": ["other"]}]}, "/workers/0/queues/0"),
        ({"vault": {"address": "vault.example.net"}}, "/vault/address"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(values: dict[str, Any], named: str) -> None:
    done = _helm("template", "starflock", VALUES | values)
    assert done.returncode != 0
    assert named in done.stderr, done.stderr


def test_the_chart_is_as_helm_wants_it() -> None:
    done = helm.run("lint", "--strict", str(helm.CHART), "--values=-", stdin=yaml.safe_dump(VALUES))
    assert done.returncode == 0, done.stdout
    assert "0 chart(s) failed" in done.stdout


def test_vault_is_named_to_the_workers_with_its_ca() -> None:
    vault = {"address": "https://vault.example.net:8200", "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n"}
    maps = {
        each["metadata"]["name"]: each["data"]
        for each in _rendered(VALUES | {"vault": vault})
        if each["kind"] == "ConfigMap"
    }
    assert maps["starflock-inventory"]["vault-ca.pem"].startswith(vault["ca"].strip())
    named = {key: value for key, value in maps["starflock-settings"].items() if key.startswith("VAULT_")}
    assert named == {
        "VAULT_ADDR": vault["address"],
        "VAULT_KUBERNETES_ROLE": "starflock",
        "VAULT_CACERT": "/etc/starflock/inventory/vault-ca.pem",
    }


def test_a_worker_of_a_region_stands_beside_its_sites() -> None:
    queues = ["starflock-north", "starflock-north-bmc"]
    north = {"name": "north", "queues": queues, "nodeSelector": {"region": "north"}}
    things = _rendered(VALUES | {"workers": [north], "codecServer": {"enabled": False}})
    (worker,) = [each for each in things if each["kind"] == "Deployment"]
    pod = worker["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"region": "north"}
    assert {"name": "STARFLOCK_QUEUES", "value": ",".join(queues)} in pod["containers"][0]["env"]
    assert not [each for each in things if "codec" in each["metadata"]["name"]]


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


def test_network_policies_name_pods_that_there_are(rendered: list[dict[str, Any]]) -> None:
    pods = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in rendered
        if each["kind"] in ("Deployment", "Job")
    ]
    selected = [
        each["spec"]["podSelector"]["matchLabels"] for each in rendered if each["kind"] == "NetworkPolicy"
    ]
    chosen = [sum(wanted.items() <= labels.items() for labels in pods) for wanted in selected]
    assert sorted(chosen) == [1, 3]


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
    version = thing["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = thing["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    kind = thing["kind"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    return api.patch(
        f"{root}{within}/{plural}/{thing['metadata']['name']}",
        params={"fieldManager": "starflock", "force": "true"},
        content=yaml.safe_dump(thing),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
