"""The API server: paths, verbs, bearer token, discovery, `/version`, `/readyz` (kubernetes 1.20 to 1.36).

`/status` writes the status and nothing else, and a plain write anything but it. Patches are merge patches; a
strategic merge is taken for one, and server-side apply is answered 415: who needs either asks a real server.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.ceph.execution import execute
from simulator.ceph.program import Clusters
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.kubernetes import amounts, budgets, kinds, libvirt, volumes, watching
from simulator.kubernetes.asking import by_fields, by_labels, merged, page
from simulator.kubernetes.cluster import Cluster
from simulator.kubernetes.controllers import OWNERS, controller_of
from simulator.kubernetes.kinds import BUDGET, CLAIM, NAMESPACE, POD, Resource
from simulator.kubernetes.store import moment
from simulator.kubernetes.words import check_preconditions, refuse, status, success
from simulator.openstack.stack import Stack
from simulator.proof.ledger import Intent
from simulator.wire.http import Json, Refusal, Reply, Request, json_reply, text_reply

_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_VERB = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str
    part: str


def target_of(parts: list[str]) -> Target | None:
    if parts[:1] == ["api"] and len(parts) >= 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if not rest or len(rest) > 3:
        return None
    plural, name, part = [*rest, "", ""][:3]
    return Target(group, version, namespace, plural, name, part)


class Kubernetes:
    """The API servers of all sites."""

    name = "kubernetes"

    def __init__(
        self,
        token: str,
        machine_of: Callable[[Cloud, Host], str],
        ceph: Clusters,
        stack_of: Callable[[Cloud], Stack],
    ) -> None:
        self.token = token
        self.ceph = ceph
        self.stack_of = stack_of
        self._machine_of = machine_of
        self._clusters: dict[str, Cluster] = {}

    def cluster(self, cloud: Cloud) -> Cluster:
        found = self._clusters.get(cloud.name)
        if found is None:
            found = self._clusters[cloud.name] = Cluster(cloud, lambda host: self._machine_of(cloud, host))
        return found

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        target = target_of(request.parts)
        if target is not None and target.part == "exec":
            return self.ceph.intent(request.command)
        if not request.mutating or target is None:
            return None
        name = target.name or _name_in(request)
        if target.plural == "nodes" and request.method == "PATCH" and not target.part:
            cordon = _cordon_in(request, target.name)
            if cordon is not None:
                return cordon
        verb = "evict" if target.part == "eviction" else _VERB.get(request.method, request.method.lower())
        if target.part and target.part != "eviction":
            verb = f"{verb}.{target.part}"
        return Intent(
            f"kubernetes.{target.plural}.{verb}",
            f"kubernetes/{target.plural}/{target.namespace}/{name}",
            target=f"{target.namespace}/{name}".strip("/"),
            begins=verb == "create",
            # What has no name in the request makes a thing of its own each time.
            once=verb in ("create", "delete", "evict") and bool(name),
        )

    def refusal(self) -> Reply:
        return json_reply(status(403, "pods is forbidden: simulated refusal"), 403)

    def failure(self) -> Reply:
        return json_reply(status(500, "etcdserver: request timed out"), 500)

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        if request.parts in (["readyz"], ["livez"], ["healthz"]):
            return text_reply("ok")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise refuse(401, "Unauthorized")
        cluster = self.cluster(cloud)
        cluster.refresh()
        if request.parts == ["version"]:
            major, minor = cluster.version.lstrip("v").split(".")[:2]
            return json_reply({"major": major, "minor": minor, "gitVersion": cluster.version})
        found = self._discovery(cluster, request.parts)
        if found is not None:
            return json_reply(found)
        target = target_of(request.parts)
        if target is None:
            raise refuse(404, "the server could not find the requested resource")
        of = cluster.resource(target.group, target.version, target.plural)
        if of is None:
            raise refuse(404, "the server could not find the requested resource")
        if target.part == "exec" and of is POD and request.command:
            if target.namespace == libvirt.NAMESPACE:
                return libvirt.execute(self.stack_of(cloud), cluster, target.name, request)
            return execute(self.ceph, cloud, cluster, target.name, request)
        return self._serve(cluster, of, target, request)

    def _discovery(self, cluster: Cluster, parts: list[str]) -> Json | None:
        if parts == ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        if parts == ["apis"]:
            return kinds.groups(cluster.known)
        if parts[:1] == ["apis"] and len(parts) == 2:
            return kinds.group(cluster.known, parts[1])
        if parts[:1] in (["api"], ["apis"]) and len(parts) == (2 if parts[0] == "api" else 3):
            version = "/".join(parts[1:])
            known = [one for one in cluster.known if one.api_version == version]
            if known:
                return kinds.listed(version, known)
        return None

    def _serve(self, cluster: Cluster, of: Resource, at: Target, request: Request) -> Reply:
        method = request.method
        if at.part == "eviction" and of is POD and method == "POST":
            asked = _body(request) if request.body.strip() else {}
            budgets.evict(cluster, at.namespace, at.name, asked.get("deleteOptions") or {})
            return json_reply(status(201, "") | {"status": "Success", "reason": ""}, 201)
        if at.part and not (at.part == "status" and of.status and method != "DELETE"):
            raise refuse(404, "the server could not find the requested resource")
        if method == "GET" and not at.name:
            return self._list(cluster, of, at, request)
        if method == "GET":
            return json_reply(cluster.store.get(of, at.namespace, at.name))
        if method == "POST" and not at.name:
            return json_reply(_create(cluster, of, at, _body(request)), 201)
        if method == "PUT" and at.name:
            body = _body(request)
            body.setdefault("metadata", {}).setdefault("name", at.name)
            return json_reply(_replace(cluster, of, at, body))
        if method == "PATCH" and at.name:
            return json_reply(_patch(cluster, of, at, request))
        if method == "DELETE" and at.name:
            return _delete(cluster, of, at, request)
        raise refuse(405, "the server does not allow this method on the requested resource")

    def _list(self, cluster: Cluster, of: Resource, at: Target, request: Request) -> Reply:
        query = request.query
        tests = []
        if query.get("labelSelector"):
            tests.append(by_labels(query["labelSelector"]))
        if query.get("fieldSelector"):
            tests.append(by_fields(of, query["fieldSelector"]))
        if query.get("watch") in ("true", "1"):
            return watching.watch(cluster, of, at.namespace, tests, query)
        items = [one for one in cluster.store.all(of, at.namespace) if all(test(one) for test in tests)]
        shown, meta = page(items, query, cluster.store.version)
        kind = {"kind": f"{of.kind}List", "apiVersion": of.api_version}
        return json_reply(kind | {"metadata": meta, "items": shown})


def _create(cluster: Cluster, of: Resource, at: Target, body: Json) -> Json:
    meta = body.setdefault("metadata", {})
    if of.namespaced and cluster.store.find(NAMESPACE, "", at.namespace) is None:
        raise refuse(404, f'namespaces "{at.namespace}" not found', name=at.namespace, kind="namespaces")
    if not meta.get("name") and not meta.get("generateName"):
        raise refuse(422, f'{of.kind} "" is invalid: metadata.name: Required value: name is required')
    if of.status and of is not kinds.NODE:
        body.pop("status", None)
    if of is POD:
        amounts.check(body)
        body["status"] = {"phase": "Pending", "qosClass": amounts.quality(body)}
    elif of in OWNERS:
        body["status"] = {}
    elif of is CLAIM:
        body = volumes.with_defaults(cluster, body)
    return cluster.store.create(of, at.namespace, body)


def _replace(cluster: Cluster, of: Resource, at: Target, body: Json) -> Json:
    if body["metadata"]["name"] != at.name:
        raise refuse(400, "the name of the object does not match the name on the URL")
    body["metadata"]["namespace"] = at.namespace
    return _finished(cluster, of, at, cluster.store.put(of, body, part=at.part))


def _patch(cluster: Cluster, of: Resource, at: Target, request: Request) -> Json:
    kind = request.headers.get("Content-Type", "").split(";")[0]
    if kind not in _PATCHES:
        raise refuse(
            415, f"the body of the request was in an unknown format - accepted: {', '.join(_PATCHES)}"
        )
    patch = _body(request)
    body: Json = merged(cluster.store.get(of, at.namespace, at.name), patch)
    if "resourceVersion" not in (patch.get("metadata") or {}):
        body["metadata"].pop("resourceVersion", None)
    return _finished(cluster, of, at, cluster.store.put(of, body, part=at.part))


def _finished(cluster: Cluster, of: Resource, at: Target, made: Json) -> Json:
    """An object that is being deleted goes with its last finalizer."""
    meta = made["metadata"]
    is_over = of is not CLAIM and (of is not POD or meta.get("deletionGracePeriodSeconds") == 0)
    if "deletionTimestamp" in meta and not meta.get("finalizers") and is_over:
        cluster.store.drop(of, at.namespace, at.name)
    return made


def _delete(cluster: Cluster, of: Resource, at: Target, request: Request) -> Reply:
    found = cluster.store.get(of, at.namespace, at.name)
    options = _body(request) if request.body.strip() else {}
    meta = found["metadata"]
    check_preconditions(of, found, options)
    if of is POD:
        if not controller_of(found):
            cluster.presence.ended(at.namespace, at.name)
        grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        return json_reply(cluster.pods.delete(found, None if grace is None else int(grace)))
    if of is CLAIM:
        return json_reply(volumes.delete(cluster, found))
    if meta.get("finalizers"):

        def leaving(one: Json) -> None:
            one["metadata"].setdefault("deletionTimestamp", moment())

        return json_reply(cluster.store.act(of, at.namespace, at.name, leaving))
    cluster.store.drop(of, at.namespace, at.name)
    if of is BUDGET:
        budgets.soon(cluster)
    return success(name=at.name, kind=of.plural, uid=meta["uid"])


def _body(request: Request) -> Json:
    try:
        found = request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refuse(400, "the object provided is unrecognized: couldn't get version/kind; json parse error")
    return found


def _cordon_in(request: Request, node: str) -> Intent | None:
    """What a patch of a node means for its being schedulable."""
    try:
        spec = _body(request).get("spec") or {}
    except Refusal:
        return None
    if "unschedulable" not in spec:
        return None
    verbs = ("cordon", "uncordon") if spec["unschedulable"] else ("uncordon", "cordon")
    does, undoes = (f"kubernetes.nodes.{verb}" for verb in verbs)
    return Intent(does, f"kubernetes/nodes//{node}", target=node, undoes=(undoes,))


def _name_in(request: Request) -> str:
    try:
        found = _body(request)
    except Refusal:
        return ""
    return str((found.get("metadata") or {}).get("name") or "")
