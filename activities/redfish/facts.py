"""One look at a host's BMC, as facts: what rules decide on."""

from typing import Any

from activities.redfish import idrac, resources
from activities.redfish.client import Client, link
from activities.redfish.drives import drives_of
from activities.redfish.resources import action, allowed, target
from inventory.bmc import DeclaredBmc
from models.bmc import BmcFacts, Declared
from models.bmc_wire import Quirks
from models.timing import Timing


def facts(
    client: Client, declared: DeclaredBmc, quirks: Quirks, ours: tuple[str, ...], timing: Timing
) -> BmcFacts:
    """Raises NoAnswer, Rejected; Refused where no system can be told."""
    path, system = resources.find_system(client, declared)
    managers = [document for _, document in resources.managers_of(client, system)]
    who = resources.identity(client, system, managers, with_macs=declared.host.mac is not None)
    boot_path, boot = resources.boot_resource(client, path, system)
    reset = action(system, "#ComputerSystem.Reset")
    progress = system.get("BootProgress")
    return BmcFacts(
        identity=who,
        declared=Declared.model_validate(
            {key: getattr(declared.host, key) for key in ("serial", "uuid", "mac", "oam")}
        ),
        system=path,
        power=resources.power(system),
        override=resources.override(boot),
        boot_path=boot_path,
        boot_targets=allowed(boot, "BootSourceOverrideTarget"),
        boot_modes=allowed(boot, "BootSourceOverrideMode"),
        reset_types=allowed(reset, "ResetType"),
        reset_path=target(reset),
        slots=tuple(
            slot.model_copy(update={"inserted": not quirks.is_empty(who, slot)})
            for slot in drives_of(client, system, managers)
        ),
        attach_mode=idrac.attributes_of(client, managers)[1].get(idrac.ATTACHED, ""),
        boot_progress=str(progress.get("LastState") or "") if isinstance(progress, dict) else "",
        secure_boot=_secure_boot(client, system),
        ours=ours,
        authentication=client.authentication,
        unverified=declared.unverified,
        timing=timing,
    )


def _secure_boot(client: Client, system: dict[str, Any]) -> bool | None:
    found = resources.optional(client, link(system, "SecureBoot"))
    enabled = found.get("SecureBootEnable") if found else None
    return enabled if isinstance(enabled, bool) else None
