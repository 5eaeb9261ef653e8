"""All settings of a worker process, from the environment (`STARFLOCK_...`) or a TOML file.

`STARFLOCK_CONFIG` names the file (default `starflock.toml` in the working directory, when there is one);
the environment wins. How to reach Temporal is not here: that is the standard `temporal` profile
(`TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`), which the `temporal` CLI reads too.
"""

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.base import Duration
from models.timing import Timing


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="STARFLOCK_", extra="forbid", use_attribute_docstrings=True)

    inventory: Path = Path("inventory.yaml")
    """What is declared; reloaded when it changes."""
    data: Path = Path("starflock-data")
    """Folder of the embedded server's database, the records and the reports."""
    records_url: str = ""
    """SQLAlchemy URL of the records; empty: SQLite in the data folder."""

    embedded: bool = False
    """The Temporal server is ours, on this machine. Only then may time be compressed."""
    pace: float = Field(default=1.0, gt=0, le=10_000)
    """Divides every product interval; for simulations."""

    request_timeout_s: float = Field(default=40.0, gt=0, le=300)
    """One HTTP request. The VIM's API waits 30 s for its engine, so less than that loses answers."""
    send_window_s: float = Field(default=5.0, gt=0, le=60)
    """A mutating activity sends within so many seconds of its start, or not at all."""
    max_connections: int = Field(default=400, ge=10)
    """Open connections per trust anchor; bounds file descriptors."""

    max_activities: int = Field(default=1500, ge=1)
    """Activities at once in this process. A wait is one, and sleeps nearly always."""
    max_workflow_tasks: int = Field(default=40, ge=1)
    """Workflow tasks at once; more than cores only hides latency."""
    max_cached_workflows: int = Field(default=1500, ge=0)
    """Workflows kept in memory between tasks; each costs about 100 kB, and a miss costs a replay."""
    graceful_shutdown: Duration = timedelta(seconds=60)
    """Mutations in flight may end; waits hand over at once."""
    log_format: str = Field(default="console", pattern="^(console|json)$")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    @field_validator("pace")
    @classmethod
    def _pace_only_when_embedded(cls, pace: float, info: ValidationInfo) -> float:
        if pace != 1.0 and not info.data.get("embedded"):
            raise ValueError(
                "pace compresses time for simulations and is accepted only with the embedded server "
                f"(embedded is false, pace is {pace:g})"
            )
        return pace

    @property
    def timing(self) -> Timing:
        return Timing(
            pace=self.pace, request_timeout_s=self.request_timeout_s, send_window_s=self.send_window_s
        )

    @property
    def records(self) -> str:
        return self.records_url or f"sqlite+aiosqlite:///{(self.data / 'records.db').absolute()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = os.environ.get("STARFLOCK_CONFIG", "starflock.toml")
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path))
