"""/sw-update-strategy: the one strategy of the whole system controller (distcloud 8ae01823, 2026-08).

Every rejection of the manager is 422 and says "Unable to ... strategy of type", with type None when the
query names none. An unknown action answers 200 `null`.
"""

from typing import Any

from simulator.cloud import clock
from simulator.dcmanager import orchestrator
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.selection import create
from simulator.dcmanager.state import Database, FleetStrategy, StrategyStep
from simulator.wire.http import Json, Reply, Request, json_reply


def handle(db: Database, request: Request, rest: list[str]) -> Reply:
    if request.method == "GET":
        return _read(db, request, rest)
    if request.method == "POST" and rest == ["actions"]:
        return _act(db, request)
    if request.method == "POST" and not rest:
        strategy = create(db, body_of(request))
        db.strategy = strategy
        return json_reply(view(strategy, replied=True))
    if request.method == "DELETE" and not rest:
        return _delete(db, request)
    return json_reply(None)


def action_of(request: Request) -> str:
    try:
        body = request.json()
    except ValueError:
        return "unknown"
    action = body.get("action") if isinstance(body, dict) else None
    return action if action in ("apply", "abort") else "unknown"


def body_of(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        raise crash() from None
    if not body:
        raise DcError(400, "Body required")
    if not isinstance(body, dict):
        raise crash()
    return body


def view(row: FleetStrategy, replied: bool = False) -> Json:
    """The strategy; replies that came over RPC write times with a T."""
    created = row.created_at if replied else row.created_at.replace("T", " ")
    updated = row.updated_at if replied or row.updated_at is None else row.updated_at.replace("T", " ")
    return {
        "id": row.id,
        "type": row.type,
        "subcloud-apply-type": row.apply_type,
        "max-parallel-subclouds": row.max_parallel,
        "stop-on-failure": row.stop_on_failure,
        "state": row.state,
        "created-at": created,
        "updated-at": updated,
        "extra-args": row.extra_args,
    }


def step_view(step: StrategyStep) -> Json:
    return {
        "id": step.id,
        "cloud": step.subcloud.name,
        "stage": step.stage,
        "state": step.state,
        "details": step.details,
        "started-at": step.started_at,
        "finished-at": step.finished_at,
        "created-at": step.created_at,
        "updated-at": step.updated_at,
    }


def _read(db: Database, request: Request, rest: list[str]) -> Reply:
    strategy = db.strategy
    steps = strategy.steps if strategy else []
    if rest == ["steps"]:
        return json_reply({"strategy-steps": [step_view(step) for step in steps]})
    if rest[:1] == ["steps"] and len(rest) == 2:
        found = next((step for step in steps if step.subcloud.name == rest[1]), None)
        if found is None:
            raise DcError(404, "Strategy step not found")
        return json_reply(step_view(found))
    wanted = request.query.get("type")
    if strategy is None or wanted not in (None, "", strategy.type):
        raise DcError(404, "Strategy not found")
    return json_reply(view(strategy))


def _existing(db: Database, verb: str, kind: str | None) -> FleetStrategy:
    if db.strategy is None or kind not in (None, "", db.strategy.type):
        raise DcError(
            422, f"Unable to {verb} strategy of type '{kind}': Strategy with type {kind} doesn't exist."
        )
    return db.strategy


def _bad_state(verb: str, participle: str, kind: str | None, state: str) -> DcError:
    text = f"Bad strategy request: Strategy in state {state} cannot be {participle}"
    return DcError(422, f"Unable to {verb} strategy of type '{kind}': {text}")


def _act(db: Database, request: Request) -> Reply:
    body = body_of(request)
    kind = request.query.get("type")
    if "action" not in body:
        raise DcError(400, "action required")
    if body["action"] == "apply":
        strategy = _existing(db, "apply", kind)
        if strategy.state != "initial":
            raise _bad_state("apply", "applied", kind, strategy.state)
        strategy.state, strategy.updated_at = "applying", clock.tee()
        orchestrator.start(db, strategy)
        return json_reply(view(strategy, replied=True))
    if body["action"] == "abort":
        strategy = _existing(db, "abort", kind)
        if strategy.state != "applying":
            raise _bad_state("abort", "aborted", kind, strategy.state)
        strategy.state, strategy.updated_at = "abort requested", clock.tee()
        return json_reply(view(strategy, replied=True))
    return json_reply(None)


def _delete(db: Database, request: Request) -> Reply:
    kind = request.query.get("type")
    strategy = _existing(db, "delete", kind)
    if strategy.state not in ("initial", "complete", "failed", "aborted"):
        raise _bad_state("delete", "deleted", kind, strategy.state)
    strategy.state, strategy.updated_at = "deleting", clock.tee()
    orchestrator.remove(db, strategy)
    return json_reply(view(strategy, replied=True))
