"""Fault management (fault, 2026-06): the active alarms of one cloud.

`mgmt_affecting` and `degrade_affecting` are the strings "True" and "False"; only the `eq` operator filters;
suppressed alarms are left out unless asked for. Errors wear sysinv's envelope.
"""

from simulator.cloud.alarms import TYPES, Alarm
from simulator.cloud.cloud import Cloud
from simulator.proof.ledger import Intent
from simulator.services.envelope import fault, routing_404
from simulator.services.service import require_token
from simulator.wire.http import Json, Reply, Request, json_reply


class Fm:
    """The FM REST API of every cloud."""

    name = "fm"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        parts = request.parts
        if request.method == "DELETE" and parts[:2] == ["v1", "alarms"] and len(parts) == 3:
            return Intent("fm.alarm.delete", f"alarm/{parts[2]}", target=parts[2])
        if request.mutating:
            return Intent(f"fm.{request.method.lower()}", "fm", target=request.path, once=False)
        return None

    def refusal(self) -> Reply:
        return fault(400, "Fault management refuses this request.")

    def failure(self) -> Reply:
        return fault(500, "Internal error", "Server")

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            return json_reply({"name": "Fault Management API", "default_version": {"id": "v1"}})
        if parts == ["v1"]:
            return json_reply({"id": "v1", "links": []})
        require_token(cloud, request)
        if parts == ["v1", "alarms"]:
            return self._list(cloud, request)
        if parts == ["v1", "alarms", "summary"]:
            return json_reply(summary(cloud))
        if parts[:2] == ["v1", "alarms"] and len(parts) == 3:
            return self._one(cloud, request, parts[2])
        if parts[:2] == ["v1", "event_suppression"] and request.method == "GET":
            return json_reply({"event_suppression": [_suppression(alarm_id) for alarm_id in sorted(TYPES)]})
        if parts[:2] == ["v1", "event_log"]:
            return json_reply({"event_log": []})
        return routing_404()

    def _list(self, cloud: Cloud, request: Request) -> Reply:
        if request.method != "GET":
            return fault(400, "Only reading and clearing of alarms is simulated.")
        query = request.query
        rows = list(cloud.alarms.rows.values())
        if query.get("include_suppress", "").lower() != "true":
            rows = [row for row in rows if not row.suppressed]
        if query.get("q.field"):
            if query.get("q.op", "eq") not in ("eq", ""):
                return fault(400, f"Invalid input for field/attribute op. Value: '{query['q.op']}'.")
            field, wanted = query["q.field"], query.get("q.value", "")
            rows = [row for row in rows if str(view(cloud, row, True).get(field)) == wanted]
        if query.get("limit", "").isdigit() and int(query["limit"]):
            rows = rows[: int(query["limit"])]
        expand = query.get("expand", "").lower() == "true"
        return json_reply({"alarms": [view(cloud, row, expand) for row in rows]})

    def _one(self, cloud: Cloud, request: Request, wanted: str) -> Reply:
        row = cloud.alarms.by_uuid(wanted)
        if row is None:
            return fault(404, f"Alarm {wanted} could not be found.")
        if request.method == "DELETE":
            cloud.alarms.clear(row.alarm_id, row.entity)
            return Reply(status=204, content_type=None)
        return json_reply(view(cloud, row, True))


def view(cloud: Cloud, row: Alarm, expand: bool) -> Json:
    kind = TYPES[row.alarm_id]
    body: Json = {
        "uuid": row.uuid,
        "alarm_id": row.alarm_id,
        "entity_instance_id": row.entity,
        "severity": row.severity,
        "timestamp": row.timestamp,
        "reason_text": row.reason,
        "suppression_status": "suppressed" if row.suppressed else "unsuppressed",
        "mgmt_affecting": str(row.mgmt_affecting),
        "degrade_affecting": str(kind.degrades),
    }
    if expand:
        body |= {
            "alarm_state": "set",
            "entity_type_id": row.entity.split("=")[0],
            "alarm_type": kind.kind,
            "probable_cause": kind.cause,
            "proposed_repair_action": kind.repair,
            "service_affecting": str(kind.degrades),
            "suppression": "True",
        }
    return body


def summary(cloud: Cloud) -> Json:
    counts = cloud.alarms.counts()
    status = "critical" if counts["critical"] else "degraded" if counts["major"] else "OK"
    return {
        "critical": counts["critical"],
        "major": counts["major"],
        "minor": counts["minor"],
        "warnings": counts["warning"],
        "status": status,
        "system_uuid": cloud.identity.system_uuid,
    }


def _suppression(alarm_id: str) -> Json:
    return {
        "uuid": f"00000000-0000-4000-8000-{alarm_id.replace('.', ''):0>12}",
        "alarm_id": alarm_id,
        "description": TYPES[alarm_id].text,
        "suppression_status": "unsuppressed",
    }
