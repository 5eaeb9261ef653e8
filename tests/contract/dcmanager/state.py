"""Puts a region into the state in which an exchange was recorded."""

from typing import Any

from simulator.cloud import clock
from simulator.cloud.alarms import TYPES
from simulator.dcmanager.availability import ENDPOINTS
from simulator.dcmanager.selection import ENDPOINT_OF
from simulator.dcmanager.state import Database, FleetStrategy, Group, Options, StrategyStep
from simulator.region import Region

_OPTIONS = {
    "storage-apply-type": "serial",
    "worker-apply-type": "parallel",
    "max-parallel-workers": 6,
    "alarm-restriction-type": "strict",
    "default-instance-action": "stop-start",
}
_EXTRA = {"kube-rootca-update": {"expiry-date": None, "subject": None}}


def set_state(region: Region, state: dict[str, Any], hints: dict[str, Any]) -> None:
    """`hints` are the recorded answer's values of rows that `state` only names."""
    db = region.database
    db.controller.usm.states["starlingx-26.03.2"] = "available"
    for row, given in zip(db.subclouds, state["subclouds"], strict=True):
        del db.by_name[row.name]
        shown = (hints.get("subclouds") or [{}])[0]
        named = shown if shown.get("name") == given["name"] else {}
        row.name, row.description = given["name"], named.get("description", "d")
        row.location = named.get("location", "l")
        db.by_name[row.name] = row
        row.management_state, row.deploy_status = given["management"], given["deploy"]
        row.offline = given["availability"] == "offline"
        row.group_id = given["group"]
        row.sync = {name: given["sync"].get(name, "unknown") for name in ENDPOINTS}
        row.updated_at = clock.spaced()
    _set_groups(db, state["groups"], hints)
    _set_options(db, state.get("options_set_for", []))
    db.default_options_deleted = hints.get("name") == "all clouds default" and "id" not in hints
    _set_strategy(db, state["strategy"], hints)
    _set_alarms(db, state.get("alarm_summaries", []))


def _set_groups(db: Database, groups: list[dict[str, Any]], hints: dict[str, Any]) -> None:
    for given in groups:
        if given["id"] == 1:
            db.groups[0].max_parallel_subclouds = given["max"]
            continue
        words = hints.get("description", "first") if hints.get("name") == given["name"] else "first"
        made = clock.spaced()
        db.groups.append(Group(given["id"], given["name"], words, given["apply"], given["max"], made, None))
    db.serial = 100


def _set_options(db: Database, names: list[str]) -> None:
    for name in names:
        number = db.by_name[name].id
        now = clock.spaced()
        db.options.append(Options(number + 1, name, number, dict(_OPTIONS), now, now))


def _set_strategy(db: Database, given: dict[str, Any] | None, hints: dict[str, Any]) -> None:
    if given is None:
        return
    steps = [
        _step(db, place, name, state, hints)
        for place, (name, state) in enumerate(given["steps"].items(), start=1)
    ]
    db.strategy = FleetStrategy(
        id=1,
        type=given["type"],
        apply_type=hints.get("subcloud-apply-type"),
        max_parallel=2,
        stop_on_failure=False,
        extra_args=_EXTRA.get(given["type"]),
        steps=steps,
        state=given["state"],
    )
    db.strategy.updated_at = None if given["state"] == "initial" else clock.tee()
    for row in db.subclouds:
        row.sync.setdefault(ENDPOINT_OF[given["type"]], "out-of-sync")


def _step(db: Database, place: int, name: str, state: str, hints: dict[str, Any]) -> StrategyStep:
    step = StrategyStep(place, db.by_name[name], state=state)
    if state == "initial":
        return step
    step.started_at = step.updated_at = clock.spaced()
    step.stage = "Apply"
    if step.ended:
        step.stage, step.finished_at = "Complete", clock.spaced()
    if hints.get("cloud") == name:
        step.details = hints.get("details", "")
    return step


def _set_alarms(db: Database, summaries: list[dict[str, Any]]) -> None:
    for given in summaries:
        alarms = db.by_name[given["subcloud"]].cloud.alarms
        for severity in ("critical", "major", "minor", "warning"):
            wanted = given.get(severity, given.get(f"{severity}s", 0))
            kind = next((name for name, one in TYPES.items() if one.severity == severity), None)
            for number in range(max(wanted, 0)):
                alarm = alarms.raise_(kind or "100.103", f"entity={severity}{number}", host="h")
                alarm.severity = severity
