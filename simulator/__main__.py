"""`python -m simulator`: the command line of the simulated region."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from simulator.bmc.flavours_table import DEFAULT_MIX
from simulator.cloud.durations import Knobs
from simulator.cloud.releases import Dialect
from simulator.described import read as read_region
from simulator.options import Options, UsageError
from simulator.server import serve
from simulator.twin import TwinError
from simulator.twin import read as read_twin

T = TypeVar("T")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    inventory: Annotated[Path, typer.Option(help="Where to write the inventory of the region.")],
    sites: Annotated[int, typer.Option(help="How many subclouds.")] = 3,
    seed: Annotated[int, typer.Option(help="Everything random comes from it.")] = 1,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second.")] = 1.0,
    dialect: Annotated[
        Dialect, typer.Option(help="Which release's wire contract to speak.")
    ] = Dialect.STX_12,
    topology: Annotated[
        str, typer.Option(help="aio-sx, aio-dx, by-turns, mixed, standard or standard-storage.")
    ] = "aio-sx",
    faults: Annotated[Path | None, typer.Option(help="YAML file of faults.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="HTTP instead of TLS.")] = False,
    base: Annotated[str | None, typer.Option(help="Loopback base, such as 127.77.0.0.")] = None,
    admin_port: Annotated[int, typer.Option(help="Port of the admin API; 0 for a free one.")] = 0,
    build_seconds: Annotated[float | None, typer.Option(help="Fix the strategy build, simulated s.")] = None,
    apply_seconds: Annotated[float | None, typer.Option(help="Fix the apply, simulated s.")] = None,
    reboot_seconds: Annotated[float | None, typer.Option(help="Fix the reboots, simulated s.")] = None,
    prestage_seconds: Annotated[float | None, typer.Option(help="Fix the prestage, simulated s.")] = None,
    install_seconds: Annotated[
        float | None, typer.Option(help="Fix the installation of a host, simulated s.")
    ] = None,
    bootstrap_seconds: Annotated[
        float | None, typer.Option(help="Fix the bootstrap of a subcloud by dcmanager, simulated s.")
    ] = None,
    straggler_share: Annotated[float, typer.Option(help="Share of sites that are slow, 0 to 1.")] = 0.0,
    straggler_factor: Annotated[float, typer.Option(help="How much slower those apply.")] = 6.0,
    not_prestaged: Annotated[
        list[str] | None, typer.Option(help="Site whose USM lacks the patches; '*' for all.")
    ] = None,
    already: Annotated[
        list[str] | None, typer.Option(help="Site that runs the in-service patch already; '*' for all.")
    ] = None,
    bmcs: Annotated[bool, typer.Option("--bmcs/--no-bmcs", help="A Redfish BMC for each host.")] = True,
    bmc_flavours: Annotated[
        str, typer.Option(help="Vendors that hosts take by turns, NAME[,NAME...].")
    ] = ",".join(DEFAULT_MIX),
    bare: Annotated[
        bool, typer.Option("--bare", help="All hosts off, disks blank: to be installed.")
    ] = False,
    bootstrapped: Annotated[
        bool, typer.Option("--bootstrapped", help="Sites as bootstrap.yml leaves them: to be brought up.")
    ] = False,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="The Kubernetes API of each site on port 6443.")
    ] = False,
    pods: Annotated[
        int,
        typer.Option(help="Deployments of two replicas with a budget that each site runs, and some others."),
    ] = 0,
    bare_pod: Annotated[
        bool, typer.Option("--bare-pod", help="One pod among them that nobody makes anew.")
    ] = False,
    ceph: Annotated[str, typer.Option(help="Ceph on each site: rook or bare-metal.")] = "",
    openstack: Annotated[
        bool, typer.Option("--openstack", help="OpenStack applied on each site, its APIs on port 8780.")
    ] = False,
    vms: Annotated[int, typer.Option(help="With --openstack: VMs that each site runs from the start.")] = 0,
    major: Annotated[
        str,
        typer.Option(help="The next major release: available everywhere, or deployed on the controller."),
    ] = "",
    installed: Annotated[
        bool,
        typer.Option("--installed", help="controller-0 of each site installed, to be bootstrapped by SSH."),
    ] = False,
    not_added: Annotated[
        list[str] | None,
        typer.Option(help="Site that dcmanager does not know yet, with the files to add it; '*' for all."),
    ] = None,
    install_values: Annotated[
        bool,
        typer.Option("--install-values", help="dcmanager can install sites in service anew, by their BMCs."),
    ] = False,
    controller_ssh: Annotated[
        bool,
        typer.Option("--controller-ssh", help="SSH to the system controller, with dcmanager's backups."),
    ] = False,
    site_ssh: Annotated[
        bool, typer.Option("--site-ssh", help="SSH to the sites is declared, for their own backup.yml.")
    ] = False,
    twin: Annotated[
        Path | None, typer.Option(help="YAML file of the one site that is simulated; with --sites 1.")
    ] = None,
    region: Annotated[
        Path | None, typer.Option(help="YAML file of the sites that are simulated, and what they run.")
    ] = None,
    link_ms: Annotated[float, typer.Option(help="Milliseconds of a round trip to a site.")] = 0.0,
    link_loss: Annotated[
        float, typer.Option(help="Percent of connections to sites that are cut, half of them after the fact.")
    ] = 0.0,
    die_with_parent: Annotated[bool, typer.Option("--die-with-parent", help="End when stdin ends.")] = False,
) -> None:
    """Serve a simulated StarlingX region on loopback addresses until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.WARNING, format="simulator: %(message)s")
    knobs = Knobs(
        seed=seed,
        build_seconds=build_seconds,
        apply_seconds=apply_seconds,
        reboot_seconds=reboot_seconds,
        prestage_seconds=prestage_seconds,
        install_seconds=install_seconds,
        bootstrap_seconds=bootstrap_seconds,
        straggler_share=straggler_share,
        straggler_factor=straggler_factor,
    )
    described = _read(read_region, region)
    options = Options(
        sites=sites if described is None else len(described.sites),
        inventory=inventory,
        seed=seed,
        speed=speed,
        dialect=dialect,
        topology=topology,
        base=base,
        plain=plain,
        faults=faults,
        admin_port=admin_port,
        die_with_parent=die_with_parent,
        not_prestaged=tuple(not_prestaged or ()),
        already=tuple(already or ()),
        bmcs=bmcs,
        bmc_flavours=tuple(name.strip() for name in bmc_flavours.split(",") if name.strip()),
        bare=bare,
        not_added=tuple(not_added or ()),
        bootstrapped=bootstrapped,
        installed=installed,
        kubernetes=kubernetes,
        pods=pods,
        bare_pod=bare_pod,
        ceph=ceph,
        major=major,
        openstack=openstack,
        vms=vms,
        install_values=install_values,
        site_ssh=site_ssh,
        controller_ssh=controller_ssh,
        link_ms=link_ms,
        link_loss=link_loss,
        twin=_read(read_twin, twin),
        described=described,
        knobs=knobs,
    )
    try:
        options.check()
        asyncio.run(serve(options))
    except (UsageError, TwinError) as wrong:
        typer.echo(f"simulator: {wrong}", err=True)
        sys.exit(2)


def _read(reads: Callable[[Path], T], file: Path | None) -> T | None:
    try:
        return reads(file) if file else None
    except TwinError as wrong:
        typer.echo(f"simulator: {wrong}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    app()
