"""Service parameters (config, 2026-08): values of services' configuration, checked by service and name.

sysinv's schema is long; checked here are the services that a site is brought up with. Storing a value changes
nothing yet: `apply` does, at run time or with the next unlock, and alarm 250.001 stands meanwhile.
"""

import urllib.parse
from collections.abc import Callable

from simulator.cloud.cloud import Cloud
from simulator.cloud.site_rows import ServiceParameter
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, body_of
from simulator.wire.http import Json, Reply, Request

SERVICES = ("platform", "http", "docker", "identity", "kubernetes", "radosgw", "ptp", "dns", "openstack")
_RANGES = {
    "worker_boot_timeout": (720, 1800),
    "controller_boot_timeout": (1200, 1800),
    "heartbeat_period": (100, 1000),
    "heartbeat_failure_threshold": (10, 100),
    "heartbeat_degrade_threshold": (4, 100),
    "mnfa_threshold": (2, 100),
    "mnfa_timeout": (0, 86400),
}
_INTEGERS = ("http_port", "https_port", "lockout_seconds", "lockout_retries", "unique_last_password_count",
             "token_expiration")  # fmt: skip
_REQUIRED = {("platform", "maintenance"): ("controller_boot_timeout", "heartbeat_degrade_threshold",
                                           "heartbeat_failure_action", "heartbeat_failure_threshold",
                                           "heartbeat_period", "mnfa_threshold", "mnfa_timeout",
                                           "worker_boot_timeout")}  # fmt: skip
_RESTARTS = (("kubernetes", "config"), ("platform", "kernel"))
"""Sections that a host takes over only with an unlock."""
_RUNTIME_SECONDS = 45.0


def create(cloud: Cloud, body: Json) -> Json:
    """Make parameters of one section."""
    service, section = str(body.get("service")), str(body.get("section"))
    _check_service(service)
    given = body.get("parameters") or {}
    for name, value in given.items():
        _check(name, str(value))
        if cloud.tables.find(ServiceParameter, service=service, section=section, name=name):
            raise reject(
                f"Service parameter add failed: Parameter already exists: service={service} "
                f"section={section} name={name} personality=None resource=None"
            )
    rows = [
        cloud.tables.new(ServiceParameter, service=service, section=section, name=name, value=str(value))
        for name, value in given.items()
    ]
    for row in rows:
        row.personality, row.resource = body.get("personality"), body.get("resource")
    return {"parameters": [row.wire() for row in rows]}


def change(_: Cloud, row: ServiceParameter, changes: Json) -> None:
    value = str(changes.get("value", row.value))
    _check(row.name, value)
    row.value = value


def remove(cloud: Cloud, row: ServiceParameter) -> None:
    if row.name in _REQUIRED.get((row.service, row.section), ()):
        raise reject(f"Platform Maintenance Parameter '{row.name}' is required.")
    cloud.tables.drop(row)


def apply(cloud: Cloud, request: Request) -> Reply:
    """POST /v1/service_parameter/apply: let the hosts take the values over."""
    body = body_of(request)
    service, section = str(body.get("service")), body.get("section")
    _check_service(service)
    for (owner, within), names in _REQUIRED.items():
        for name in names:
            if owner == service and not cloud.tables.find(
                ServiceParameter, service=owner, section=within, name=name
            ):
                raise reject(
                    f"Unable to apply service parameters. Missing service parameter '{name}' for service "
                    f"'{owner}' in section '{within}'."
                )
    cloud.out_of_date(None if (service, section) in _RESTARTS else _RUNTIME_SECONDS)
    return Reply(status=204, content_type=None)


def _check_service(name: str) -> None:
    if name not in SERVICES:
        raise reject(f"Invalid service name {name}.")


def _check(name: str, value: str) -> None:
    if name in _RANGES or name in _INTEGERS:
        if not value.isdigit():
            raise reject(f"Parameter '{name}' must be an integer value.")
        least, most = _RANGES.get(name, (0, 2**31))
        if not least <= int(value) <= most:
            raise reject(f"Parameter '{name}' must be between {least} and {most}.")
    check = _CHECKS.get(name)
    if check is not None:
        check(name, value)


def _address(name: str, value: str) -> None:
    parsed = urllib.parse.urlparse(value)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise reject(f"Parameter '{name}' must be a valid address.")


def _action(name: str, value: str) -> None:
    allowed = ("fail", "degrade", "alarm", "none")
    if value not in allowed:
        raise reject(f"{name} must be one of the following: {', '.join(allowed)}")


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "http_proxy": _address,
    "https_proxy": _address,
    "heartbeat_failure_action": _action,
}
RESOURCES = (
    Resource(
        "service_parameter", ServiceParameter, key="parameters", create=create, change=change, remove=remove,
        missing="No service parameter entry found for {}", status=400,
    ),
)  # fmt: skip
