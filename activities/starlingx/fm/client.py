"""FM v1: alarms (fault master 2026-06).

Suppressed alarms are asked for as well: sysinv's and the VIM's own health checks count them.
`mgmt_affecting` is the string "True" or "False".
"""

from activities.starlingx.session import Cloud, listing
from models.site import Alarm


async def alarms(cloud: Cloud) -> tuple[Alarm, ...]:
    """GET /v1/alarms, all of them, ordered by id and entity."""
    reply = await cloud.get("fm", "/alarms", {"include_suppress": "True"})
    found = (
        Alarm(
            alarm_id=alarm["alarm_id"],
            entity=alarm["entity_instance_id"],
            severity=alarm["severity"],
            mgmt_affecting=str(alarm.get("mgmt_affecting")) == "True",
            suppressed=alarm.get("suppression_status") == "suppressed",
        )
        for alarm in listing(reply, "alarms")
    )
    return tuple(sorted(found, key=lambda alarm: alarm.key))
