"""The software API, USM (update 51560ae, 2026-08).

Business failures are 406 with JSON that is labelled text/html; a deployment's start, host and activate are
accepted at once and end later. The two dialects differ in where the release is named: in the path up to
26.03, in the body after it. Host order and the lock of reboot-required hosts are enforced on duplex sites
as USM enforces them.
"""

import json
import re
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.releases import Dialect
from simulator.proof.ledger import Intent
from simulator.services import usm_view
from simulator.services.service import require_token
from simulator.wire.http import Refusal, Reply, Request, json_reply, text_reply

_ACTIONS = ("activate", "activate_rollback", "complete", "abort")


def business_error(text: str) -> Refusal:
    body = json.dumps({"info": "", "warning": "", "error": text})
    return Refusal(text_reply(body, 406, "text/html; charset=UTF-8"))


def done(info: str, **more: Any) -> Reply:
    return json_reply({"info": info, "warning": "", "error": ""} | more)


class UsmApi:
    """The software API of every cloud."""

    name = "usm"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        if not request.mutating:
            return None
        parts = request.parts[1:]
        verb = _verb(parts)
        if verb == "start":
            return Intent(
                "usm.start", "usm", _release_named(cloud, request, parts), begins=True, ended_by="usm.delete"
            )
        if verb == "precheck":
            return Intent("usm.precheck", "usm", _release_named(cloud, request, parts), once=False)
        if request.method == "DELETE" and parts == ["deploy"]:
            return Intent("usm.delete", "usm")
        if parts[:1] == ["deploy_host"] and len(parts) >= 2:
            name = "usm.rollback_host" if "rollback" in parts else "usm.deploy_host"
            return Intent(name, "usm", parts[1], key=f"{name}:{parts[1]}")
        if verb in _ACTIONS:
            return Intent(f"usm.{verb}", "usm")
        return Intent(f"usm.{request.method.lower()}", "usm", "/".join(parts), once=False)

    def refusal(self) -> Reply:
        return business_error("The software service refuses this request.").reply

    def failure(self) -> Reply:
        body = {"info": "", "warning": "", "error": "Internal error occurred. Error signature [5ca1ab1e]"}
        return json_reply(body, 500)

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            return json_reply({"name": "USM API", "versions": [{"id": "v1"}]})
        require_token(cloud, request)
        if parts[0] != "v1":
            return text_reply("404 Not Found", 404)
        parts = parts[1:]
        if request.method == "GET":
            return usm_view.read(cloud, request, parts)
        if request.method == "DELETE" and parts == ["deploy"]:
            return self._delete(cloud)
        if request.method == "DELETE" and parts[:1] == ["release"] and len(parts) > 1:
            return self._delete_releases(cloud, parts[1:])
        if request.method == "POST":
            return self._post(cloud, request, parts)
        return text_reply("405 Method Not Allowed", 405)

    def _post(self, cloud: Cloud, request: Request, parts: list[str]) -> Reply:
        if parts[:1] == ["deploy_host"] and len(parts) >= 2:
            if "rollback" in parts:
                raise business_error("Deploy rollback of a single host is not simulated.")
            return self._deploy_host(cloud, parts[1])
        verb = _verb(parts)
        if verb in ("precheck", "start"):
            release = _release_named(cloud, request, parts)
            self._known(cloud, release)
            return self._precheck(cloud, release) if verb == "precheck" else self._start(cloud, release)
        if verb == "activate":
            return self._activate(cloud)
        if verb == "complete":
            return self._complete(cloud)
        if verb == "abort":
            return self._abort(cloud)
        return text_reply("404 Not Found", 404)

    def _known(self, cloud: Cloud, release: str) -> None:
        if release not in cloud.usm.states:
            raise business_error(f"Release {release} not found")

    def _precheck(self, cloud: Cloud, release: str) -> Reply:
        blocking = cloud.alarms.management_affecting(frozenset({"900.201", "200.001"}))
        healthy = not blocking and cloud.usm.states[release] != "unavailable"
        return done(usm_view.health(cloud, blocking), system_healthy=healthy)

    def _start(self, cloud: Cloud, release: str) -> Reply:
        usm = cloud.usm
        if usm.deployment is not None:
            state = usm.deployment.state
            raise business_error(
                f"There is already a deployment in progress ({state}). "
                "Please complete/delete the current deployment."
            )
        if usm.states[release] != "available":
            raise business_error(f"Release {release} is {usm.states[release]}, it must be available")
        missing = [name for name in cloud.catalogue[release].requires if not usm.is_deployed(name)]
        if missing:
            raise business_error(f"{release} requires {', '.join(missing)} to be deployed")
        usm.start(release, cloud.durations.apply * 0.25)
        return done(f"Deployment for {release} started")

    def _deploy_host(self, cloud: Cloud, name: str) -> Reply:
        host = cloud.host(name)
        deployment = cloud.usm.deployment
        if host is None:
            raise business_error(f"Host {name} not found")
        if deployment is None or deployment.state not in ("start-done", "host", "host-failed"):
            state = deployment.state if deployment else "no deployment"
            raise business_error(f"Deploy host is not allowed in state {state}")
        if deployment.hosts[host.name] == "deploying":
            raise business_error(f"Host {host.name} is already deploying")
        if deployment.hosts[host.name] == "deployed":
            raise business_error(f"Host {host.name} is already deployed")
        self._check_order(cloud, host)
        if deployment.reboot_required and not host.locked_online:
            raise business_error(f"Host {host.name} must be locked.")
        cloud.usm.deploy_host(host, cloud.durations.apply * 0.4 / len(cloud.hosts))
        return done(f"Deployment started for {host.name}")

    def _check_order(self, cloud: Cloud, host: Host) -> None:
        """Controllers first; skipped on simplex, and either controller may be first for a patch."""
        deployment = cloud.usm.deployment
        if cloud.simplex or deployment is None or host.personality == "controller":
            return
        waiting = [
            other.name
            for other in cloud.hosts
            if other.personality == "controller" and deployment.hosts[other.name] != "deployed"
        ]
        if waiting:
            raise business_error(
                f"{host.name} does not satisfy the right order of deployment should be {waiting[0]}"
            )

    def _activate(self, cloud: Cloud) -> Reply:
        deployment = cloud.usm.deployment
        if deployment is None or deployment.state not in ("host-done", "activate-failed"):
            raise business_error("Deploy activate is only allowed when all hosts are deployed")
        if any(host.locked or host.moving for host in cloud.hosts):
            raise business_error("Deploy activate: all hosts must be unlocked and enabled")
        cloud.usm.activate(cloud.durations.apply * 0.2)
        return done("Deploy activate has started")

    def _complete(self, cloud: Cloud) -> Reply:
        deployment = cloud.usm.deployment
        if deployment is None or deployment.state != "activate-done":
            raise business_error("Deploy complete is only allowed after activate-done")
        cloud.usm.complete()
        return done("Deployment has been completed")

    def _abort(self, cloud: Cloud) -> Reply:
        deployment = cloud.usm.deployment
        if deployment is None or deployment.state not in ("host", "host-done", "host-failed"):
            raise business_error("Deploy abort is not allowed in this state")
        cloud.usm.abort(cloud.durations.apply * 0.4)
        return done("Deployment has been aborted")

    def _delete(self, cloud: Cloud) -> Reply:
        deployment = cloud.usm.deployment
        allowed = ("start-done", "start-failed", "completed", "host-rollback-done")
        if deployment is None or deployment.state not in allowed:
            state = deployment.state if deployment else "none"
            raise business_error(f"Deploy delete is not allowed in state {state}")
        cloud.usm.delete()
        return done("Deploy deleted with success")

    def _delete_releases(self, cloud: Cloud, names: list[str]) -> Reply:
        errors = []
        for name in names:
            if cloud.usm.states.get(name) not in ("available", "unavailable", "upload-failed"):
                errors.append(f"{name} cannot be deleted")
            else:
                del cloud.usm.states[name]
        if errors:
            return json_reply({"info": "", "warning": "", "error": "; ".join(errors)})
        return done(f"{', '.join(names)} has been deleted")


def _verb(parts: list[str]) -> str:
    """The action on a deployment, wherever the dialect puts the release."""
    if parts[:1] != ["deploy"]:
        return ""
    return parts[-1] if len(parts) in (2, 3) else ""


def _release_named(cloud: Cloud, request: Request, parts: list[str]) -> str:
    if cloud.dialect is Dialect.STX_12:
        if len(parts) != 3:
            raise Refusal(text_reply("404 Not Found", 404))
        return parts[1]
    if len(parts) != 2:
        raise Refusal(text_reply("404 Not Found", 404))
    try:
        body = request.json()
    except ValueError:
        raise business_error("The request body is not JSON") from None
    names = body.get("releases") if isinstance(body, dict) else None
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        raise business_error("releases is required")
    return re.sub(r"\s", "", names[0])
