"""The site's own rows, as `bootstrap.yml` leaves them: networks with their pools, settings, file systems.

Names, sizes and the order of networks are those of sysinv's defaults (ansible-playbooks, 2026-08): pools of
IPv4, a pool for each network, `ceph` of no kind. What differs between sites is the OAM subnet.
"""

from typing import TYPE_CHECKING

from simulator.cloud.site_rows import (
    AddressPool,
    Certificate,
    ControllerFilesystem,
    Dns,
    Drbd,
    ExternalOam,
    Network,
    NetworkAddressPool,
    Ntp,
    Ptp,
    RemoteLogging,
    ServiceParameter,
)

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.tables import Tables

_POOLS = (
    ("pxeboot-ipv4", "169.254.202.0", 24),
    ("management-ipv4", "192.168.204.0", 24),
    ("oam-ipv4", "", 24),
    ("cluster-host-ipv4", "192.168.206.0", 24),
    ("cluster-pod-ipv4", "172.16.0.0", 16),
    ("cluster-service-ipv4", "10.96.0.0", 12),
    ("storage-ipv4", "10.50.0.0", 24),
    ("admin-ipv4", "192.168.208.0", 24),
    ("system-controller-subnet-ipv4", "192.168.104.0", 24),
    ("system-controller-oam-subnet-ipv4", "10.10.10.0", 24),
)
NETWORKS = ("pxeboot", "mgmt", "oam", "cluster-host", "cluster-pod", "cluster-service")
"""In the order of their pools, and of their ids."""
FILESYSTEMS = (
    ("platform", 10, "platform-lv"),
    ("database", 10, "pgsql-lv"),
    ("etcd", 5, "etcd-lv"),
    ("docker-distribution", 16, "dockerdistribution-lv"),
    ("extension", 1, "extension-lv"),
)
PARAMETERS = (
    ("identity", "config", "token_expiration", "3600"),
    ("platform", "maintenance", "controller_boot_timeout", "1200"),
    ("platform", "maintenance", "heartbeat_degrade_threshold", "6"),
    ("platform", "maintenance", "heartbeat_failure_action", "fail"),
    ("platform", "maintenance", "heartbeat_failure_threshold", "10"),
    ("platform", "maintenance", "heartbeat_period", "1000"),
    ("platform", "maintenance", "mnfa_threshold", "2"),
    ("platform", "maintenance", "mnfa_timeout", "0"),
    ("platform", "maintenance", "worker_boot_timeout", "720"),
    ("http", "config", "http_port", "8080"),
    ("http", "config", "https_port", "8443"),
)


def fill(cloud: "Cloud", tables: "Tables") -> None:
    """Make the rows of a site that has just been bootstrapped."""
    system = cloud.identity.system_uuid
    oam = f"10.{20 + cloud.identity.number // 250}.{cloud.identity.number % 250}"
    for name, network, prefix in _POOLS:
        base = network or f"{oam}.0"
        stem = base.rsplit(".", 1)[0]
        tables.new(
            AddressPool,
            name=name,
            network=base,
            prefix=prefix,
            ranges=[[f"{stem}.1", f"{stem}.254"]],
            floating_address=f"{stem}.2",
            controller0_address=f"{stem}.3",
            controller1_address=f"{stem}.4",
            gateway_address=f"{stem}.1" if name == "oam-ipv4" else None,
        )
    for kind, pool in zip(NETWORKS, tables.of(AddressPool), strict=False):
        made = tables.new(Network, type=kind, name=kind, dynamic=True, pool_uuid=pool.uuid)
        tables.new(
            NetworkAddressPool,
            network_id=made.id,
            network_uuid=made.uuid,
            network_name=made.name,
            address_pool_id=pool.id,
            address_pool_uuid=pool.uuid,
            address_pool_name=pool.name,
        )
    tables.new(Dns, nameservers="8.8.8.8,8.8.4.4", isystem_uuid=system)
    tables.new(Ntp, ntpservers="0.pool.ntp.org,1.pool.ntp.org", isystem_uuid=system)
    tables.new(Ptp, isystem_uuid=system)
    tables.new(RemoteLogging, isystem_uuid=system)
    tables.new(Drbd, isystem_uuid=system)
    tables.new(
        ExternalOam,
        oam_subnet=f"{oam}.0/24",
        oam_gateway_ip=f"{oam}.1",
        oam_floating_ip=f"{oam}.2",
        oam_c0_ip=None if cloud.simplex else f"{oam}.3",
        oam_c1_ip=None if cloud.simplex else f"{oam}.4",
        isystem_uuid=system,
    )
    for name, size, volume in FILESYSTEMS:
        tables.new(ControllerFilesystem, name=name, size=size, logical_volume=volume, isystem_uuid=system)
    for service, section, name, value in PARAMETERS:
        tables.new(ServiceParameter, service=service, section=section, name=name, value=value)
    for kind in ("ssl", "docker_registry", "openldap"):
        tables.new(
            Certificate,
            certtype=kind,
            issuer="CN=starlingx",
            signature=f"{kind}_{system.replace('-', '')}",
            start_date="2026-01-01T00:00:00+00:00",
            expiry_date="2036-01-01T00:00:00+00:00",
            subject=f"CN=system-{kind.replace('_', '-')}-certificate",
        )
