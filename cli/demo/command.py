"""`starflock demo`: a simulated region, a real campaign, a worker killed in the middle, a verdict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import emit, facts, note, outcome, table

if TYPE_CHECKING:
    from cli.demo.house import House
    from cli.demo.scenario import Scenario
    from cli.demo.verdict import Verdict


def demo(
    scenario: Annotated[Literal["patch"], typer.Argument(help="What to show.")] = "patch",
    sites: Annotated[int, typer.Option(help="Simulated subclouds.", min=12, max=1000)] = 200,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second.", min=1, max=600)] = 120.0,
    seed: Annotated[int, typer.Option(help="Durations of the sites follow from it.")] = 1,
    kill_worker: Annotated[
        bool, typer.Option("--kill-worker/--no-kill-worker", help="SIGKILL the worker half-way.")
    ] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Empty folder for all files; a new one without it.")
    ] = None,
    output: Annotated[
        Literal["table", "json"], typer.Option("-o", "--output", help="Form of the verdict.")
    ] = "table",
) -> None:
    """Patch a simulated region; kill the worker half-way.

    Over real HTTP, with the real Temporal server; under three minutes for 200 sites on two cores. Exit code 0
    if and only if every site ended as its faults dictate and nothing was sent twice.
    """
    import asyncio

    from cli.demo.run import default_folder
    from cli.demo.scenario import Scenario

    folder = data.resolve() if data else default_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Failure(Code.BAD_INPUT, f"--data: {folder} is not empty")
    verdict = asyncio.run(_demo(folder, Scenario(sites, speed, seed), kill_worker, keep, output))
    if not verdict.ok:
        raise typer.Exit(Code.BAD_END)


async def _demo(folder: Path, scenario: "Scenario", kill_worker: bool, keep: bool, output: str) -> "Verdict":
    import asyncio

    from cli.demo.house import house
    from cli.demo.run import Demo
    from cli.demo.screen import screen
    from cli.processes import ended_by_sigterm

    with ended_by_sigterm(), screen(output) as show:
        _say(output, f"{scenario.sites} simulated sites at {scenario.speed:g} x, files in {folder}")
        async with house(folder, scenario) as running:
            _say(output, f"Temporal {running.server.address}, UI {running.server.ui}")
            verdict = await Demo(running, kill_worker=kill_worker, show=show).run()
            show.end()
            emit("json" if output == "json" else "table", verdict, lambda: _words(verdict))
            if keep:
                note(_around(running))
                await asyncio.Event().wait()
    return verdict


def _words(verdict: "Verdict") -> list[Any]:
    from rich.text import Text

    counts = Text(", ").join(
        Text.assemble(f"{count} ", outcome(word)) for word, count in verdict.outcomes.items()
    )
    good = Text("as the faults dictate, nothing sent twice", "bold green")
    ratio = f"{verdict.wall_s / verdict.ideal_s:.2f} x the ideal" if verdict.ideal_s else "no ideal"
    parts: list[Any] = [
        "",
        facts(
            [
                (
                    "verdict",
                    good if verdict.ok else Text(f"not as it should be: {verdict.reason}", "bold red"),
                ),
                ("sites", Text.assemble(f"{verdict.sites}: ", counts)),
                ("sent twice", f"{verdict.duplicate_mutations} (worker killed {verdict.worker_kills} x)"),
                ("took", f"{verdict.wall_s:.0f} s, {ratio} of {verdict.ideal_s:.0f} s"),
                ("report", verdict.report),
                ("ui", verdict.ui),
            ]
        ),
    ]
    if verdict.unexpected:
        rows = [(each.site, each.expected, outcome(each.found)) for each in verdict.unexpected[:20]]
        parts += ["", table("site", "expected", "found", rows=rows)]
    return parts


def _around(running: "House") -> str:
    return f"""
Everything stays up until Ctrl-C. To look around, in another terminal:
  export TEMPORAL_ADDRESS={running.server.address} STARFLOCK_UI={running.server.ui}
  export STARFLOCK_DATA={running.folder} STARFLOCK_INVENTORY={running.inventory}
  starflock campaign show {running.scenario.name}
  starflock site status edge-0001
  starflock site explain edge-0001 --release starlingx-26.03.2
The simulated region: {running.admin.base_url} (GET /sites, /ledger, /expected)"""


def _say(output: str, text: str) -> None:
    if output != "json":
        note(text)
