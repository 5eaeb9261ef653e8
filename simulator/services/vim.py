"""The VIM orchestration API (nfv 1fa7c30, 2026-08).

A missing or stale token is 403, not 401. No strategy reads as 200 `{"strategy": null}`. A create answers 200,
an action 202, a delete 200 without a JSON body. An apply that the engine rejects is a plain 500, because the
API knows no code for it. Only `sw-upgrade` is simulated; the other strategy types read as empty.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.releases import Dialect
from simulator.cloud.strategy import Wanted
from simulator.cloud.vim import ALREADY
from simulator.proof.ledger import Intent
from simulator.services.service import token_is_good
from simulator.wire.http import Refusal, Reply, Request, json_reply, text_reply

NAMES = ("sw-upgrade", "kube-upgrade", "kube-rootca-update", "fw-update", "system-config-update")
_APPLY_TYPES = ("serial", "parallel", "ignore")
_BASE = ["api", "orchestration"]


def fault(status: int, text: str) -> Reply:
    code = "Server" if status >= 500 else "Client"
    return json_reply({"faultcode": code, "faultstring": text, "debuginfo": None}, status)


class VimApi:
    """The orchestration API of every cloud."""

    name = "vim"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        parts = request.parts
        if parts[:2] != _BASE or len(parts) < 4 or parts[3] != "strategy" or not request.mutating:
            return None
        name = parts[2]
        if request.method == "POST" and len(parts) == 4:
            return Intent("vim.create", "vim", name, begins=True, ended_by="vim.delete")
        if request.method == "DELETE" and len(parts) == 4:
            return Intent("vim.delete", "vim", name)
        if request.method == "POST" and parts[4:] == ["actions"]:
            body = _object(request)
            action, stage = str(body.get("action", "")), body.get("stage-id")
            if action.startswith("abort"):
                return Intent("vim.abort", "vim", name)
            key = "vim.apply" if action == "apply-all" else f"vim.apply:{stage}"
            return Intent("vim.apply", "vim", name, key=key)
        return None

    def refusal(self) -> Reply:
        return fault(400, "The VIM refuses this request.")

    def failure(self) -> Reply:
        return fault(500, "Internal Server Error")

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            return json_reply(
                {
                    "name": "nfv-vim",
                    "description": "NFV - Virtual Infrastructure Manager",
                    "links": [{"rel": "api", "href": f"{request.base}/api/"}],
                }
            )
        if not token_is_good(cloud, request.token):
            body = "403 Forbidden\n\nAccess was denied to this resource.\n\n   "
            raise Refusal(text_reply(body, 403, "text/plain; charset=UTF-8"))
        if parts[:2] != _BASE or len(parts) < 3:
            return json_reply({"id": "orchestration" if parts == _BASE else "api", "links": []})
        name, rest = parts[2], parts[3:]
        if name == "current-strategy":
            return self._current(cloud) if rest == ["strategy"] else fault(404, "Not Found")
        if name not in NAMES or rest[:1] != ["strategy"]:
            return fault(404, "Not Found")
        return self._strategy(cloud, request, name, rest[1:])

    def _current(self, cloud: Cloud) -> Reply:
        strategy = cloud.vim.strategy
        named = {"name": strategy.name, "state": strategy.state} if strategy else None
        return json_reply({"strategy": named})

    def _strategy(self, cloud: Cloud, request: Request, name: str, rest: list[str]) -> Reply:
        strategy = cloud.vim.strategy
        ours = strategy if strategy is not None and strategy.name == name else None
        if request.method == "GET":
            if rest and (ours is None or rest[0] != ours.uuid):
                return fault(404, "Not Found")
            return json_reply({"strategy": ours.view(cloud.dialect) if ours else None})
        if request.method == "POST" and not rest:
            return self._create(cloud, request, name)
        if ours is None:
            return fault(404, "Not Found")
        if request.method == "DELETE":
            body = _object(request)
            if cloud.vim.delete(force=body.get("force") is True):
                return fault(409, "Conflict")
            return Reply(status=200, content_type=None)
        if request.method == "POST" and rest == ["actions"]:
            return self._act(cloud, _object(request))
        return fault(405, "Method Not Allowed")

    def _create(self, cloud: Cloud, request: Request, name: str) -> Reply:
        wanted = parse(_object(request), cloud.dialect)
        if cloud.vim.strategy is not None:
            return fault(409, ALREADY.format(cloud.vim.strategy.name))
        if name != "sw-upgrade":
            return fault(400, f"The simulated VIM builds no strategy of type {name}.")
        problem = contradiction(wanted)
        if problem:
            return fault(400, problem)
        strategy = cloud.vim.create(wanted)
        return json_reply({"strategy": strategy.view(cloud.dialect)})

    def _act(self, cloud: Cloud, body: dict[str, Any]) -> Reply:
        action, stage = body.get("action"), body.get("stage-id")
        if action in ("apply-stage", "abort-stage") and "stage-id" not in body:
            return fault(400, "No stage-id received")
        if stage is not None and (isinstance(stage, bool) or not isinstance(stage, int)):
            return fault(400, f"Invalid input for field/attribute stage-id. Value: '{stage}'.")
        if action in ("apply-all", "apply-stage"):
            if cloud.vim.apply(stage):
                return fault(500, "Internal Server Error")
        elif action in ("abort", "abort-stage"):
            rejected = cloud.vim.abort(stage)
            if rejected:
                return fault(400, rejected)
        else:
            return fault(400, f"Invalid input for field/attribute action. Value: '{action}'.")
        strategy = cloud.vim.strategy
        return json_reply({"strategy": strategy.view(cloud.dialect) if strategy else None}, 202)


def _object(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        raise Refusal(fault(400, "Request is not in valid JSON format")) from None
    return body if isinstance(body, dict) else {}


def _invalid(name: str, value: Any, why: str = "") -> Refusal:
    return Refusal(fault(400, f"Invalid input for field/attribute {name}. Value: '{value}'. {why}".rstrip()))


def parse(body: dict[str, Any], dialect: Dialect) -> Wanted:
    """The create body, checked as wsme checks it.

    Raises:
        Refusal: a mandatory field is missing or a value has the wrong type.
    """
    for name in ("controller-apply-type", "storage-apply-type", "worker-apply-type"):
        if name not in body:
            raise _invalid(name, None, "Mandatory field missing.")
        if body[name] not in _APPLY_TYPES:
            raise _invalid(name, body[name], f"Value should be one of: {', '.join(_APPLY_TYPES)}")
    if body.get("default-instance-action") not in ("migrate", "stop-start"):
        raise _invalid("default-instance-action", body.get("default-instance-action"))
    restrictions = body.get("alarm-restrictions", "strict")
    if restrictions not in ("strict", "relaxed", "permissive"):
        raise _invalid("alarm-restrictions", restrictions)
    hosts = body.get("max-parallel-worker-hosts", 2)
    if isinstance(hosts, bool) or not isinstance(hosts, int):
        raise _invalid("max-parallel-worker-hosts", hosts)
    if not 2 <= hosts <= 10:
        raise Refusal(fault(400, "Invalid value for max-parallel-worker-hosts"))
    flags = {}
    for name in ("rollback", "delete", "snapshot", "cleanup", "pre-upgrade-deploy"):
        value = body.get(name)
        if value is not None and not isinstance(value, bool):
            raise _invalid(name, value)
        flags[name.replace("-", "_")] = value is True
    return Wanted(
        releases=_releases(body.get("release"), dialect),
        controller_apply_type=body["controller-apply-type"],
        storage_apply_type=body["storage-apply-type"],
        worker_apply_type=body["worker-apply-type"],
        max_parallel_worker_hosts=hosts,
        default_instance_action=body["default-instance-action"],
        alarm_restrictions=restrictions,
        **flags,
    )


def _releases(value: Any, dialect: Dialect) -> tuple[str, ...]:
    if value is None:
        return ()
    if dialect is Dialect.STX_12:
        if not isinstance(value, str):
            raise _invalid("release", value, "Wrong type. Expected 'str'")
        return (value,) if value else ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid("release", value, "Wrong type. Expected a list of 'str'")
    return tuple(value)


def contradiction(wanted: Wanted) -> str:
    """What nfv reports at build, asked up front: options that exclude each other."""
    if wanted.releases and wanted.rollback:
        return "Cannot set both release and rollback"
    if wanted.rollback and wanted.delete:
        return "Cannot set both delete and rollback, delete is set by default"
    if wanted.cleanup and (wanted.releases or wanted.rollback or wanted.delete or wanted.snapshot):
        return "Cannot set release, rollback, snapshot, delete or kube-upgrade when cleanup is set"
    return ""
