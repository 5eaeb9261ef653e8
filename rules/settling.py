"""Has a site come to rest after its hosts came into service, and what it still waits for.

After an unlock sysinv applies and re-applies applications (alarms 750.004 and 750.006, the most common
"mystery wait"), storage is configured by them, runtime manifests are applied (250.001), and a duplex pair
gets its redundancy back (400.001, 400.002). Removing and recovering applications raise no alarm, so their
states count.
"""

from models.configuration import FoundSystem
from models.site import Alarm

RESTLESS = frozenset({"250.001", "400.001", "400.002", "750.004", "750.005", "750.006", "800.001", "800.011"})
APPS_MOVING = frozenset(
    {"uploading", "applying", "updating", "removing", "recovering", "restore-requested", "update-starting"}
)
STORAGE_MOVING = frozenset({"configuring", "configuring-with-app", "configuring-on-unlock"})


def unsettled(
    found: FoundSystem, alarms: tuple[Alarm, ...], applied: tuple[str, ...], gone: tuple[str, ...] = ()
) -> str:
    """What it waits for, in one line; empty when it is at rest, all of `applied` is applied and nothing of
    `gone` is there."""
    states = found.applications or {}
    waits = [f"application {name} is {status}" for name, status in states.items() if status in APPS_MOVING]
    waits += [
        f"application {name} is {states.get(name) or 'not there'}"
        for name in applied
        if states.get(name) != "applied" and states.get(name) not in APPS_MOVING
    ]
    waits += [f"application {name} is still there" for name in gone if name in states]
    waits += [
        f"storage backend {name} is {state}"
        for name, state in (found.backends or {}).items()
        if state in STORAGE_MOVING
    ]
    waits += [f"alarm {alarm.key}" for alarm in alarms if alarm.alarm_id in RESTLESS]
    return "; ".join(waits)
