"""What a site's OpenStack offers: flavors, images, networks, and how large a host is.

The flavors stand for what decides how a VM can be moved: plain ones, pinned CPUs, huge pages, a PCI device, a
virtual TPM. Microversion 2.47 and later shows them inside each server.
"""

from simulator.wire.http import Json

ZONE = "nova"
FLAVORS: tuple[Json, ...] = (
    {"id": "6f1d", "name": "m1.tiny", "ram": 512, "vcpus": 1, "disk": 1},
    {"id": "7a2e", "name": "m1.small", "ram": 2048, "vcpus": 1, "disk": 20},
    {"id": "8b3f", "name": "m1.large", "ram": 16384, "vcpus": 4, "disk": 40},
    {
        "id": "9c40",
        "name": "m1.pinned",
        "ram": 4096,
        "vcpus": 4,
        "disk": 20,
        "extra_specs": {"hw:cpu_policy": "dedicated"},
    },
    {
        "id": "ad51",
        "name": "m1.huge",
        "ram": 8192,
        "vcpus": 4,
        "disk": 20,
        "extra_specs": {"hw:cpu_policy": "dedicated", "hw:mem_page_size": "large"},
    },
    {
        "id": "be62",
        "name": "m1.gpu",
        "ram": 4096,
        "vcpus": 2,
        "disk": 20,
        "extra_specs": {"pci_passthrough:alias": "gpu:1"},
    },
    {
        "id": "cf73",
        "name": "m1.tpm",
        "ram": 2048,
        "vcpus": 1,
        "disk": 20,
        "extra_specs": {"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"},
    },
)
IMAGES: tuple[Json, ...] = (
    {"id": "a1f5b9f4-3c5c-4b0c-9d6c-0c3e9c1a7e11", "name": "cirros", "status": "active"},
)
NETWORKS: tuple[Json, ...] = (
    {"id": "c4d0a8a2-61e7-4b1b-8a53-5c7f4f0c8d21", "name": "private-net0", "status": "ACTIVE"},
    {"id": "c4d0a8a2-61e7-4b1b-8a53-5c7f4f0c8d22", "name": "external-net0", "status": "ACTIVE"},
)


def flavor(ref: str) -> Json | None:
    return next((one for one in FLAVORS if ref in (one["id"], one["name"])), None)


def image(ref: str) -> Json | None:
    return next((one for one in IMAGES if one["id"] == ref), None)
