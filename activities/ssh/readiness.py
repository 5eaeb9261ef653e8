"""What workflows ask of a host before its own backup.yml is started there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.ssh.errors import SshTrouble, failure
from models.bootstrap import BackupHost, BootstrapRef

if TYPE_CHECKING:
    from activities.ssh.hosts import Hosts

TOPOLOGY = {"simplex": "AIO-SX", "duplex": "AIO-DX", "duplex-direct": "AIO-DX"}
"""Of an all-in-one system, by `system_mode` of platform.conf."""


@dataclass
class ReadinessLooks:
    hosts: "Hosts"

    @activity.defn
    async def look_at_backup_host(self, ref: BootstrapRef) -> BackupHost:
        declared = self.hosts.declared(ref.site, "backup")
        try:
            async with self.hosts.visit(declared) as session:
                installed = await self.hosts.look(declared, session)
                lines = (await session.run("ready")).splitlines()
        except SshTrouble as error:
            raise failure(error) from error
        said = dict(line.partition(" ")[::2] for line in lines)
        is_all_in_one = said.get("system_type", "") == "All-in-one"
        mode = said.get("system_mode", "")
        return BackupHost(
            installed=installed,
            playbook="playbook" in said,
            active="active" in said,
            flag_s=int(said["flag"]) if "flag" in said else None,
            home_mib=int(said.get("home") or 0),
            release=said.get("sw_version", ""),
            region=said.get("region_name", ""),
            topology=TOPOLOGY.get(mode, mode) if is_all_in_one else said.get("system_type", ""),
            is_system_controller=said.get("distributed_cloud_role") == "systemcontroller",
            attempt=activity.info().attempt,
        )
