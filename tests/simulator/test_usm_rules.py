"""What USM lets be done in which state, in which order hosts go, and its words when it says no."""

import json
from pathlib import Path

import pytest

from simulator.cloud.deployment import NEXT
from simulator.cloud.releases import Dialect

from .usm_table import Usm, said

ALLOWED = {
    "/deploy_host/controller-0": {"start-done", "host", "host-failed"},
    "/deploy_host/controller-0/rollback": {
        "activate-rollback-done",
        "host-rollback",
        "host-rollback-failed",
    },
    "/deploy/activate": {"host-done", "activate-failed"},
    "/deploy/complete": {"activate-done"},
    "/deploy/abort": {"host", "host-done", "host-failed", "activate-done", "activate-failed", "completed"},
    "/deploy/activate_rollback": {"activate-rollback-pending", "activate-rollback-failed"},
    "DELETE": {"start-done", "start-failed", "completed", "host-rollback-done"},
}
WORDS = {
    "/deploy_host/controller-0": "Current deployment ({}) is not ready to deploy host",
    "/deploy_host/controller-0/rollback": "Current deployment ({}) is not ready to rollback host",
    "/deploy/activate": "Activate deployment only when current deployment state is host-done, "
    "activate-failed",
    "/deploy/complete": "Deploy must be in activate-done state to be able to complete.",
    "/deploy/abort": "Deploy must be in the following states to be able to abort: activate, activate-done, "
    "activate-failed, completed, host, host-done, host-failed",
    "/deploy/activate_rollback": "Activate-rollback deployment only when current deployment state is "
    "activate-rollback-pending, activate-rollback-failed",
    "DELETE": "Deploy must be in the following states to be able to delete: host-rollback-done, completed, "
    "start-done, start-failed",
}


@pytest.fixture
def sx(tmp_path: Path) -> Usm:
    return Usm(tmp_path)


@pytest.mark.parametrize("verb", ALLOWED)
async def test_each_verb_is_for_its_states_and_refused_in_all_others(sx: Usm, verb: str) -> None:
    method, path = ("DELETE", "/deploy") if verb == "DELETE" else ("POST", verb)
    for state in NEXT:
        sx.in_state(state)
        sx.lock(*(["controller-0"] if "deploy_host" in path else []))
        status, words = said(sx.ask(method, path, {}))
        if state in ALLOWED[verb]:
            assert status == 200, (state, words)
        elif (verb, state) == ("/deploy/abort", "activate"):
            assert (status, words) == (406, "Can not transform deploy to host-rollback from activate")
        else:
            assert (status, words) == (406, WORDS[verb].format(state)), state


async def test_a_business_failure_is_json_that_is_labelled_html(sx: Usm) -> None:
    reply = sx.ask("POST", "/deploy/complete", {})
    assert (reply.status, reply.content_type) == (406, "text/html; charset=UTF-8")
    assert json.loads(reply.body) == {"info": "", "warning": "", "error": WORDS["/deploy/complete"]}


async def test_a_second_start_names_the_deployment_that_is_there(sx: Usm) -> None:
    sx.in_state("start-done")
    there = "There is already a deployment in progress (start-done). "
    assert said(sx.start(sx.patch)) == (406, there + "Please complete/delete the current deployment.")


async def test_nothing_starts_while_a_host_installs(sx: Usm) -> None:
    sx.in_state("host", controller_0="deploying")
    assert said(sx.start(sx.patch)) == (406, "Rejected: One or more nodes are installing a release.")


async def test_a_host_without_a_deployment_makes_usm_stumble(sx: Usm) -> None:
    status, words = said(sx.ask("POST", "/deploy_host/controller-0"))
    assert status == 500
    assert words.startswith("Internal error occurred. Error signature [")


async def test_no_host_at_all_is_told_by_a_200(sx: Usm) -> None:
    reply = sx.ask("POST", "/deploy_host")
    assert (reply.status, json.loads(reply.body)) == (200, {"error": "Host must be specified for install"})


async def test_a_host_that_is_unknown_or_unlocked_is_refused(sx: Usm) -> None:
    sx.in_state("start-done")
    assert said(sx.ask("POST", "/deploy_host/nobody")) == (406, "Host nobody can not be found")
    assert said(sx.ask("POST", "/deploy_host/controller-0")) == (406, "Host controller-0 must be locked.")
    sx.in_state("start-done", sx.patch)
    assert sx.ask("POST", "/deploy_host/controller-0").status == 200


async def test_a_silent_agent_is_noticed_before_anything_begins(sx: Usm) -> None:
    deployment = sx.in_state("start-done", sx.patch)
    sx.cloud.active.availability = "offline"
    status, words = said(sx.ask("POST", "/deploy_host/controller-0"))
    assert (status, words[:20]) == (406, "Agent is unreachable")
    assert (deployment.state, deployment.hosts["controller-0"]) == ("start-done", "pending")


@pytest.mark.parametrize("verb", ["/deploy/activate", "DELETE"])
async def test_hosts_are_up_before_activate_and_delete(sx: Usm, verb: str) -> None:
    sx.in_state("completed" if verb == "DELETE" else "host-done")
    sx.lock("controller-0")
    reply = sx.ask("DELETE", "/deploy") if verb == "DELETE" else sx.ask("POST", verb, {})
    assert said(reply) == (406, "Hosts must be unlocked and online.")


async def test_what_has_only_started_is_deleted_with_a_host_locked(sx: Usm) -> None:
    sx.in_state("start-done")
    sx.lock("controller-0")
    assert said(sx.ask("DELETE", "/deploy")) == (200, "Deploy deleted with success")
    assert sx.cloud.usm.states[sx.reboot_patch] == "available"


# -- order ------------------------------------------------------------------------------------------


def _go(usm: Usm, names: list[str], back: bool) -> list[str]:
    """Each host in turn, locked for it; the refusals."""
    deployment = usm.cloud.usm.deployment
    assert deployment is not None
    refused = []
    for name in names:
        usm.lock(name)
        status, words = said(usm.ask("POST", f"/deploy_host/{name}{'/rollback' if back else ''}"))
        if status == 200:
            deployment.end_host(name)
        else:
            refused.append(words)
    return refused


async def test_a_major_release_goes_standby_first_then_storage_then_workers(tmp_path: Path) -> None:
    usm = Usm(tmp_path, "standard-storage")
    for host in usm.cloud.machines:
        if host not in usm.cloud.hosts:
            usm.cloud.hosts.append(host)
    usm.lock()
    usm.in_state("start-done", usm.major)
    no = "{} does not satisfy the right order of deployment should be {}".format
    order = ["controller-1", "controller-0", "storage-0", "storage-1", "worker-1", "worker-0"]
    assert _go(usm, ["controller-0", "storage-0", "worker-0"], False) == [
        no(name, "controller-1") for name in ("controller-0", "storage-0", "worker-0")
    ]
    assert _go(usm, order[:2], False) == []
    assert _go(usm, ["storage-1", "worker-0"], False) == [
        no("storage-1", "storage-0"),
        no("worker-0", "storage-0"),
    ]
    assert _go(usm, order[2:], False) == []
    assert usm.cloud.usm.deployment is not None
    assert usm.cloud.usm.deployment.state == "host-done"
    assert said(usm.ask("POST", "/deploy/abort", {}))[0] == 200
    backward = ["worker-0", "worker-1", "storage-1", "storage-0", "controller-0", "controller-1"]
    assert _go(usm, ["controller-1", "storage-0"], True) == [
        no("controller-1", "worker-1"),
        no("storage-0", "worker-1"),
    ]
    assert _go(usm, backward, True) == []
    assert usm.cloud.usm.deployment.state == "host-rollback-done"


@pytest.mark.parametrize("first", ["controller-0", "controller-1"])
async def test_either_controller_may_be_first_with_a_patch(tmp_path: Path, first: str) -> None:
    usm = Usm(tmp_path, "aio-dx")
    usm.in_state("start-done", usm.patch)
    other = "controller-1" if first == "controller-0" else "controller-0"
    assert _go(usm, [first, other], False) == []


@pytest.mark.parametrize(("dialect", "first"), [(Dialect.STX_12, "controller-1"), (Dialect.NEXT, "worker-1")])
async def test_a_patch_is_taken_back_in_reverse_only_after_26_03(
    tmp_path: Path, dialect: Dialect, first: str
) -> None:
    usm = Usm(tmp_path, "standard-storage", dialect)
    usm.cloud.hosts[:] = usm.cloud.machines
    usm.in_state("host-rollback", usm.patch)
    usm.lock()
    _, words = said(usm.ask("POST", "/deploy_host/storage-0/rollback"))
    assert words == f"storage-0 does not satisfy the right order of deployment should be {first}"


async def test_hosts_that_were_never_reached_need_no_way_back(tmp_path: Path) -> None:
    usm = Usm(tmp_path, "aio-dx")
    deployment = usm.in_state("host", usm.major, controller_1="deployed", controller_0="pending")
    usm.ask("POST", "/deploy/abort", {})
    assert deployment.hosts == {"controller-0": "rollback-deployed", "controller-1": "rollback-pending"}
    assert _go(usm, ["controller-1"], True) == []
    assert deployment.state == "host-rollback-done"


# -- abort ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "to"),
    [
        ("host-done", "host-rollback"),
        ("activate-done", "activate-rollback-pending"),
        ("activate-failed", "activate-rollback-pending"),
        ("completed", "activate-rollback-pending"),
    ],
)
async def test_an_abort_turns_from_and_to_around(sx: Usm, state: str, to: str) -> None:
    sx.in_state(state)
    assert said(sx.ask("POST", "/deploy/abort", {})) == (200, "Deployment has been aborted\n")
    (row,) = json.loads(sx.ask("GET", "/deploy").body)
    assert (row["state"], row["from_release"], row["to_release"]) == (to, "26.03.2", "26.03.0")


async def test_an_abort_while_a_host_installs_stops_half_way(sx: Usm) -> None:
    deployment = sx.in_state("host", controller_0="deploying")
    reply = sx.ask("POST", "/deploy/abort", {})
    assert said(reply) == (406, "controller-0 can not transform from deploying to rollback-pending.")
    assert (deployment.state, reply.applied) == ("host-rollback", True)


@pytest.mark.parametrize(("dialect", "status"), [(Dialect.NEXT, 406), (Dialect.STX_12, 200)])
async def test_no_way_back_over_a_kubernetes_upgrade(tmp_path: Path, dialect: Dialect, status: int) -> None:
    usm = Usm(tmp_path, dialect=dialect)
    usm.in_state("host-done", usm.patch)
    usm.cloud.kubernetes.start("v1.33.0")
    usm.cloud.kubernetes.complete()
    got, words = said(usm.ask("POST", "/deploy/abort", {}))
    assert got == status
    assert (status == 200) or words.startswith(
        "Cannot rollback: Kubernetes was upgraded from v1.32.2 to v1.33.0"
    )


# -- major releases ---------------------------------------------------------------------------------


async def test_a_major_release_starts_and_ends_on_controller_0(tmp_path: Path) -> None:
    usm = Usm(tmp_path, "aio-dx")
    first, second = usm.cloud.hosts
    first.active, second.active = False, True
    reply = usm.start(usm.major)
    body = json.loads(reply.body)
    assert (reply.status, body["error"]) == (406, "")
    assert body["info"] == "Deploy start for major releases needs to be executed in controller-0 host."
    reply = usm.ask("POST", f"/deploy/{usm.major}/precheck", {})
    words = "Deploy precheck for major releases needs to be executed in controller-0 host."
    assert (reply.status, json.loads(reply.body)["info"]) == (406, words)
    usm.cloud.dialect = Dialect.NEXT
    reply = usm.ask("POST", "/deploy/precheck", {"releases": [usm.major]})
    assert (reply.status, words in json.loads(reply.body)["error"]) == (406, True)
    usm.cloud.dialect = Dialect.STX_12
    usm.in_state("completed", usm.major)
    body = json.loads(usm.ask("DELETE", "/deploy").body)
    assert (body["error"], body["info"]) == ("", "Deploy delete can only be performed on controller-0.")
    usm.in_state("completed", usm.patch)
    assert usm.ask("DELETE", "/deploy").status == 200


async def test_a_deployed_major_release_makes_the_older_ones_unavailable(sx: Usm) -> None:
    sx.in_state("completed", sx.major)
    assert sx.cloud.usm.states[sx.major] == "deploying"
    sx.ask("DELETE", "/deploy")
    assert sx.cloud.usm.states == {
        **dict.fromkeys(sorted(sx.cloud.catalogue)[:3], "unavailable"),
        sx.major: "deployed",
    }
    assert sx.cloud.alarms.standing("900.024")


async def test_kubernetes_has_to_fit_a_major_release(sx: Usm) -> None:
    assert sx.ask("POST", f"/deploy/{sx.major}/precheck", {}).status == 200
    for version in sx.cloud.kubernetes.versions:
        if version.state == "active":
            version.version = "v1.31.5"
    reply = sx.ask("POST", f"/deploy/{sx.major}/precheck", {})
    body = json.loads(reply.body)
    assert (reply.status, body["system_healthy"], body["major_release"]) == (406, False, True)
    assert "Active kubernetes version [v1.31.5] is a valid supported version: [Fail]" in body["error"]
    assert said(sx.start(sx.major))[1].endswith("Please fix above issues then retry the deploy.\n")
    assert sx.cloud.usm.deployment is None


# -- health -----------------------------------------------------------------------------------------


async def test_a_minor_alarm_is_stepped_over_by_force_alone(sx: Usm) -> None:
    sx.cloud.alarms.raise_("100.114", "host=controller-0")
    assert json.loads(sx.ask("POST", f"/deploy/{sx.patch}/precheck", {}).body)["system_healthy"] is False
    forced = sx.ask("POST", f"/deploy/{sx.patch}/precheck", {"force": "true"})
    assert json.loads(forced.body)["system_healthy"] is True


async def test_a_patch_is_forced_onto_a_sick_system_a_major_release_is_not(sx: Usm) -> None:
    sx.cloud.stand_alarm()
    assert said(sx.start(sx.patch))[0] == 406
    assert said(sx.start(sx.major, force=True))[0] == 406
    assert said(sx.start(sx.patch, force=True))[0] == 200


async def test_a_good_precheck_holds_for_five_minutes(sx: Usm) -> None:
    sx.ask("POST", f"/deploy/{sx.patch}/precheck", {})
    sx.cloud.stand_alarm()
    assert said(sx.start(sx.patch))[0] == 200


async def test_the_next_dialect_tells_health_by_part(tmp_path: Path) -> None:
    usm = Usm(tmp_path, dialect=Dialect.NEXT)
    body = json.loads(usm.ask("POST", "/deploy/precheck", {"releases": [usm.patch]}).body)
    assert body["additional_data"]["platform_26.09.1"]["system_healthy"] is True
    assert (body["from_release"], body["to_release"], body["error"]) == ("26.09.0", "26.09.1", "")
    unknown = "Failed to validate release(s) for precheck. Release nosuch does not exist."
    assert said(usm.ask("POST", "/deploy/precheck", {"releases": ["nosuch"]})) == (406, unknown)
    assert said(usm.start("nosuch")) == (406, "Releases not found: nosuch\n")
    usm.in_state("start-done")
    words = said(usm.ask("POST", "/deploy/precheck", {"releases": [usm.patch]}))[1]
    assert words.endswith("Select is blocked when a deployment is in progress\n")
