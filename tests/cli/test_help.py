"""What the command line says of itself, word for word; and that it says so at once."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from cli.app import app
from cli.exits import MEANING
from tests.cli.conftest import QUIET, WRITE, Run, matches_snapshot

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = [
    "",
    "up",
    "worker",
    "codec-server",
    "setup",
    "demo",
    "freeze",
    "thaw",
    "schema",
    "exit-codes",
    "inventory",
    "inventory validate",
    "inventory show",
    "inventory import dcmanager",
    "inventory import hosts-xml",
    "site",
    "site patch",
    "site status",
    "site explain",
    "site plan",
    "site bootstrap",
    "site bring-up",
    "site configure",
    "site upgrade",
    "site rollback",
    "site approve",
    "site pause",
    "site resume",
    "site end",
    "site backup",
    "site restore",
    "site compare",
    "site verify",
    "backup",
    "backup list",
    "backup show",
    "backup verify",
    "backup fetch",
    "backup drill",
    "backup expire",
    "backup hold",
    "backup release",
    "release",
    "release upload",
    "subcloud",
    "subcloud add",
    "subcloud show",
    "subcloud manage",
    "subcloud unmanage",
    "subcloud update",
    "subcloud redeploy",
    "subcloud delete",
    "host",
    "host install",
    "host approve-wipe",
    "host inventory",
    "host power",
    "host sensors",
    "host maintain",
    "host reboot",
    "host lock",
    "host unlock",
    "host swact",
    "host done",
    "schedule",
    "schedule apply",
    "schedule list",
    "schedule show",
    "schedule pause",
    "schedule resume",
    "schedule trigger",
    "schedule delete",
    "campaign",
    "campaign plan",
    "campaign rehearse",
    "campaign start",
    "campaign list",
    "campaign show",
    "campaign watch",
    "campaign pause",
    "campaign resume",
    "campaign abort",
    "campaign approve",
    "campaign skip",
    "campaign force-windows",
    "campaign override-hold",
    "campaign retry",
    "campaign set",
    "campaign report",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run: Run, command: str) -> None:
    said = run(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    matches_snapshot("help" + "".join(f"-{word}" for word in command.split()), said.out)


def test_the_reference_says_what_the_commands_say(run: Run) -> None:
    """`STARFLOCK_SNAPSHOTS=write` writes the page anew; a command that it lacks wants a heading first."""
    page = (DOCS / "reference/cli.md").read_text()
    told: list[str] = []

    def block(found: re.Match[str]) -> str:
        told.append(found[1].removeprefix("starflock "))
        said = _of_simulator() if told[-1] == "simulate" else run(*told[-1].split(), "--help").out
        text = "\n".join(line.rstrip() for line in said.strip("\n").splitlines())
        return f"### {found[1]}\n\n```\n{text}\n```"

    now = re.sub(r"### (starflock [^\n]*)\n\n```\n(.*?)\n```", block, page, flags=re.DOTALL)
    if WRITE:
        (DOCS / "reference/cli.md").write_text(now)
    assert now == page
    groups = {command for command in COMMANDS if any(other.startswith(f"{command} ") for other in COMMANDS)}
    assert set(COMMANDS) - groups - {""} <= set(told)


def _of_simulator() -> str:
    """`starflock simulate` becomes another program."""
    env = os.environ | QUIET | {"COLUMNS": "96"}
    command = [sys.executable, "-m", "simulator", "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def _found(group: typer.Typer, before: str = "") -> set[str]:
    names = {before}
    for command in group.registered_commands:
        assert command.callback is not None
        names.add(f"{before} {command.name or command.callback.__name__}".strip())
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        names |= _found(inner.typer_instance, f"{before} {inner.typer_instance.info.name}".strip())
    return names


def test_every_command_has_its_help_here() -> None:
    elsewhere = {"simulate", "inventory import"}
    assert _found(app) - elsewhere == set(COMMANDS)


@pytest.mark.parametrize("kind", ["inventory", "campaign"])
def test_schemas_are_json_schemas(run: Run, kind: str) -> None:
    said = run("schema", kind)
    schema = json.loads(said.out)
    assert said.code == 0
    assert schema["$schema"].endswith("2020-12/schema")
    assert "properties" in schema


def test_exit_codes_are_told_in_every_form(run: Run) -> None:
    matches_snapshot("exit-codes", run("exit-codes").out)
    told = json.loads(run("exit-codes", "-o", "json").out)
    assert {each["code"] for each in told} == {int(code) for code in MEANING}
    assert run("exit-codes", "-o", "yaml").out.startswith("- code: 0\n  meaning: done as asked\n")


def test_the_version_is_told_without_a_command(run: Run) -> None:
    said = run("--version")
    assert (said.code, said.out) == (0, f"starflock {version('starflock')}\n")


def test_help_loads_nothing_heavy() -> None:
    """`--help` may take twice as long as typer and rich; Temporal or Pydantic alone would be more."""
    ask = "import sys, cli.app; cli.app.main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stderr
    heavy = {"temporalio", "pydantic", "sqlalchemy", "httpx2", "yaml", "jinja2", "asyncio"}
    assert heavy & set(loaded.split()) == set()
