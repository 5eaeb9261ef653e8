"""Where BMCs and installed hosts answer, below a region's loopback base.

Of the base's 256 blocks the subclouds use the first forty at most; BMCs have 64 to 143, the OAM addresses of
installed hosts 144 to 223, with 250 addresses in each block: 20,000 hosts, two for each of 10,000 sites.
"""

import ipaddress

BMC_PORT = 8443
SSH_PORT = 2222
_BMC_BLOCK, _OAM_BLOCK, _BLOCKS, _EACH = 64, 144, 80, 250
MOST_HOSTS = _BLOCKS * _EACH


def bmc_address(base: ipaddress.IPv4Address, number: int) -> str:
    return _address(base, _BMC_BLOCK, number)


def oam_address(base: ipaddress.IPv4Address, number: int) -> str:
    return _address(base, _OAM_BLOCK, number)


class NoRoomError(ValueError):
    """More hosts than addresses; the message is for a person."""


def check_room(hosts: int) -> None:
    """Raises: NoRoomError."""
    if hosts > MOST_HOSTS:
        raise NoRoomError(
            f"--sites: {hosts} hosts need more BMC addresses than the {MOST_HOSTS} of one loopback base; "
            "use fewer sites or --no-bmcs"
        )


def _address(base: ipaddress.IPv4Address, block: int, number: int) -> str:
    return str(base + 256 * (block + number // _EACH) + 1 + number % _EACH)
