"""The software API, USM (update 51560ae, 2026-08, and r/stx.12.0).

Business failures are 406 with JSON that is labelled text/html. start, activate and activate_rollback are
accepted at once and end later; `deploy_host` answers when the host's agent has, though the host's state can
be read meanwhile (upstream looks at `async_req` and then waits, up to ten minutes). The two dialects differ
in where the release is named: in the path up to 26.03, in the body after it. What is allowed when is in
`cloud/usm_rules.py`; releases are in `usm_releases.py`.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from simulator.cloud import usm_health, usm_rules
from simulator.cloud.cloud import Cloud
from simulator.cloud.deployment import IllegalError
from simulator.cloud.releases import Dialect, Release
from simulator.cloud.usm import PRECHECK_HOLDS_S
from simulator.cloud.usm_rules import CrashError, RejectedError
from simulator.proof.ledger import Intent
from simulator.services import usm_releases, usm_view
from simulator.services.service import require_token
from simulator.services.usm_reply import crash, done, rejected, rejection, unhealthy
from simulator.wire.http import Refusal, Reply, Request, json_reply, text_reply

_NOT_HEALTHY = "The following issues have been detected, which prevent deploying {}\n{}"
_UNHEALTHY = "The following metapackage release(s) are unhealthy:\n"
_FIX = "\nPlease fix above issues then retry the deploy.\n"


class UsmApi:
    """The software API of every cloud."""

    name = "usm"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        if not request.mutating:
            return None
        parts = request.parts[1:]
        if parts[:1] == ["release"]:
            return usm_releases.intent(request, parts[1:])
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
        return rejection("The software service refuses this request.")

    def failure(self) -> Reply:
        return crash()

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            return json_reply({"name": "USM API", "versions": [{"id": "v1"}]})
        require_token(cloud, request)
        if parts[0] != "v1":
            return text_reply("404 Not Found", 404)
        parts = parts[1:]
        try:
            if request.method == "GET":
                return usm_view.read(cloud, request, parts)
            if parts[:1] == ["release"]:
                return usm_releases.change(cloud, request, parts[1:])
            if request.method == "DELETE" and parts == ["deploy"]:
                return self._delete(cloud)
            if request.method == "POST":
                return self._post(cloud, request, parts)
        except RejectedError as no:
            return rejection(no.error, no.info)
        except IllegalError as no:
            return rejection(str(no))
        except CrashError:
            return crash()
        return text_reply("405 Method Not Allowed", 405)

    def _post(self, cloud: Cloud, request: Request, parts: list[str]) -> Reply:
        if parts == ["deploy_host"]:
            return json_reply({"error": "Host must be specified for install"})
        if parts[:1] == ["deploy_host"]:
            return self._host(cloud, parts[1], "rollback" in parts[2:])
        verb = _verb(parts)
        if verb in ("precheck", "start"):
            body = _body(request)
            name = _release_named(cloud, request, parts)
            return (self._precheck if verb == "precheck" else self._start)(cloud, name, "force" in body)
        if verb == "software_sync":
            return json_reply({"result": None})
        return _ACTIONS[verb](cloud) if verb in _ACTIONS else text_reply("404 Not Found", 404)

    # -- what names a release -------------------------------------------------------------------------

    def _precheck(self, cloud: Cloud, name: str, force: bool) -> Reply:
        after = cloud.dialect is Dialect.NEXT
        if after and name not in cloud.usm.states:
            words = f"Failed to validate release(s) for precheck. Release {name} does not exist."
            return unhealthy(words, additional_data={})
        if after and cloud.usm.deployment is not None:
            words = "Select is blocked when a deployment is in progress\n"
            words = f"Failed to select release(s) before precheck.\n{words}"
            return unhealthy(words, additional_data={})
        release = _known(cloud, name)
        part = release.metapackage
        try:
            usm_rules.check_place(cloud, release, "precheck")
        except RejectedError as no:
            if not after:
                raise
            return unhealthy(
                f"{part}:\n{no.info}\n{_UNHEALTHY}{part}", additional_data={part: {"error": no.info}}
            )
        healthy, text = self._look(cloud, release, force)
        more = usm_view.additional(cloud, release)
        if not after:
            error = "" if healthy else _NOT_HEALTHY.format(name, text)
            more |= {"info": text, "system_healthy": healthy}
            return unhealthy(error, **more) if error else json_reply({"warning": "", "error": ""} | more)
        one = {"info": text, "warning": "", "error": "", "system_healthy": healthy}
        more |= {"from_release": cloud.usm.release.sw_version, "to_release": release.sw_version}
        more["additional_data"] = {part: one}
        if healthy:
            ending = f"The following metapackage release(s) will be deployed:\n{part}"
            return done(f"{part}:\n{text}\n{ending}", **more)
        found = "The following issues have been detected, which prevents deploying the release.\n" + text
        return unhealthy(f"{part}:\n{found}\n{_UNHEALTHY}{part}", **more | {"info": f"{part}:\n{text}\n"})

    def _look(self, cloud: Cloud, release: Release, force: bool) -> tuple[bool, str]:
        healthy, text = usm_health.report(cloud, release, force, cloud.hooks.fails("usm.precheck"))
        cloud.usm.prechecked.pop(release.release_id, None)
        if healthy:
            cloud.usm.prechecked[release.release_id] = cloud.clock.now()
        return healthy, text

    def _start(self, cloud: Cloud, name: str, force: bool) -> Reply:
        usm = cloud.usm
        if cloud.dialect is Dialect.NEXT and usm.deployment is None and name not in usm.states:
            return unhealthy(f"Releases not found: {name}\n")
        release = cloud.catalogue.get(name)
        if usm.deployment is not None:
            usm_rules.check_start(cloud, release or usm.deployment.release)
        release = _known(cloud, name)
        usm_rules.check_start(cloud, release)
        if release is usm.release:
            same = cloud.dialect is Dialect.STX_12
            wrong = "The software version format for this release is not correct.\n"
            return unhealthy(wrong if same else f"Cannot deploy the current running release: {name}\n")
        if usm.states[name] != "available" or usm.order(name) < usm.order(usm.running):
            raise rejected(
                f"Release {name} is {usm.states[name]}: nothing but an available, newer one starts"
            )
        major = release.version != usm.release.version
        fresh = cloud.clock.now() - usm.prechecked.get(name, float("-inf")) < PRECHECK_HOLDS_S
        if not (force and not major) and not fresh:
            healthy, text = self._look(cloud, release, force)
            if not healthy:
                shown = usm_view.additional(cloud, release) | {"info": text, "system_healthy": False}
                return unhealthy(_NOT_HEALTHY.format(name, text) + _FIX, **shown)
        usm.start(name, usm.seconds("start", major), fails=cloud.hooks.fails("usm.start"))
        what = f"['{name}']" if cloud.dialect is Dialect.STX_12 else release.metapackage
        states = "[deploy-start-done | deploy-start-failed]"
        return done(f"{what} is now starting, await for the states: {states} in 'software deploy show'\n")

    # -- the hosts ------------------------------------------------------------------------------------

    def _host(self, cloud: Cloud, name: str, rollback: bool) -> Reply:
        """The answer waits for the agent; what it says then is decided by the host's state."""
        host = usm_rules.check_host(cloud, name, rollback)
        usm, deployment = cloud.usm, cloud.usm.deployment
        assert deployment is not None
        later: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        sent = f"Host deployment request sent to {name}.\n"
        if deployment.major:
            sent = (
                f"Running major release deployment, major_release={deployment.target.version}, force=False, "
                f"async_req=False, commit_id={deployment.target.commit_id}\n"
            )

        def ended() -> None:
            if later.cancelled():
                return
            failed = deployment.hosts[name] in ("failed", "rollback-failed")
            if failed:
                later.set_result(rejection(f"Host deployment failed on {name}.\n"))
            else:
                later.set_result(done(f"{sent}Host deployment was successful on {name}.\n"))

        fails = cloud.hooks.fails(f"usm.{'rollback' if rollback else 'host'}/{name}")
        usm.deploy_host(host, usm.seconds("host", deployment.major), ended, fails=fails)
        reply = done(sent)
        reply.later = later
        return reply

    # -- the whole ------------------------------------------------------------------------------------

    def _delete(self, cloud: Cloud) -> Reply:
        usm_rules.check_delete(cloud)
        if cloud.hooks.fails("usm.delete"):
            raise rejected("Failed to delete deploy")
        cloud.usm.delete()
        return done("Deploy deleted with success")


def _activate(cloud: Cloud) -> Reply:
    usm_rules.check_activate(cloud)
    deployment = cloud.usm.deployment
    assert deployment is not None
    seconds = cloud.usm.seconds("activate", deployment.major)
    cloud.usm.activate(seconds, fails=cloud.hooks.fails("usm.activate"))
    return done("Deploy activate has started")


def _activate_rollback(cloud: Cloud) -> Reply:
    usm_rules.check_activate_rollback(cloud)
    deployment = cloud.usm.deployment
    assert deployment is not None
    seconds = cloud.usm.seconds("activate", deployment.major)
    cloud.usm.activate_rollback(seconds, fails=cloud.hooks.fails("usm.activate_rollback"))
    return done("Deploy activate-rollback has started")


def _complete(cloud: Cloud) -> Reply:
    usm_rules.check_complete(cloud)
    if cloud.hooks.fails("usm.complete"):
        raise CrashError
    cloud.usm.complete()
    return done("Deployment has been completed\n")


def _abort(cloud: Cloud) -> Reply:
    """A host that is being deployed makes it fail half-way: the deployment has turned, the answer is 406."""
    usm_rules.check_abort(cloud)
    if cloud.hooks.fails("usm.abort"):
        raise CrashError
    before = cloud.usm.deployment.state if cloud.usm.deployment else ""
    try:
        cloud.usm.abort()
    except IllegalError as half:
        reply = rejection(str(half))
        reply.applied = cloud.usm.deployment is not None and cloud.usm.deployment.state != before
        return reply
    return done("Deployment has been aborted\n")


_ACTIONS: dict[str, Callable[[Cloud], Reply]] = {
    "activate": _activate,
    "activate_rollback": _activate_rollback,
    "complete": _complete,
    "abort": _abort,
}


def _known(cloud: Cloud, name: str) -> Release:
    if name not in cloud.usm.states:
        raise rejected(
            f"Software release version corresponding to the specified release {name} does not exist. Try "
            "deleting and re-uploading the software for recovery."
        )
    return cloud.catalogue[name]


def _verb(parts: list[str]) -> str:
    """The action on a deployment, wherever the dialect puts the release."""
    if parts[:1] != ["deploy"]:
        return ""
    return parts[-1] if len(parts) in (2, 3) else ""


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body) if request.body.strip() else {}
    except ValueError:
        raise rejected("The request body is not JSON") from None
    return body if isinstance(body, dict) else {}


def _release_named(cloud: Cloud, request: Request, parts: list[str]) -> str:
    if cloud.dialect is Dialect.STX_12:
        if len(parts) != 3:
            raise Refusal(text_reply("404 Not Found", 404))
        return parts[1]
    if len(parts) != 2:
        raise Refusal(text_reply("404 Not Found", 404))
    names = _body(request).get("releases")
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        raise rejected("releases is required")
    return names[0].strip()
