"""Ports and the logical interfaces over them (config, 2026-08).

The order of the checks is sysinv's: of a change first MTU, then SR-IOV, then the VLAN id, and only then that
the host is locked. A simplex host may turn a port into an SR-IOV function while it is unlocked.
"""

from simulator.cloud import wiring
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Address, Interface, InterfaceDatanetwork, InterfaceNetwork, Port, Route
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, check_mtu, host_of, must_be_locked
from simulator.wire.http import Json

CLASSES = ("platform", "data", "pci-passthrough", "pci-sriov")
_PCI = ("pci-passthrough", "pci-sriov")
_DRIVERS = ("vfio", "netdevice", "vfio-pci")
_AE_MODES = ("balanced", "active_standby", "802.3ad")
_PTP_CLASSES = ("platform", "pci-sriov", "vf")
_WRITABLE = (
    "ifname", "imtu", "ifclass", "aemode", "txhashpolicy", "primary_reselect", "vlan_id", "imac",
    "sriov_numvfs", "sriov_vf_driver", "ptp_role", "max_tx_rate", "max_rx_rate", "uses",
)  # fmt: skip


def change(cloud: Cloud, row: Interface, changes: Json) -> None:
    """Check a patch of an interface and store it.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    host = _host(cloud, row.ihost_uuid)
    wanted = {**row.wire(), **changes}
    wanted["ifclass"] = None if wanted["ifclass"] in (None, "none", "") else wanted["ifclass"]
    if "usesmodify" in wanted:
        wanted["uses"] = str(wanted.pop("usesmodify")).split(",")
    if "imtu" in changes:
        wanted["imtu"] = check_mtu(changes["imtu"])
    if wanted["ifclass"] != "pci-sriov":
        wanted["sriov_numvfs"] = changes.get("sriov_numvfs") or 0
        wanted["sriov_vf_driver"] = changes.get("sriov_vf_driver")
    _check_sriov(cloud, row, wanted)
    _check_vlan(wanted)
    becomes_sriov = wanted["ifclass"] == "pci-sriov" and row.ifclass != "pci-sriov"
    if not (cloud.simplex and row.iftype == "ethernet" and becomes_sriov):
        must_be_locked(host)
    _check_data(cloud, host, wanted, row)
    if wanted["ifclass"] != "pci-sriov":
        wanted["sriov_numvfs"], wanted["sriov_vf_driver"] = 0, None
    if row.iftype == "ae":
        _use(cloud, row, wanted["uses"])
    for name in _WRITABLE:
        setattr(row, name, wanted[name])
    for network in cloud.tables.matching(InterfaceNetwork, interface_uuid=row.uuid):
        network.ifname = row.ifname
    for datanetwork in cloud.tables.matching(InterfaceDatanetwork, interface_uuid=row.uuid):
        datanetwork.ifname = row.ifname
    for address in cloud.tables.matching(Address, interface_uuid=row.uuid):
        address.ifname = row.ifname


def create(cloud: Cloud, body: Json) -> Json:
    """Make an interface over others: ae, vlan, vf or virtual."""
    host = host_of(cloud, body.get("ihost_uuid"))
    if host is None:
        raise reject(f"Server {body.get('ihost_uuid')} could not be found.", 404)
    wanted: Json = {"uses": [], "vlan_id": None, "ifclass": None, "aemode": None, "iftype": ""} | body
    wanted["ifclass"] = None if wanted["ifclass"] in (None, "none", "") else wanted["ifclass"]
    if "imtu" in body:
        wanted["imtu"] = check_mtu(body["imtu"])
    _check_vlan(wanted)
    if not (cloud.simplex and wanted["iftype"] == "vf"):
        must_be_locked(host)
    _check_data(cloud, host, wanted, None)
    lower = [_named(cloud, host, name) for name in wanted["uses"]]
    row = cloud.tables.new(
        Interface,
        ifname=wanted["ifname"],
        iftype=wanted["iftype"],
        imac=lower[0].imac if lower and lower[0] else wiring.NO_MAC,
        forihostid=host.id,
        ihost_uuid=host.uuid,
        imtu=wanted.get("imtu", lower[0].imtu if lower and lower[0] else 1500),
        ifclass=wanted["ifclass"],
        aemode=(wanted["aemode"] or "active_standby") if wanted["iftype"] == "ae" else None,
        txhashpolicy=wanted.get("txhashpolicy"),
        primary_reselect=wanted.get("primary_reselect"),
        vlan_id=int(wanted["vlan_id"]) if wanted["vlan_id"] is not None else None,
        sriov_numvfs=int(wanted.get("sriov_numvfs") or 0),
        sriov_vf_driver=wanted.get("sriov_vf_driver"),
    )
    _use(cloud, row, wanted["uses"])
    return row.wire() | {"ipv4_mode": None, "ipv6_mode": None}


def remove(cloud: Cloud, row: Interface) -> None:
    host = _host(cloud, row.ihost_uuid)
    if not (cloud.simplex and row.iftype == "vf" and row.ifclass == "pci-sriov"):
        must_be_locked(host)
    if row.used_by:
        raise reject(f"Cannot delete interface {row.ifname}, still in use by {', '.join(row.used_by)}")
    if row.iftype == "ethernet" and not row.uses:
        raise reject("Cannot delete a system created ethernet interface")
    _use(cloud, row, [])
    for kind in (InterfaceNetwork, InterfaceDatanetwork, Address, Route):
        for other in list(cloud.tables.matching(kind, interface_uuid=row.uuid)):
            cloud.tables.drop(other)
    cloud.tables.drop(row)


def _check_sriov(cloud: Cloud, row: Interface, wanted: Json) -> None:
    count, driver = wanted["sriov_numvfs"], wanted["sriov_vf_driver"]
    if wanted["ifclass"] is None:
        return
    if wanted["ifclass"] != "pci-sriov":
        if count is not None and str(count).isdigit() and int(count) > 0:
            raise reject("Number of SR-IOV VFs is specified but interface class is not pci-sriov.")
        if driver is not None:
            raise reject("SR-IOV VF driver is specified but interface class is not pci-sriov.")
        return
    if count is None:
        raise reject("Value for number of SR-IOV VFs must be specified.")
    if not str(count).isdigit():
        raise reject("Value for number of SR-IOV VFs is an integer value.")
    if int(count) <= 0:
        raise reject("Value for number of SR-IOV VFs must be > 0.")
    if driver is not None and driver not in _DRIVERS:
        raise reject(f"Value for SR-IOV VF driver must be one of {', '.join(_DRIVERS)}")
    if row.iftype == "ethernet":
        port = cloud.tables.find(Port, interface_uuid=row.uuid)
        if port is None:
            raise reject("Exactly one port must be enabled.")
        if not port.sriov_totalvfs:
            raise reject("SR-IOV can't be configured on this interface")
        if int(count) > port.sriov_totalvfs:
            raise reject(f"The interface support a maximum of {port.sriov_totalvfs} VFs")
    wanted["sriov_numvfs"] = int(count)


def _check_vlan(wanted: Json) -> None:
    number = wanted["vlan_id"]
    if number is not None:
        if not str(number).isdigit():
            raise reject("VLAN id is an integer value.")
        if not 1 <= int(number) <= 4094:
            raise reject("VLAN id must be between 1 and 4094.")
    elif wanted["iftype"] == "vlan":
        raise reject("VLAN id must be specified.")


def _check_data(cloud: Cloud, host: Host, wanted: Json, row: Interface | None) -> None:
    """sysinv's `_check_interface_data`: name, class, and what the type asks of the rest."""
    name, kind, given = wanted["ifname"], wanted["iftype"], wanted["ifclass"]
    if not name.islower():
        raise reject("Interface name must be in lower case.")
    if len(name) > 15:
        raise reject(f"Interface {name} has name length greater than 15.")
    named = _named(cloud, host, name)
    if named is not None and named is not row:
        raise reject(f"Interface Name {name} must be unique.")
    if kind not in ("ae", "vlan", "ethernet", "virtual", "vf"):
        raise reject("Device interface type must be one of ethernet, ae, vlan, virtual, vf")
    if given is not None and given not in CLASSES:
        raise reject(f"Invalid interface class {given}")
    if given == "data" and "worker" not in host.subfunctions:
        raise reject("The data interface class is only supported on nodes supporting worker functions")
    if given in _PCI and kind not in ("ethernet", "vf"):
        raise reject(f"The {', '.join(_PCI)} interface class is only valid on Ethernet and VF interfaces")
    role = wanted.get("ptp_role", "none")
    if role != "none" and given not in _PTP_CLASSES:
        raise reject(
            f"Invalid interface class for ptp_role: {role}. Device interface class must be one of "
            f"{', '.join(_PTP_CLASSES)}"
        )
    lower = [_named(cloud, host, one) for one in wanted["uses"]]
    if kind == "ae":
        _check_bond(wanted, [one for one in lower if one is not None], row)
    if kind in ("vlan", "vf") and (len(lower) != 1 or lower[0] is None):
        raise reject(
            "VF interfaces can only use one lower pci-sriov interface"
            if kind == "vf"
            else f"Can only have one interface for vlan type. ({wanted['uses']})"
        )
    if kind == "vf" and lower[0] is not None:
        _check_functions(cloud, wanted, lower[0], row)
    if kind == "vlan" and lower[0] is not None and lower[0].imtu < int(wanted.get("imtu") or 0):
        raise reject(
            f"Interface MTU ({wanted['imtu']}) cannot be larger than MTU of underlying interface "
            f"({lower[0].imtu})"
        )


def _check_bond(wanted: Json, lower: list[Interface], row: Interface | None) -> None:
    for one in lower:
        taken = [name for name in one.used_by if row is None or name != row.ifname]
        if taken:
            raise reject(
                f"Interface '{one.ifname}' is already used by another 'aggregated ethernet' interface "
                f"'{taken[0]}'"
            )
        if one.ifclass not in (None, "pci-sriov"):
            raise reject(
                "All interfaces being used in an 'aggregated ethernet' interface must have the interface "
                "class set to 'none' or 'pci-sriov'."
            )
    mode = wanted["aemode"] or "active_standby"
    if mode not in _AE_MODES:
        raise reject(f"Invalid aggregated ethernet mode '{mode}' ")
    if mode != "active_standby" and not wanted.get("txhashpolicy"):
        raise reject(
            "Device interface with 'aggregated ethernet' interface type in 'balanced' or '802.3ad' mode "
            "require a valid Tx Hash Policy."
        )


def _check_functions(cloud: Cloud, wanted: Json, lower: Interface, row: Interface | None) -> None:
    if lower.ifclass != "pci-sriov":
        raise reject("VF interfaces must be created over an interface of class pci-sriov")
    count = int(wanted.get("sriov_numvfs") or 0)
    if count <= 0:
        raise reject("Value for number of SR-IOV VFs must be > 0.")
    others = [one for one in cloud.tables.below(Interface, lower.ihost_uuid) if one.ifname in lower.used_by]
    used = sum(one.sriov_numvfs or 0 for one in others if one is not row)
    free = (lower.sriov_numvfs or 0) - used - 1
    if count > free:
        raise reject(
            f"The number of virtual functions ({count}) must be less than or equal to the available VFs "
            f"({free}) available on the underlying interface ({lower.ifname})"
        )


def _use(cloud: Cloud, row: Interface, names: list[str]) -> None:
    """Put an interface over these, and over no others."""
    own = cloud.tables.below(Interface, row.ihost_uuid)
    for one in own:
        if row.ifname in one.used_by:
            one.used_by.remove(row.ifname)
        if one.ifname in names or one.uuid in names:
            one.used_by.append(row.ifname)
    row.uses = [one.ifname for one in own if one.ifname in names or one.uuid in names]


def _named(cloud: Cloud, host: Host, name: str) -> Interface | None:
    """By name or uuid."""
    own = cloud.tables.below(Interface, host.uuid)
    return next((one for one in own if name in (one.ifname, one.uuid)), None)


def _host(cloud: Cloud, ref: str) -> Host:
    host = host_of(cloud, ref)
    assert host is not None
    return host


def ethernet_port(_: Cloud, row: Port) -> Json:
    """A port with what only Ethernet ports have."""
    return row.wire() | {name: getattr(row, name) for name in row.ethernet}


RESOURCES = (
    Resource(
        "iinterfaces", Interface, missing="No entry found for interface {}", status=400, create=create,
        change=change, remove=remove, fields=("usesmodify",), alone=False,
    ),
    Resource("ports", Port, missing="Port {} could not be found."),
    Resource("ethernet_ports", Port, missing="Port {} could not be found.", show=ethernet_port),
)  # fmt: skip
