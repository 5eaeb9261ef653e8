"""What the command line says of itself, word for word; and that it says so at once."""

import json
import subprocess
import sys

import pytest
import typer

from cli.app import app
from cli.exits import MEANING
from tests.cli.conftest import Run, matches_snapshot

COMMANDS = [
    "",
    "up",
    "worker",
    "demo",
    "freeze",
    "thaw",
    "schema",
    "exit-codes",
    "inventory",
    "inventory validate",
    "inventory show",
    "inventory import dcmanager",
    "site",
    "site patch",
    "site status",
    "site explain",
    "campaign",
    "campaign plan",
    "campaign start",
    "campaign list",
    "campaign show",
    "campaign watch",
    "campaign pause",
    "campaign resume",
    "campaign abort",
    "campaign approve",
    "campaign skip",
    "campaign retry",
    "campaign set",
    "campaign report",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run: Run, command: str) -> None:
    said = run(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    matches_snapshot("help" + "".join(f"-{word}" for word in command.split()), said.out)


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


def test_help_loads_nothing_heavy() -> None:
    """`--help` may take twice as long as typer and rich; Temporal or Pydantic alone would be more."""
    ask = "import sys, cli.app; cli.app.main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stderr
    heavy = {"temporalio", "pydantic", "sqlalchemy", "httpx2", "yaml", "jinja2", "asyncio"}
    assert heavy & set(loaded.split()) == set()
