"""What dcmanager checks of an enrolment (distcloud 8ae01823, `validate_enroll_parameter`).

The bootstrap values are judged as for a bootstrap; of the install values only the interface is wanted, and
the BMC's password where nobody is on site to present the seed image.
"""

import base64

from simulator.dcmanager import checks
from simulator.dcmanager.errors import DcError
from simulator.dcmanager.state import Deployment


def take_values(deployment: Deployment, fields: dict[str, str]) -> None:
    """Raises: DcError."""
    on_site = fields.get("on_site", "false").lower()
    if on_site not in ("true", "false"):
        raise DcError(400, f"Invalid on_site value: {on_site}")
    values = deployment.install
    if "install_values" in fields:
        values = checks.load(fields["install_values"], "install_values")
    if not values:
        raise DcError(400, "Install values is necessary for subcloud enrollment")
    if "bootstrap_interface" not in values:
        raise DcError(400, "Mandatory install value bootstrap_interface not present")
    if fields.get("bmc_password"):
        word = checks.password(fields, "bmc_password")
        values["bmc_password"] = base64.b64encode(word.encode()).decode()
    elif "bmc_password" not in values and on_site != "true":
        raise DcError(400, "bmc_password is necessary for subcloud enrollment")
    deployment.install, deployment.on_site = values, on_site == "true"
