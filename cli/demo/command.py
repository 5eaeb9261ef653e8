"""`starflock demo`: a simulated region, a real campaign, a worker killed in the middle, a verdict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import emit, facts, note, outcome, table

if TYPE_CHECKING:
    from cli.demo.house import House
    from cli.demo.scenario import Scenario
    from cli.demo.verdict import Night, Verdict


def demo(
    scenario: Annotated[
        Literal["patch", "install", "bringup", "upgrade", "backup", "restore", "windows"],
        typer.Argument(
            help="patch: sites to a release; install: bare servers through their BMCs; bringup: sites from "
            "powered-off servers to accepted; upgrade: sites with VMs and pods, host by host; backup: sites "
            "into an archive; restore: and back from it, by install and restore; windows: sites of "
            "four time zones, each in its own maintenance window."
        ),
    ] = "patch",
    sites: Annotated[
        int | None,
        typer.Option(
            help="Simulated subclouds; 200 are patched, 20 installed, 8 brought up, 9 upgraded (100 mixed), "
            "20 backed up, 12 restored, 11 worked on in their windows.",
            max=1000,
        ),
    ] = None,
    topology: Annotated[
        Literal["aio-sx", "aio-dx", "standard", "standard-storage", "mixed"] | None,
        typer.Option(
            help="Of the sites that are brought up, upgraded or restored; aio-sx where nothing is said. "
            "mixed: of ten sites seven AIO-SX, two AIO-DX, one Standard; to be upgraded."
        ),
    ] = None,
    kind: Annotated[
        Literal["patch", "major"] | None,
        typer.Option(
            help="What an upgrade brings: a patch that needs reboots (default), or a major release."
        ),
    ] = None,
    dialect: Annotated[
        Literal["12", "next"] | None,
        typer.Option(help="Which StarlingX an upgrade starts from: 12 (default), or the release after it."),
    ] = None,
    faults: Annotated[
        float | None,
        typer.Option(
            help="Percent of the sites that a fault strikes during an upgrade; 5 in a mixed region, else one "
            "of each kind.",
            min=0,
            max=50,
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            help="Simulated seconds per second; 120, for a bring-up and a mixed region 240.", min=1, max=600
        ),
    ] = None,
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
    """Patch, install, bring up, upgrade, back up or restore a simulated region; kill the worker half-way.

    Over real HTTP, with the real Temporal server; under three minutes on two cores. Exit code 0 if and only
    if every site ended as its faults dictate and nothing was sent twice.
    """
    import asyncio

    from cli.demo.run import default_folder

    chosen = _scenario(scenario, sites, speed, seed, topology, kind, dialect, faults)
    folder = data.resolve() if data else default_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Failure(Code.BAD_INPUT, f"--data: {folder} is not empty")
    verdict = asyncio.run(_demo(folder, chosen, kill_worker, keep, output))
    if not verdict.ok:
        raise typer.Exit(Code.BAD_END)


def _scenario(
    kind: str,
    sites: int | None,
    speed: float | None,
    seed: int,
    topology: Any,
    brings: Any,
    dialect: Any,
    faults: float | None,
) -> "Scenario":
    from cli.demo.backup import BackupScenario, RestoreScenario
    from cli.demo.bringup import BringUpScenario
    from cli.demo.install import InstallScenario
    from cli.demo.patch import PatchScenario
    from cli.demo.scenario import Scenario
    from cli.demo.upgrade import MIXED_FAULTS, MIXED_LEAST, MIXED_SITES, MIXED_SPEED, UpgradeScenario
    from cli.demo.windows import WindowsScenario

    several = (BringUpScenario.kind, UpgradeScenario.kind, RestoreScenario.kind)
    if topology is not None and kind not in several:
        raise Failure(Code.BAD_INPUT, f"--topology: the demo {kind} has sites of its own; leave it out")
    is_upgrade, is_mixed = kind == UpgradeScenario.kind, topology == "mixed"
    if is_upgrade and topology == "standard-storage":
        known = "aio-sx, aio-dx, standard and mixed"
        raise Failure(Code.BAD_INPUT, f"--topology: the demo upgrade has {known}, not {topology}")
    if is_mixed and not is_upgrade:
        raise Failure(Code.BAD_INPUT, f"--topology: the demo {kind} has sites of one kind; mixed is upgraded")
    if faults is not None and not is_upgrade:
        raise Failure(Code.BAD_INPUT, f"--faults: the demo {kind} has faults of its own; leave it out")
    if brings is not None and not is_upgrade:
        raise Failure(Code.BAD_INPUT, f"--kind: says what an upgrade brings; the demo {kind} has none")
    if dialect is not None and not is_upgrade:
        raise Failure(Code.BAD_INPUT, f"--dialect: says where an upgrade starts; the demo {kind} has none")
    shown = (PatchScenario, InstallScenario, BringUpScenario, UpgradeScenario, BackupScenario)
    scenarios = (*shown, RestoreScenario, WindowsScenario)
    of_kind: type[Scenario] = {each.kind: each for each in scenarios}[kind]
    least = MIXED_LEAST if is_mixed else of_kind.least_sites
    if sites is not None and sites < least:
        why = "one site of ten is Standard" if is_mixed else of_kind.why_least
        raise Failure(Code.BAD_INPUT, f"--sites: the demo {kind} needs at least {least}, for {why}")
    if is_mixed:
        sites, speed = sites or MIXED_SITES, speed or MIXED_SPEED
        faults = MIXED_FAULTS if faults is None else faults
    size = (sites or of_kind.usual_sites, speed or of_kind.usual_speed, seed)
    if of_kind is UpgradeScenario:
        return UpgradeScenario(*size, topology or "aio-sx", brings or "patch", faults, dialect or "12")
    if of_kind is RestoreScenario:
        return RestoreScenario(*size, topology or "aio-sx")
    return BringUpScenario(*size, topology or "aio-sx") if of_kind is BringUpScenario else of_kind(*size)


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
                ("accepted", f"{verdict.accepted} sites" if verdict.accepted else ""),
                ("sent twice", f"{verdict.duplicate_mutations} (worker killed {verdict.worker_kills} x)"),
                ("took", f"{verdict.wall_s:.0f} s, {ratio} of {verdict.ideal_s:.0f} s"),
                ("report", verdict.report),
                ("ui", verdict.ui),
            ]
        ),
    ]
    if verdict.nights:
        parts += ["", _nights(verdict.nights)]
    if verdict.outages:
        kept = [each for each in verdict.outages if each.kept_alive]
        never = sum(not each.outage_s for each in kept)
        parts.append(f"{never} of {len(kept)} workloads that can go on elsewhere were never away")
        away = [
            (each.site, each.workload, each.kind, f"{each.outage_s:g} s", each.missed)
            for each in sorted(verdict.outages, key=lambda each: not each.kept_alive)
            if each.outage_s
        ]
        parts += ["", table("site", "workload", "what it is", "away", "probes missed", rows=away[:20])]
    if verdict.unexpected:
        rows = [(each.site, each.expected, outcome(each.found)) for each in verdict.unexpected[:20]]
        parts += ["", table("site", "expected", "found", rows=rows)]
    return parts


def _nights(nights: "tuple[Night, ...]") -> Any:
    rows = [
        (
            night.site,
            night.timezone,
            ", ".join(night.windows) or "any time",
            night.began,
            "" if night.after_opening_s is None else f"{night.after_opening_s:g} s",
            night.held or ("yes" if night.in_window and night.done_in_window else ""),
        )
        for night in nights
    ]
    return table("site", "time zone", "windows", "began", "after it opened", "held, or kept to it", rows=rows)


def _around(running: "House") -> str:
    to_type = "\n".join(f"  starflock {each}" for each in running.scenario.to_look_around)
    return f"""
Everything stays up until Ctrl-C. To look around, in another terminal:
  export TEMPORAL_ADDRESS={running.server.address} STARFLOCK_UI={running.server.ui}
  export STARFLOCK_DATA={running.folder} STARFLOCK_INVENTORY={running.inventory}
  starflock campaign list
{to_type}
The simulated region: {running.region.admin.base_url} (GET /sites, /ledger, /expected)"""


def _say(output: str, text: str) -> None:
    if output != "json":
        note(text)
