"""Which real components a test run used, for the table at its end."""

from dataclasses import dataclass

REQUIRED = (
    "Temporal dev server",
    "Temporal UI",
    "Chromium",
    "temporal CLI",
    "Temporal time-skipping server",
    "simulated StarlingX region (HTTPS)",
    "PostgreSQL",
    "Ironic",
    "Ceph",
    "Ceph RGW",
    "libvirt and QEMU behind sushy-emulator",
    "QEMU guest agent under libvirt",
    "Kubernetes control plane",
    "Helm",
    "OpenBao",
    "Prometheus",
    "OpenSSH server",
    "Ansible",
    "Nova, Placement, Keystone",
    "Containers (podman)",
)
"""A whole run uses all of them; under CI a missing one is a failure."""


@dataclass(frozen=True)
class Component:
    name: str
    detail: str


_used: dict[str, Component] = {}


def used(name: str, detail: str) -> None:
    """Called where a component is started and has answered."""
    assert name in REQUIRED, name
    _used[name] = Component(name, detail)


def told() -> dict[str, str]:
    """What one of several test processes tells the others."""
    return {component.name: component.detail for component in _used.values()}


def table() -> list[tuple[str, str]]:
    return [(name, _used[name].detail if name in _used else "did not run") for name in REQUIRED]


def missing() -> list[str]:
    return [name for name in REQUIRED if name not in _used]
