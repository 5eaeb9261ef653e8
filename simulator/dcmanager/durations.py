"""How long the phases of a deployment take on one site, drawn once for each, in simulated seconds.

Ranges of the field: a playbook starts in seconds to a minute, the bootstrap of a controller takes 20 to 40
minutes, the deployment manager's configuration 5 to 15. The installation is the machine's own.
"""

import random
from dataclasses import dataclass

CAST_S = 1.0
"""From the API's answer until the manager has taken the request up."""


@dataclass(frozen=True, slots=True)
class DeployPace:
    """Simulated seconds of one site."""

    prepare: float
    """Each of pre-install, pre-bootstrap and pre-config."""
    bootstrap: float
    configure: float
    abort: float
    backup: float
    """Of the platform of an idle site: three to four minutes (StarlingX guide)."""
    restore: float
    """`restore_platform.yml` alone."""

    def times(self, factor: float) -> "DeployPace":
        return DeployPace(**{name: getattr(self, name) * factor for name in self.__slots__})


def draw(seed: int, site: str, bootstrap_seconds: float | None) -> DeployPace:
    dice = random.Random(f"{seed}/{site}/deploy")
    bootstrap = dice.uniform(1200, 2400)
    return DeployPace(
        prepare=dice.uniform(15, 60),
        configure=dice.uniform(300, 900),
        abort=dice.uniform(10, 40),
        bootstrap=bootstrap if bootstrap_seconds is None else bootstrap_seconds,
        backup=dice.uniform(180, 240),
        restore=dice.uniform(900, 1800) if bootstrap_seconds is None else bootstrap_seconds,
    )
