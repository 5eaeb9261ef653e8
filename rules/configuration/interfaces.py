"""What differs between a role profile's interfaces and a host's.

An ethernet interface is found by its port, whatever it is called; a bond, VLAN or virtual one by its name. A
platform network stands on one interface of a host: where it is declared on another one, it is taken from
there first (after bootstrap a duplex controller has management on `lo`). What a declared interface carries
beyond its declaration is taken from it; interfaces that nobody declared keep what they carry.
"""

from collections.abc import Iterator

from models.configuration import Change, FoundHost, FoundInterface, FoundSystem
from models.edits import (
    AddInterface,
    AssignDataNetwork,
    AssignNetwork,
    Edit,
    SetInterface,
    UnassignNetwork,
)
from models.profile import Interface, RoleProfile


def interfaces(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    """Those below come before the bonds and VLANs over them."""
    if host.interfaces is None:
        return
    taken = {each.name: each.uuid for each in host.interfaces}

    def order(wanted: Interface) -> tuple[bool, bool]:
        """A name that another interface still has is free once that one has got its own."""
        now = found_interface(wanted, host)
        return bool(wanted.over), taken.get(wanted.name) not in (None, now and now.uuid)

    for wanted in sorted(role.interfaces, key=order):
        now = found_interface(wanted, host)
        if now is None:
            if wanted.type != "ethernet":
                yield AddInterface(_change(host, wanted, "", _words(wanted)), host.uuid, wanted)
        elif differs(wanted, now):
            yield SetInterface(
                _change(host, wanted, _found_words(wanted, now), _words(wanted)), now.uuid, wanted
            )


def networks(role: RoleProfile, host: FoundHost, site: FoundSystem) -> Iterator[Edit]:
    if host.interfaces is None:
        return
    declared = {network: each for each in role.interfaces for network in each.networks}
    theirs = [(each, found_interface(each, host)) for each in role.interfaces]
    own = {now.uuid: each for each, now in theirs if now is not None}
    for there in host.interfaces:
        wanted = own.get(there.uuid)
        for network in there.networks:
            is_elsewhere = network in declared and declared[network] is not wanted
            is_too_much = wanted is not None and network not in wanted.networks
            if is_elsewhere or is_too_much:
                # By the name that it has once it is configured: the networks come after that.
                name = wanted.name if wanted is not None else there.name
                change = _assignment(host, f"{network} on {name}", "assigned", "not assigned")
                yield UnassignNetwork(change, host.uuid, there.name, network)
    for each, now in theirs:
        if now is None:
            continue
        for network in each.networks:
            if network not in now.networks:
                change = _assignment(host, f"{network} on {each.name}", "", "assigned")
                yield AssignNetwork(change, now.uuid, (site.networks or {}).get(network, ""))
        for name in each.datanetworks:
            if name not in now.datanetworks:
                change = _assignment(host, f"{name} on {each.name}", "", "assigned")
                uuid = (site.datanetworks or {}).get(name, ("", "", 0))[0]
                yield AssignDataNetwork(change, now.uuid, uuid)


def found_interface(wanted: Interface, host: FoundHost) -> FoundInterface | None:
    for now in host.interfaces or ():
        if wanted.type == "ethernet":
            if now.type == "ethernet" and wanted.port in now.ports:
                return now
        elif now.name == wanted.name:
            return now
    return None


def differs(wanted: Interface, now: FoundInterface) -> bool:
    return _words(wanted) != _found_words(wanted, now)


def _words(wanted: Interface) -> str:
    """What is declared, as `_found_words` says what is there."""
    parts = [wanted.name, wanted.ifclass]
    if wanted.mtu is not None:
        parts.append(f"mtu {wanted.mtu}")
    if wanted.vfs is not None:
        parts.append(f"{wanted.vfs} vfs")
    if wanted.vf_driver is not None:
        parts.append(wanted.vf_driver)
    if wanted.type == "vlan":
        parts.append(f"vlan {wanted.vlan}")
    if wanted.type == "ae":
        parts.append(str(wanted.mode))
    if wanted.over:
        parts.append(f"over {' '.join(sorted(wanted.over))}")
    return " ".join(parts)


def _found_words(wanted: Interface, now: FoundInterface) -> str:
    """Only of what the declaration speaks."""
    parts = [now.name, now.ifclass]
    if wanted.mtu is not None:
        parts.append(f"mtu {now.mtu}")
    if wanted.vfs is not None:
        parts.append(f"{now.vfs} vfs")
    if wanted.vf_driver is not None:
        parts.append(now.vf_driver or "no driver")
    if wanted.type == "vlan":
        parts.append(f"vlan {now.vlan}")
    if wanted.type == "ae":
        parts.append(now.mode)
    if wanted.over:
        parts.append(f"over {' '.join(sorted(now.over))}")
    return " ".join(parts)


def _change(host: FoundHost, wanted: Interface, found: str, words: str) -> Change:
    return Change(
        section="interfaces",
        host=host.name,
        subject=wanted.port or wanted.name,
        found=found,
        wanted=words,
        needs_lock=True,
    )


def _assignment(host: FoundHost, subject: str, found: str, wanted: str) -> Change:
    return Change(
        section="networks", host=host.name, subject=subject, found=found, wanted=wanted, needs_lock=True
    )
