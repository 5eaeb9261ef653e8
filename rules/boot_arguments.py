"""Install values as words of a kernel command line, as StarlingX's own boot images have them.

Names and forms are those of `gen-bootloader-iso.sh` (utilities, `platform-util/scripts`) and of what
dcmanager gives to it (distributedcloud, `dccommon/subcloud_install.py`); they are read by the installer's
kickstart (metal, `kickstart/files/miniboot.cfg`). `ip=` has commas where the kernel's own has colons, and
IPv6 addresses stand in brackets: by them the kickstart tells the two apart.
"""

from dataclasses import dataclass

from models.install_values import InstallValues

SERIAL = "ttyS0,115200"
GRAPHICAL = "tty0"
_STANDARD, _AIO, _LOW_LATENCY = "controller", "controller,worker", "controller,worker,lowlatency"
_TRAITS = (_STANDARD, _STANDARD, _AIO, _AIO, _LOW_LATENCY, _LOW_LATENCY)
"""By install type."""
_KERNEL, _KERNEL_RT = "vmlinuz-*[!t]-amd64", "vmlinuz-*-rt-amd64"


@dataclass(frozen=True)
class BootArguments:
    words: tuple[str, ...]
    """NAME=VALUE takes the place of every other NAME."""
    without: tuple[str, ...] = ()
    """Names that must not be there."""


def boot_arguments(values: InstallValues, hostname: str, phone_home: str = "") -> BootArguments:
    """What is not declared is not written: then the image's own words stay."""
    words = [*_network(values, hostname), *_disks(values)]
    if values.persistent_size is not None:
        words.append(f"persistent_size={values.persistent_size}")
    if values.ipv6dad_timeout is not None:
        words.append(f"rd.net.timeout.ipv6dad={values.ipv6dad_timeout}")
    if values.install_type is not None:
        kernel = _KERNEL_RT if _TRAITS[values.install_type] == _LOW_LATENCY else _KERNEL
        words += [f"traits={_TRAITS[values.install_type]}", f"defaultkernel={kernel}"]
    if phone_home:
        words.append(f"phone_home={phone_home}")
    words += values.extra_boot_params or ()
    console = _console(values)
    if not console:
        return BootArguments(tuple(words))
    # The last console is the one that the installer speaks to.
    words.append(f"console={console}")
    if _is_serial(console):
        return BootArguments((*words, "serial"))
    return BootArguments(tuple(words), without=("serial",))


def _network(values: InstallValues, hostname: str) -> list[str]:
    if values.bootstrap_address is None:
        return []
    interface, vlan = values.bootstrap_interface, values.bootstrap_vlan
    named = f"{interface}.{vlan}" if vlan is not None else interface
    address = _bracketed(values.bootstrap_address)
    gateway = _bracketed(values.nexthop_gateway or "")
    words = [f"ip={address},,{gateway},{values.bootstrap_address_prefix},{hostname},{named},off"]
    if vlan is not None:
        words.append(f"vlan={named}:{interface}")
    return words


def _disks(values: InstallValues) -> list[str]:
    words = []
    if values.rootfs_device is not None:
        words.append(f"rootfs_device={values.rootfs_device}")
    if values.boot_device is not None:
        words += [f"boot_device={values.boot_device}", f"instdev={values.boot_device}"]
    return words


def _console(values: InstallValues) -> str:
    if values.console_type is not None or values.install_type is None:
        return values.console_type or ""
    return GRAPHICAL if values.install_type % 2 else SERIAL


def _is_serial(console: str) -> bool:
    return not console.partition(",")[0].removeprefix("tty").isdigit()


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
