"""structlog for ourselves, and the standard library's loggers (temporalio) through the same pipe."""

import logging
import sys

import structlog


def configure(form: str, level: str) -> None:
    """`form`: console or json; to standard error, so that standard output stays for results. Tracebacks are
    plain: a formatter that prints local variables would print secrets one day."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx2", "httpcore2", "aiosqlite", "keystoneauth", "redfish", "requests", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It logs each refusal as an error; ours say the same once, with their class.
    logging.getLogger("ironicclient").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
