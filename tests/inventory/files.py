"""A small valid pair of files, and the words that a person gets about an edited one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inventory.problems import FileErrors

INVENTORY = """\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential:
    password: env:CENTRAL_PASSWORD
sites:
- name: alpha
  system_controller: central
  labels: {region: north}
- name: beta
  subcloud: subcloud2
  system_controller: central
  labels: {region: south, tier: gold}
  timezone: Europe/Berlin
  topology: AIO-DX
  hosts:
  - {name: controller-0, personality: controller, mac: "52:54:00:00:00:01", bmc: 10.0.0.1}
  - {name: controller-1, personality: controller, mac: "52:54:00:00:00:02", bmc: 10.0.0.2}
- name: gamma
  system_controller: central
"""

CAMPAIGN = """\
name: spring
operation:
  kind: patch
  release: starlingx-26.03.1
select:
  all: true
"""


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
    return text.replace(old, new)


def written(folder: Path, text: str | bytes, name: str = "inventory.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaint(load: Callable[[], object]) -> str:
    """What a person sees; empty where the file is good."""
    try:
        load()
    except FileErrors as errors:
        return str(errors)
    return ""


def refused(load: Callable[[], object]) -> FileErrors:
    with pytest.raises(FileErrors) as caught:
        load()
    return caught.value
