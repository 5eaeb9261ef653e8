"""The boot images that dcmanager makes for its installs, served by the system controller.

One for each subcloud that is being installed, at /iso/RELEASE/nodes/NAME/bootimage.iso as in production; its
boot configuration holds the install values as kernel arguments, in the form of gen-bootloader-iso.sh. It is
gone when the install has ended.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.dcmanager.iso import volume
from simulator.dcmanager.state import Subcloud
from simulator.proof.ledger import Intent
from simulator.wire.http import Reply, Request, text_reply

LABEL = "instboot"
SEED_LABEL = "CIDATA"
_TRAITS = ("controller", "controller,worker", "controller,worker,lowlatency")
"""By install type, serial and graphical alike."""
_PLAIN = {
    "rootfs_device": "instdev",
    "boot_device": "boot_device",
    "console_type": "console",
    "rd.net.timeout.ipv6dad": "rd.net.timeout.ipv6dad",
    "persistent_size": "persistent_size",
    "hw_settle": "insthwsettle",
    "wipe_osds": "wipe_osds",
}


class BootImages:
    """A service of the system controller: reads only, without a token."""

    name = "images"

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def make(self, row: Subcloud) -> str:
        """The image's path."""
        deployment = row.deployment
        assert deployment is not None
        assert deployment.install is not None
        path = f"/iso/{deployment.version}/nodes/{row.name}/bootimage.iso"
        lines = f"# {row.name}\nlinux /bzImage-std {kernel_arguments(row.name, deployment.install)}\n"
        self._files[path] = volume(LABEL, ("EFI", "BOOT"), "GRUB.CFG;1", lines.encode())
        return path

    def make_seed(self, row: Subcloud) -> str:
        """Of an enrolment: what cloud-init of the running system takes up. The image's path."""
        deployment = row.deployment
        assert deployment is not None
        path = f"/iso/{deployment.version}/nodes/{row.name}/seed.iso"
        text = f"instance-id: {row.name}\nlocal-hostname: controller-0\n"
        self._files[path] = volume(SEED_LABEL, (), "META-DATA;1", text.encode())
        return path

    def remove(self, path: str) -> None:
        self._files.pop(path, None)

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        return None

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        found = self._files.get(request.path)
        if found is None or request.method not in ("GET", "HEAD"):
            return text_reply("404 Not Found", 404)
        return Reply(body=found, content_type="application/x-iso9660-image")

    def refusal(self) -> Reply:
        return text_reply("403 Forbidden", 403)

    def failure(self) -> Reply:
        return text_reply("500 Internal Server Error", 500)


def kernel_arguments(name: str, values: dict[str, Any]) -> str:
    """What the installer is told, passwords excepted; `ip=` has commas where the kernel's own has colons."""
    wire, vlan = str(values["bootstrap_interface"]), values.get("bootstrap_vlan")
    named = f"{wire}.{vlan}" if vlan else wire
    address, gateway = (_bracketed(values.get(key, "")) for key in ("bootstrap_address", "nexthop_gateway"))
    words = [f"ip={address},,{gateway},{values['bootstrap_address_prefix']},{name},{named},off"]
    words += [f"vlan={named}:{wire}"] if vlan else []
    words += [f"{argument}={values[key]}" for key, argument in _PLAIN.items() if key in values]
    words.append(f"traits={_TRAITS[values['install_type'] // 2]}")
    words += str(values["extra_boot_params"]).split(",") if "extra_boot_params" in values else []
    return " ".join(words)


def _bracketed(address: object) -> str:
    return f"[{address}]" if ":" in str(address) else str(address)
