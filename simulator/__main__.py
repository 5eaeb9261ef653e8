"""`python -m simulator`: the command line of the simulated region."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator.cloud.durations import Knobs
from simulator.cloud.releases import Dialect
from simulator.options import Options, UsageError
from simulator.server import serve

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
    topology: Annotated[str, typer.Option(help="aio-sx, aio-dx or mixed.")] = "aio-sx",
    faults: Annotated[Path | None, typer.Option(help="YAML file of faults.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="HTTP instead of TLS.")] = False,
    base: Annotated[str | None, typer.Option(help="Loopback base, such as 127.77.0.0.")] = None,
    admin_port: Annotated[int, typer.Option(help="Port of the admin API; 0 for a free one.")] = 0,
    build_seconds: Annotated[float | None, typer.Option(help="Fix the strategy build, simulated s.")] = None,
    apply_seconds: Annotated[float | None, typer.Option(help="Fix the apply, simulated s.")] = None,
    reboot_seconds: Annotated[float | None, typer.Option(help="Fix the reboots, simulated s.")] = None,
    prestage_seconds: Annotated[float | None, typer.Option(help="Fix the prestage, simulated s.")] = None,
    straggler_share: Annotated[float, typer.Option(help="Share of sites that are slow, 0 to 1.")] = 0.0,
    straggler_factor: Annotated[float, typer.Option(help="How much slower those apply.")] = 6.0,
    not_prestaged: Annotated[
        list[str] | None, typer.Option(help="Site whose USM lacks the patches; '*' for all.")
    ] = None,
    already: Annotated[
        list[str] | None, typer.Option(help="Site that runs the in-service patch already; '*' for all.")
    ] = None,
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
        straggler_share=straggler_share,
        straggler_factor=straggler_factor,
    )
    options = Options(
        sites=sites,
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
        knobs=knobs,
    )
    try:
        options.check()
        asyncio.run(serve(options))
    except UsageError as wrong:
        typer.echo(f"simulator: {wrong}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    app()
