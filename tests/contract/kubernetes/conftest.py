"""The targets: simulated, built from Debian's source, and where there is one an operator's own or k3s.

`STARFLOCK_TEST_KUBECONFIG=FILE` names a cluster that may be tried: namespaces, a custom resource and extended
resources of one node come and go there. k3s runs where Docker does and can pull its image.
"""

import os
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from activities.kubernetes.client import Account
from activities.kubernetes.kubeconfig import account_of
from tests.support.control_plane import binaries, control_plane
from tests.support.kubelet import HollowKubelet
from tests.support.kubernetes_target import Api, Target
from tests.support.simulator import simulator

RESOURCES = {
    "cpu": "16",
    "memory": "64Gi",
    "pods": "110",
    "hugepages-1Gi": "16Gi",
    "intel.com/pci_sriov_net_physnet0": "8",
}
LABELS = {"feature.node.kubernetes.io/cpu-hardware_multithreading": "true", "zone": "berlin"}
HOLLOW = ("hollow-0", "hollow-1")
MACHINE = "4c4c4544-0051-3610-8053-b7c04f4b4e32"


def _targets() -> list[str]:
    """Those that this machine has."""
    own = ["kubeconfig"] if os.environ.get("STARFLOCK_TEST_KUBECONFIG") else []
    with socket.socket(socket.AF_UNIX) as docker:
        has_docker = docker.connect_ex("/var/run/docker.sock") == 0
    return ["simulator", "built", *own, *(["k3s"] if has_docker else [])]


@pytest_asyncio.fixture(scope="package", loop_scope="session", params=_targets())
async def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp(request.param)
    opened = {"simulator": _simulated, "built": _built, "kubeconfig": _of_operator, "k3s": _k3s}
    async with opened[request.param](folder) as found:
        groups = (await found.api.ask("GET", "/apis"))["groups"]
        policy = next(group for group in groups if group["name"] == "policy")
        found.policy = policy["preferredVersion"]["version"]
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def target(cluster: Target) -> AsyncIterator[Target]:
    yield cluster
    await cluster.clear_up()


@asynccontextmanager
async def _opened(account: Account) -> AsyncIterator[Api]:
    trust = ssl.create_default_context(cadata=account.ca)
    if account.certificate:
        with tempfile.NamedTemporaryFile("w") as both:
            both.write(f"{account.key}\n{account.certificate}")
            both.flush()
            trust.load_cert_chain(both.name)
    api = Api(account.url, account.token, trust)
    await api.open()
    try:
        yield api
    finally:
        await api.close()


@asynccontextmanager
async def _simulated(folder: Path) -> AsyncIterator[Target]:
    options = ("--kubernetes", "--no-bmcs", "--topology", "aio-dx")
    async with simulator(folder, sites=1, options=options) as region:
        access = yaml.safe_load(region.inventory.read_text())["sites"][0]["kubernetes"]
        token = (folder / "sim-kubernetes-token").read_text()
        account = Account(access["endpoint"], ca=(folder / "sim-ca.pem").read_text(), token=token)
        async with _opened(account) as api:
            target = Target("simulator", api, "controller-0", account, False, "controller-1")
            target.silence = partial(_say_nothing, api)
            await _equip(target)
            yield target


@asynccontextmanager
async def _built(folder: Path) -> AsyncIterator[Target]:
    found = binaries()
    if found is None:
        pytest.skip("no Kubernetes is built here; as root on Debian: deploy/kubernetes.sh")
    with control_plane(found, folder) as plane:
        account = Account(plane.url, ca=plane.ca.read_text(), token=plane.token)
        async with _opened(account) as api, AsyncExitStack() as leaving:
            kubelets = [HollowKubelet(api, name, RESOURCES, LABELS, MACHINE) for name in HOLLOW]
            for kubelet in kubelets:
                await kubelet.start()
                leaving.push_async_callback(kubelet.stop)
            target = Target("built", api, HOLLOW[0], account, has_apply=True, other=HOLLOW[1])
            target.silence = lambda name, is_silent: kubelets[HOLLOW.index(name)].hush(is_silent)
            yield target


@asynccontextmanager
async def _of_operator(folder: Path) -> AsyncIterator[Target]:
    path = os.environ["STARFLOCK_TEST_KUBECONFIG"]
    account = account_of(Path(path).read_text(), path, None, 30)
    async with _opened(account) as api:
        yield Target("kubeconfig", api, await _ready_node(api), account, has_apply=True, is_ours=False)


@asynccontextmanager
async def _k3s(folder: Path) -> AsyncIterator[Target]:
    from docker.errors import DockerException
    from testcontainers.k3s import K3SContainer

    try:
        container = K3SContainer().start()
    except DockerException as error:
        pytest.skip(f"Docker cannot run k3s: {error}")
    try:
        account = account_of(container.config_yaml(), "k3s", None, 30)
        async with _opened(account) as api:
            target = Target("k3s", api, await _ready_node(api), account, has_apply=True)
            await _equip(target)
            yield target
    finally:
        container.stop()


async def _say_nothing(api: Api, node: str, is_silent: bool) -> None:
    """The condition that the node lifecycle controller writes, and the kubelet's own."""
    words = ("Unknown", "NodeStatusUnknown") if is_silent else ("True", "KubeletReady")
    ready = {"type": "Ready"} | dict(zip(("status", "reason"), words, strict=True))
    await api.ask("PATCH", f"/api/v1/nodes/{node}/status", {"status": {"conditions": [ready]}})


async def _ready_node(api: Api) -> str:
    for node in (await api.ask("GET", "/api/v1/nodes"))["items"]:
        conditions = node["status"]["conditions"]
        is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        if is_ready and not node["spec"].get("unschedulable"):
            return str(node["metadata"]["name"])
    pytest.fail("this cluster has no node that takes pods")


async def _equip(target: Target) -> None:
    """What a site's node would have."""
    extended = {name: amount for name, amount in RESOURCES.items() if "/" in name}
    for name, amount in extended.items():
        await target.offer(name, int(amount))
    await target.api.ask("PATCH", f"/api/v1/nodes/{target.node}", {"metadata": {"labels": LABELS}})
