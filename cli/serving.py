"""What runs beside the workers of an installation: the codec server, and the set-up of its namespace."""

from typing import Annotated

import typer

from cli.exits import Code, Failure
from cli.output import Form, FormOption


def codec_server() -> None:
    """Open payloads for Temporal's UI (settings: STARFLOCK_CODEC_...)."""
    import asyncio

    from workers.codec_server import serve
    from workers.logs import configure
    from workers.settings import Settings

    settings = Settings()
    configure(settings.log_format, settings.log_level)
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        words = f"nobody can listen at {settings.codec_listen}: {error.strerror or error}"
        raise Failure(Code.NO_SERVER, words) from error


def setup(
    retention_days: Annotated[
        int, typer.Option("--retention-days", min=1, help="How long Temporal keeps histories that ended.")
    ] = 30,
    output: FormOption = "table",
) -> None:
    """Make the Temporal namespace ready; again at will."""
    from cli.session import run

    run(_set_up(retention_days, output))


async def _set_up(retention_days: int, output: Form) -> None:
    from datetime import timedelta

    from cli.output import emit, facts
    from cli.session import connected
    from workers.namespace import set_up

    client = await connected()
    done = await set_up(client, timedelta(days=retention_days))
    said = {
        "namespace": client.namespace,
        "created": done.was_created,
        "retention_days": retention_days,
        "retention_days_before": done.retention_was / timedelta(days=1),
        "search_attributes_added": list(done.attributes_added),
    }
    rows = [
        ("namespace", f"{client.namespace}, {'made' if done.was_created else 'was there'}"),
        ("retention", f"{retention_days} days (was {said['retention_days_before']:g})"),
        ("search attributes", ", ".join(done.attributes_added) or "all were there"),
    ]
    emit(output, said, lambda: [facts(rows)])
