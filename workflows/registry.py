"""All workflows that a worker runs."""

from typing import Any

from workflows.patch import PatchSite

WORKFLOWS: list[type[Any]] = [PatchSite]
