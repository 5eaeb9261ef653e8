"""The shape every model shares, and the small value types that files and workflows have in common.

Models are frozen and refuse unknown keys, so that a misspelt key in a file, in the Temporal UI's input
form or in an update is an error and not a silent default. Durations are written as operators write
them (`15m`, `2h`, `1h30m`) in files and in JSON; inside they are `timedelta`.
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

DURATION_PATTERN = r"^(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s)?$"
QUOTA_PATTERN = r"^\d+(?:\.\d+)?%$"
RATE_PATTERN = r"^\d+(?:\.\d+)?(?:B|kB|MB|GB|KiB|MiB|GiB|kbit|Mbit|Gbit)$"

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_LONGEST_S = 3650 * 86_400.0
"""Ten years; beyond some length `timedelta` would overflow, which pydantic does not take for a refusal."""

_RATE_PART = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)")
_UNIT_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "kbit": 125,
    "Mbit": 125_000,
    "Gbit": 125_000_000,
}


class Frozen(BaseModel):
    """A value: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def parse_duration(value: Any) -> Any:
    """`15m`, `2h`, `1h30m`, `90s` to timedelta; a bare number is refused, since its unit is a guess."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and value and re.fullmatch(DURATION_PATTERN, value):
        seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(value))
        if seconds > _LONGEST_S:
            raise ValueError("expected a duration of at most 3650d")
        return timedelta(seconds=seconds)
    raise ValueError("expected a duration such as 90s, 15m, 2h or 1h30m")


def format_duration(value: timedelta) -> str:
    """The shortest form of `parse_duration`'s language: `1h30m`, `0s`."""
    seconds = value.total_seconds()
    parts = []
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, _UNIT_SECONDS[unit])
        if count:
            parts.append(f"{int(count)}{unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g}s")
    return "".join(parts)


def parse_quota(value: Any) -> Any:
    """`5` (sites) or `2%` (of the sites at hand)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(QUOTA_PATTERN, value) and float(value[:-1]) <= 100:
        return value
    raise ValueError("expected a count such as 5 or a share such as 2%")


def parse_rate(value: Any) -> Any:
    """`100MB` or `800Mbit`, each second; a bare number is refused, since its unit is a guess."""
    if isinstance(value, str) and re.fullmatch(RATE_PATTERN, value) and rate_of(value) >= 1:
        return value
    raise ValueError("expected how much a second, such as 100MB, 512KiB or 800Mbit")


def rate_of(rate: str) -> int:
    """Bytes per second."""
    found = _RATE_PART.fullmatch(rate)
    assert found is not None
    return int(float(found[1]) * _UNIT_BYTES[found[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["15m", "2h", "90s"]}),
]

Quota = Annotated[
    int | str,
    BeforeValidator(parse_quota),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": QUOTA_PATTERN}]}
    ),
]

Rate = Annotated[
    str,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN, "examples": ["100MB", "800Mbit"]}),
]
"""How much a second, as it was written; `rate_of` has the number."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A site, campaign or controller name: it becomes part of a workflow id."""

IN_CLUSTER = r"[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+"
"""SECRET/KEY"""
IN_VAULT = r"[A-Za-z0-9_][A-Za-z0-9._@-]*(?:/[A-Za-z0-9_][A-Za-z0-9._@-]*)+#[A-Za-z0-9._@-]+"
"""MOUNT/PATH#KEY, as `vault kv get -field=KEY MOUNT/PATH` has them; the mount may have slashes, too."""
SECRET_REFERENCE = rf"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|k8s:{IN_CLUSTER}|vault:{IN_VAULT}"

SecretRef = Annotated[str, StringConstraints(pattern=rf"^({SECRET_REFERENCE})$")]
"""`env:NAME`, `file:PATH` (relative to the inventory file), `k8s:SECRET/KEY` (in the worker's own namespace
of Kubernetes) or `vault:MOUNT/PATH#KEY` (HashiCorp Vault, OpenBao); the secret itself never stands in a
file."""

DRILL_QUEUE = "starflock-drills"
BMC_ENDING = "-bmc"
"""Of the task queue for the BMCs of sites, after the name of the queue for those sites."""

HostPort = Annotated[
    str,
    StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d{1,5})?$"),
]


def quota_of(quota: Quota, total: int) -> int:
    """How many of `total` a quota allows; shares are rounded down, so a small fleet is held strictly."""
    if isinstance(quota, int):
        return quota
    return int(total * float(quota[:-1]) / 100 + 1e-9)
