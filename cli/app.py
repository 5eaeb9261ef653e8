"""`starflock`: the command line. Here the nouns are put together; each has a module of its own.

The nouns and verbs are those of the dcmanager CLI where there is one. `--help` must come at once, so this
module and the signatures of commands import typer alone; everything else is loaded by the command that runs.
Help is plain text for the same reason: typer would load a Markdown parser to draw frames around it.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import (
    backing_up,
    backup,
    bootstrap,
    campaign,
    configure,
    control,
    drilling,
    exits,
    fetching,
    freeze,
    host,
    host_maintenance,
    inventory,
    rehearse,
    release,
    report,
    schedule,
    serving,
    site,
    subcloud,
    up,
    upgrade,
    verify,
)
from cli.demo import command as demo
from cli.output import FormOption

app = typer.Typer(
    name="starflock",
    help="Carry changes through fleets of StarlingX edge clouds, durably.",
    epilog="Exit codes: `starflock exit-codes`. Settings: STARFLOCK_INVENTORY, STARFLOCK_DATA, "
    "TEMPORAL_ADDRESS. See docs/reference/cli.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
campaign.app.registered_commands += (
    rehearse.app.registered_commands + control.app.registered_commands + report.app.registered_commands
)
site.app.registered_commands += (
    bootstrap.app.registered_commands
    + backing_up.app.registered_commands
    + configure.app.registered_commands
    + upgrade.app.registered_commands
    + verify.app.registered_commands
)
backup.app.registered_commands += fetching.app.registered_commands + drilling.app.registered_commands
host.app.registered_commands += host_maintenance.app.registered_commands
app.add_typer(campaign.app)
app.add_typer(site.app)
app.add_typer(subcloud.app)
app.add_typer(backup.app)
app.add_typer(host.app)
app.add_typer(inventory.app)
app.add_typer(release.app)
app.add_typer(schedule.app)
app.command("schema")(inventory.schema)
app.command("freeze")(freeze.freeze)
app.command("thaw")(freeze.thaw)
app.command("up")(up.up)
app.command("worker")(up.worker)
app.command("codec-server")(serving.codec_server)
app.command("setup")(serving.setup)
app.command(
    "simulate",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(up.simulate)
app.command("demo")(demo.demo)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"starflock {version('starflock')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Which version this is.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    if debug:
        os.environ["STARFLOCK_DEBUG"] = "1"


@app.command("exit-codes")
def exit_codes(output: FormOption = "table") -> None:
    """What the exit codes mean."""
    from cli.output import emit, table

    rows = [(int(code), meaning) for code, meaning in exits.MEANING.items()]
    emit(
        output,
        [{"code": code, "meaning": meaning} for code, meaning in rows],
        lambda: [table("code", "meaning", rows=rows)],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code; as the process's own command line it ends the process.

    Without the interpreter's finalization there: the threads of the Temporal runtime have no end of their
    own, and one that delivers an answer while Python takes itself apart aborts the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    code = exits.guarded(lambda: app(args=given, prog_name="starflock"))
    if arguments is None and "temporalio" in sys.modules:
        exits.leave(code)
    return code
