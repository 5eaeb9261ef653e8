"""Applications that a site profile declares: where they come from, in which version, with which values.

A plain name stands for an application that the platform brings along and that shall be applied. Helm values
are a file, named by reference like a secret: they often hold passwords, so only the paths at which they
differ are ever told.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from models.base import Frozen, Name, SecretRef

TarballUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+/[^\s]*\.(tgz|tar\.gz)$")]
TarballPath = Annotated[str, StringConstraints(pattern=r"^/[^\s]*\.(tgz|tar\.gz)$")]
TarballFile = Annotated[str, StringConstraints(pattern=r"^.*\.(tgz|tar\.gz)$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$")]


class ChartOverrides(Frozen):
    """The user's values of one chart, all of them: what is set beyond the file goes."""

    chart: Name
    namespace: Name
    values: SecretRef
    """YAML, as file:PATH."""


class Application(Frozen):
    """In a file a bare name stands for a mapping that holds nothing else."""

    name: Name
    version: Version | None = None
    """What `system application-list` shows; none: that of the file, or whichever is there."""
    file: TarballFile | None = None
    """Its package beside the inventory, sent by the worker. sysinv takes it for the first upload only."""
    url: TarballUrl | None = None
    """Where sysinv fetches it."""
    path: TarballPath | None = None
    """On the site's controllers, e.g. /usr/local/share/applications/helm/oidc-auth-apps-24.09-1.tgz."""
    overrides: tuple[ChartOverrides, ...] = Field(default=())
    state: Literal["applied", "removed", "absent"] = "applied"
    """removed: not in the cluster, if uploaded; absent: not on the site either."""

    @property
    def source(self) -> str | None:
        """As sysinv is told of it."""
        return self.url or self.path

    @property
    def has_source(self) -> bool:
        return bool(self.file or self.source)

    @model_validator(mode="after")
    def _holds_together(self) -> "Application":
        if sum(each is not None for each in (self.file, self.url, self.path)) > 1:
            raise ValueError("expected one of file, url and path")
        if self.source is not None and self.version is None:
            raise ValueError("expected version beside url or path: nobody has looked into the package yet")
        if self.state != "applied" and (self.overrides or self.has_source or self.version):
            raise ValueError(f"version, source and overrides mean nothing for state {self.state}")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, full: SerializerFunctionWrapHandler) -> Any:
        fields = {key: value for key, value in full(self).items() if value not in (None, [], ())}
        return self.name if set(fields) == {"name", "state"} and self.state == "applied" else fields


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and isinstance(value.get("overrides"), list):
        # What a validator hands on is judged as Python, where only a tuple is one.
        return {**value, "overrides": tuple(value["overrides"])}
    return value


DeclaredApplication = Annotated[
    Application, BeforeValidator(_spelled_out, json_schema_input_type=Name | Application)
]
