"""All settings of a worker process, from the environment (`STARFLOCK_...`) or a TOML file.

`STARFLOCK_CONFIG` names the file (default `starflock.toml` in the working directory, when there is one);
the environment wins. How to reach Temporal is not here: that is the standard `temporal` profile
(`TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`), which the `temporal` CLI reads too.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.base import Duration
from models.timing import Timing

ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$"


class ConnectionSettings(BaseSettings):
    """What everybody who speaks to Temporal needs to know."""

    model_config = SettingsConfigDict(env_prefix="STARFLOCK_", extra="ignore", use_attribute_docstrings=True)

    payload_keys: str = ""
    """ID=REFERENCE[,...], the first writes: payloads are encrypted. `off`: they are not, on purpose. Empty:
    only with the embedded server."""

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


class Settings(ConnectionSettings):
    model_config = SettingsConfigDict(extra="forbid")

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

    bmc_request_timeout_s: float = Field(default=30.0, gt=0, le=300)
    """One request to a BMC, never longer than `request_timeout_s`. They are slow, and silent while they
    restart."""
    bmc_at_once: int = Field(default=50, ge=1)
    """BMCs that are spoken to at the same time, a thread each; waits between two looks do not count."""
    bmc_per_site: int = Field(default=4, ge=1)
    """Of one site: its management network may be a thin line."""

    phone_home_listen: str = Field(default="", pattern=rf"^$|{ADDRESS}")
    """HOST:PORT where installed systems may call home; empty: nobody listens. Every worker needs it, or
    `phone_home_url` where another one listens."""
    phone_home_url: str = Field(default="", pattern=r"^$|^https?://[^\s/@]+(/[^\s]*)?$")
    """How installed systems reach it, e.g. http://10.10.10.2:8090; empty: http:// and the address itself."""

    codec_listen: str = Field(default="127.0.0.1:8081", pattern=ADDRESS)
    """HOST:PORT of `starflock codec-server`. It speaks HTTP: in a network it belongs behind a TLS proxy."""
    codec_origins: str = "http://127.0.0.1:8233,http://localhost:8233"
    """Where Temporal's UI is, as browsers say it; pages from elsewhere get nothing."""
    codec_tokens: str = ""
    """NAME=REFERENCE[,...]: who may read payloads there, by token or by signing in with it."""
    codec_userinfo: str = Field(default="", pattern=r"^$|^https?://[^\s@]+$")
    """The userinfo endpoint of the UI's single sign-on, which is asked for the access tokens it passes on."""

    metrics_listen: str = Field(default="", pattern=rf"^$|{ADDRESS}")
    """HOST:PORT where Prometheus finds this process's metrics; empty: nobody listens."""

    queues: str = Field(
        default="starflock,starflock-bmc", pattern=r"^starflock(-[a-z0-9]+)*(,starflock(-[a-z0-9]+)*)*$"
    )
    """What this process works on: a worker in the management network may serve `starflock-bmc` alone, one in
    a region that has a `queue` in the inventory that queue, and that of its BMCs: `starflock-east-bmc`. One
    that takes drills of backups serves `starflock-drills`, which needs the extra `embedded`."""
    deployment: str = Field(default="", pattern=r"^[A-Za-z0-9_-]*$")
    """Name of a worker deployment in Temporal; empty: workers are not versioned."""
    build: str = ""
    """This version of it; empty: Starflock's own."""
    versioning: Literal["pinned", "auto-upgrade"] = "pinned"
    """pinned: what has begun ends on the version that it began on, campaigns with their sites; auto-upgrade:
    it goes on with the current version, where its history has to replay."""

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
    def calls_at(self) -> str:
        """Where installed systems call home; empty where they do not."""
        return self.phone_home_url or (f"http://{self.phone_home_listen}" if self.phone_home_listen else "")

    @property
    def timing(self) -> Timing:
        return Timing(
            pace=self.pace, request_timeout_s=self.request_timeout_s, send_window_s=self.send_window_s
        )

    @property
    def records(self) -> str:
        return self.records_url or f"sqlite+aiosqlite:///{(self.data / 'records.db').absolute()}"
