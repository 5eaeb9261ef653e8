"""The alarms of one cloud, as fm-manager keeps them.

An alarm is known by (alarm id, entity); raising it again while it stands changes nothing, raising it after
it was cleared makes a new uuid. `mgmt_affecting` comes from the alarm type's threshold in events.yaml
(fault, 2026-06): "warning" means always, "none" never, else from that severity on.
"""

import random
import uuid
from dataclasses import dataclass, field

from simulator.cloud import clock

_RANK = {"warning": 1, "minor": 2, "major": 3, "critical": 4}


@dataclass(frozen=True, slots=True)
class AlarmType:
    """One row of events.yaml, as far as this simulator raises it."""

    severity: str
    threshold: str
    text: str
    kind: str = "operational-violation"
    cause: str = "unknown"
    degrades: bool = False
    repair: str = "Follow the documented procedure for this alarm."


TYPES: dict[str, AlarmType] = {
    "100.103": AlarmType(
        "major", "none", "Memory threshold exceeded ; threshold 80%", "operational-violation"
    ),
    "100.104": AlarmType("major", "critical", "File System threshold exceeded ; threshold 80%, actual 85%"),
    "100.114": AlarmType(
        "minor", "none", "NTP configuration does not contain any valid or reachable servers."
    ),
    "200.001": AlarmType(
        "warning", "warning", "{host} was administratively locked to take it out-of-service."
    ),
    "200.004": AlarmType(
        "critical", "warning", "{host} experienced a service-affecting failure.", degrades=True
    ),
    "210.001": AlarmType("minor", "warning", "System Backup in progress."),
    "210.002": AlarmType("minor", "warning", "System Restore in progress."),
    "250.001": AlarmType("major", "warning", "{host} Configuration is out-of-date."),
    "400.001": AlarmType(
        "major", "warning", "Service group {group} warning; data synchronization in progress."
    ),
    "400.002": AlarmType(
        "major", "warning", "Service group {group} loss of redundancy; expected 1 standby member but none."
    ),
    "750.002": AlarmType("major", "none", "Application {app} apply failure"),
    "750.004": AlarmType("warning", "warning", "Application {app} apply in progress"),
    "750.005": AlarmType("warning", "warning", "Application {app} update in progress"),
    "750.006": AlarmType("warning", "none", "A configuration change requires a reapply of the {app}."),
    "800.001": AlarmType("major", "warning", "Storage Alarm Condition: HEALTH_WARN."),
    "900.007": AlarmType("minor", "warning", "Kubernetes upgrade in progress."),
    "900.020": AlarmType(
        "warning", "none", "Deploy host completed, unlock the host to apply the new software release"
    ),
    "900.021": AlarmType("major", "warning", "Deploy host failed, check logs for errors"),
    "900.022": AlarmType(
        "warning", "none", "Deployment finished, delete to clean up the remaining deployment data"
    ),
    "900.023": AlarmType("minor", "none", "Software release deploy operation in progress."),
    "900.024": AlarmType("warning", "none", "A release with state 'unavailable' is present."),
    "900.201": AlarmType("major", "warning", "Software upgrade auto-apply in progress"),
    "900.202": AlarmType("major", "warning", "Software upgrade auto-apply aborting"),
    "900.203": AlarmType("critical", "warning", "Software upgrade auto-apply failed"),
}


@dataclass(slots=True)
class Alarm:
    """One standing alarm."""

    uuid: str
    alarm_id: str
    entity: str
    severity: str
    reason: str
    timestamp: str
    suppressed: bool = False

    @property
    def mgmt_affecting(self) -> bool:
        threshold = TYPES[self.alarm_id].threshold
        return threshold != "none" and _RANK[self.severity] >= _RANK[threshold]


@dataclass(slots=True)
class Alarms:
    """The active alarm table of one cloud."""

    region: str
    rows: dict[tuple[str, str], Alarm] = field(default_factory=dict)

    def raise_(self, alarm_id: str, entity: str, **words: str) -> Alarm:
        found = self.rows.get((alarm_id, entity))
        if found is None:
            kind = TYPES[alarm_id]
            found = self.rows[(alarm_id, entity)] = Alarm(
                uuid=str(uuid.UUID(int=random.getrandbits(128), version=4)),
                alarm_id=alarm_id,
                entity=entity,
                severity=kind.severity,
                reason=kind.text.format(**words) if words else kind.text,
                timestamp=clock.tee(),
            )
        return found

    def clear(self, alarm_id: str, entity: str | None = None) -> None:
        for key in [k for k in self.rows if k[0] == alarm_id and entity in (None, k[1])]:
            del self.rows[key]

    def standing(self, alarm_id: str) -> bool:
        return any(key[0] == alarm_id for key in self.rows)

    def by_uuid(self, wanted: str) -> Alarm | None:
        return next((row for row in self.rows.values() if row.uuid == wanted), None)

    def counts(self) -> dict[str, int]:
        totals = {"critical": 0, "major": 0, "minor": 0, "warning": 0}
        for row in self.rows.values():
            totals[row.severity] += 1
        return totals

    def management_affecting(self, ignored: frozenset[str], strict: bool = False) -> list[str]:
        """Ids that a VIM strategy would not step over; strict counts every alarm."""
        return sorted(
            {
                row.alarm_id
                for row in self.rows.values()
                if row.alarm_id not in ignored and (strict or row.mgmt_affecting)
            }
        )
