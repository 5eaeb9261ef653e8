"""`starflock campaign pause|resume|abort|approve|skip|force-windows|retry|set`: said to a running campaign.

Each is one update of the workflow. What it refuses, it refuses in words that are printed as they are.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit
from cli.words import ByOption, CampaignName, ReasonOption

if TYPE_CHECKING:
    from cli.output import Form

app = typer.Typer()
Sites = Annotated[list[str], typer.Argument(metavar="SITE", help="Sites.")]
Mode = Annotated[
    Literal["drain", "stop"],
    typer.Option(help="drain: sites in work go on to their end; stop: they end at a safe point."),
]


def _tell(name: str, update: str, request: Any, form: "Form") -> None:
    from cli.session import campaign_of, connected, run, tell
    from models.campaign import Answer

    async def work() -> Answer:
        return await tell(campaign_of(await connected(), name), f"campaign {name}", update, request)

    answer = run(work())
    emit(form, answer, lambda: [answer.message])


@app.command()
def pause(name: CampaignName, reason: ReasonOption, by: ByOption, output: FormOption = "table") -> None:
    """Start nothing new; sites in work go on to their end."""
    from models.campaign import PauseRequest

    _tell(name, "pause", PauseRequest(reason=reason, owner=by), output)


@app.command()
def resume(name: CampaignName, by: ByOption, output: FormOption = "table") -> None:
    """Go on after a pause; a budget that was spent is forgiven."""
    from models.campaign import ResumeRequest

    _tell(name, "resume", ResumeRequest(owner=by), output)


@app.command()
def abort(
    name: CampaignName,
    reason: ReasonOption,
    by: ByOption,
    mode: Mode = "drain",
    output: FormOption = "table",
) -> None:
    """End it for good."""
    from models.campaign import AbortRequest

    _tell(name, "abort", AbortRequest(mode=mode, reason=reason, owner=by), output)


@app.command()
def approve(
    name: CampaignName,
    gate: Annotated[str, typer.Argument(metavar="GATE", help="Such as after-wave-1.")],
    by: ByOption,
    output: FormOption = "table",
) -> None:
    """Open a gate between two waves."""
    from models.campaign import ApproveRequest

    _tell(name, "approve", ApproveRequest(gate=gate, owner=by), output)


@app.command()
def skip(name: CampaignName, sites: Sites, by: ByOption, output: FormOption = "table") -> None:
    """Take sites out that have not begun."""
    from models.campaign import SkipRequest

    _tell(name, "skip", SkipRequest(sites=tuple(sites), owner=by), output)


@app.command("force-windows")
def force_windows(
    name: CampaignName, sites: Sites, reason: ReasonOption, by: ByOption, output: FormOption = "table"
) -> None:
    """Let sites that have not begun start outside of their maintenance windows."""
    from models.windows import ForceWindowsRequest

    request = ForceWindowsRequest(sites=tuple(sites), reason=reason, owner=by)
    _tell(name, "force_windows", request, output)


@app.command("override-hold")
def override_hold(
    name: CampaignName, sites: Sites, reason: ReasonOption, by: ByOption, output: FormOption = "table"
) -> None:
    """Let sites that have not begun start although their own people hold them; it stands in the log."""
    from models.campaign import OverrideHoldRequest

    request = OverrideHoldRequest(sites=tuple(sites), reason=reason, owner=by)
    _tell(name, "override_hold", request, output)


@app.command()
def retry(
    name: CampaignName,
    by: ByOption,
    sites: Annotated[
        list[str] | None, typer.Argument(metavar="SITE", help="Without any: all that ended badly.")
    ] = None,
    output: FormOption = "table",
) -> None:
    """Give sites that ended badly another run; a deployment that we left half-way is carried on."""
    from models.campaign import RetryRequest

    _tell(name, "retry", RetryRequest(sites=tuple(sites or ()), owner=by), output)


@app.command("set")
def set_limits(
    name: CampaignName,
    by: ByOption,
    max_in_flight: Annotated[int | None, typer.Option(help="Sites in work at once.")] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=N", help="Sites in work at once per value of a label; repeatable."),
    ] = None,
    wan: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=RATE", help="WAN budget per value of a label, such as 50MB; repeatable."),
    ] = None,
    failed: Annotated[str | None, typer.Option(metavar="N|N%", help="Budget of failed sites.")] = None,
    unreachable: Annotated[str | None, typer.Option(metavar="N|N%", help="Of unreachable ones.")] = None,
    wave_failed: Annotated[str | None, typer.Option(metavar="N|N%", help="Of failed in one wave.")] = None,
    consecutive: Annotated[int | None, typer.Option(help="Bad ends in a row.")] = None,
    on_spent: Annotated[
        Literal["pause", "abort"] | None, typer.Option(help="What a spent budget does.")
    ] = None,
    output: FormOption = "table",
) -> None:
    """Change window and budget from now on; what is not named stays."""
    from models.campaign import SetRequest

    named = {
        "failed": _quota(failed),
        "unreachable": _quota(unreachable),
        "wave_failed": _quota(wave_failed),
        "consecutive": consecutive,
        "on_spent": on_spent,
    }
    request: dict[str, Any] = {
        "max_in_flight": max_in_flight,
        "by": dict(_cap(each) for each in cap or ()) or None,
        "wan": dict(_rate(each) for each in wan or ()) or None,
        "budget": {key: value for key, value in named.items() if value is not None} or None,
        "owner": by,
    }
    SetRequest.model_validate(request)
    # Sent as it was said: a model would fill the budget up with defaults, and "absent stays" would be lost.
    _tell(name, "set", request, output)


def _rate(text: str) -> tuple[str, str]:
    from models.base import parse_rate

    label, _, rate = text.partition("=")
    try:
        return label, parse_rate(rate)
    except ValueError as error:
        raise Failure(Code.BAD_INPUT, f"--wan LABEL=RATE: {error}; found {text!r}") from None


def _quota(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text


def _cap(text: str) -> tuple[str, int]:
    label, _, number = text.partition("=")
    if not label or not number.isdigit() or int(number) < 1:
        raise Failure(Code.BAD_INPUT, f"--cap: expected LABEL=N such as coverage=1, found {text!r}")
    return label, int(number)
