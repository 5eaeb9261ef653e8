"""What a drill of a backup proves, from what was found of it; and what it never proves.

dcmanager restores a backup to the subcloud that it is of and to no other (`dcmanager subcloud-backup restore
--subcloud`, distcloud; StarlingX, restore platform system data: same hardware, same release), so nothing can
be restored into a spare site that lives. What can be proven without harm: the backup is whole, it has what a
restore asks for and is of the site as it is declared, and it goes through a whole restore into a simulated
twin.
"""

from collections.abc import Sequence

from models.acceptance import AcceptanceReport
from models.archive import Manifest, Verification
from models.deploy import SubcloudFacts
from models.drill import Content, DrillCandidate, DrillCheck, Twin, TwinHost
from models.inventory import Site
from models.outcome import Outcome
from models.platform import own_archives
from models.restore import BackupFacts, RestoreResult, RestoreSiteRequest, recorded_hosts
from models.site_record import SiteRecord
from rules.restore import archive_gate, major
from rules.restore_hosts import hosts_gate

SIMULATED = {"26.03": "12", "26.09": "next"}
"""Releases that the simulator speaks, and by which name it is asked for them."""
SHOWN = 3
LISTED = 50
NOT_PROVEN = (
    "that the platform boots: a simulated twin was restored, the archive's content was carried and its "
    "structure read",
    "that the site's BMCs, network and system controller do their part on the day",
)
OF_A_PLATFORM = (
    "that the twin is what the record says: an archive of a real platform is not booted, so the twin came "
    "back as it was built, with the site's names, hosts and MACs and without its configuration"
)
OF_TENANTS = ("claim ", "VM ")
"""What the record has beside the platform, and no restore of a platform brings."""


def whole(found: Verification) -> DrillCheck:
    if found.good:
        words = f"{found.objects} objects, {found.stored_size} bytes: read, decrypted, as they were signed"
        return DrillCheck(name="whole", passed=True, found=words)
    said = [f"{each.name or 'manifest'}: {each.complaint}, {each.words}" for each in found.faults[:SHOWN]]
    return DrillCheck(name="whole", passed=False, found="; ".join(said))


def asked_for(site: Site, manifest: Manifest, record: SiteRecord | None, reason: str) -> DrillCheck:
    """`site` as it is declared today, `reason` why there is no record."""
    words = _lacking(site, manifest, record, reason)
    hosts = ", ".join(host.name for host in record.hosts) if record else ""
    good = f"platform and record of {manifest.origin.release}, {manifest.origin.topology}: {hosts}"
    return DrillCheck(name="asked for", passed=not words, found=words or good)


def platform_of(manifest: Manifest) -> str:
    """The object that dcmanager's vault gets back; empty where there is none."""
    kept = (each for each in manifest.objects if each.kind == "platform")
    return next((each.name for each in kept if each.about.get("from") == "controller"), "")


def _lacking(site: Site, manifest: Manifest, record: SiteRecord | None, reason: str) -> str:
    if own_archives(manifest):
        return "the site's own backup.yml has made it, and a twin is restored as dcmanager restores"
    if record is None:
        return reason
    platform = platform_of(manifest)
    if not platform:
        where = "; ".join(each.where for each in manifest.elsewhere) or "nowhere else"
        return (
            f"the platform's archive is not in it as dcmanager wants it back ({where}): declare ssh of the "
            "system controller and back up again"
        )
    request = RestoreSiteRequest(site=site.name)
    facts = BackupFacts(
        backup=manifest.backup,
        origin=manifest.origin,
        hosts=recorded_hosts(record, site.hosts),
        profiled=site.profile is not None,
        platform=platform,
    )
    # What dcmanager would say can only be known from it: it is taken to know the site as it was.
    subcloud = SubcloudFacts(
        name=site.subcloud_name,
        found=True,
        region=manifest.origin.region,
        software_version=major(manifest.origin.release),
    )
    gate = archive_gate(request, facts, site.topology, site.system_controller, subcloud)
    return gate.why or hosts_gate(request, facts).why


def readable(found: Content) -> DrillCheck:
    words = {
        "platform": f"a compressed tar of {found.members} members",
        "simulated": "made by a simulated site",
    }
    good = words.get(found.kind, "")
    return DrillCheck(name="readable", passed=bool(good), found=good or found.words)


def simulated(manifest: Manifest) -> DrillCheck:
    release = major(manifest.origin.release)
    found = f"a twin of {release}"
    if release not in SIMULATED:
        found = f"the simulator has {', '.join(SIMULATED)}, and no {release}: nothing was restored"
    return DrillCheck(name="simulated", passed=release in SIMULATED, found=found)


def twin_of(record: SiteRecord) -> Twin:
    """Controllers first; a host without a known MAC, of old records, is left to the simulator's own."""
    order = ("controller", "storage", "worker")
    hosts = sorted(record.hosts, key=lambda host: (order.index(host.personality), host.name))
    return Twin.model_validate(
        {
            "site": record.site,
            "subcloud": record.subcloud,
            "region": record.region,
            "topology": record.topology,
            "hosts": [
                TwinHost(
                    name=host.name,
                    personality=host.personality,
                    mac=record.macs.get(host.name) or f"02:00:5e:00:00:{place:02x}",
                )
                for place, host in enumerate(hosts, 1)
            ],
        }
    )


def restored(found: RestoreResult) -> DrillCheck:
    return DrillCheck(name="restored", passed=found.outcome is Outcome.SUCCEEDED, found=found.reason)


def as_recorded(found: RestoreResult, content: Content) -> DrillCheck | None:
    """None for a real platform, whose twin has none of its configuration: nothing could be said by it."""
    if content.kind != "simulated":
        return None
    lines = [line for line in found.differences if not line.startswith(OF_TENANTS)]
    more = f": {'; '.join(lines[:SHOWN])}" if lines else ""
    words = f"{found.compared} facts compared, {'some' if lines else 'none'} differ{more}"
    return DrillCheck(name="as recorded", passed=not lines and found.compared > 0, found=words)


def accepted(found: AcceptanceReport) -> DrillCheck:
    failed = [check for check in found.checks if not check.passed]
    words = f"{len(found.checks)} checks, {len(failed) or 'none'} failed"
    said = [f"{check.name}: {check.found}, wanted {check.wanted}" for check in failed[:SHOWN]]
    return DrillCheck(
        name="accepted", passed=found.accepted, found=": ".join([words, "; ".join(said)]) if said else words
    )


def not_proven(manifest: Manifest, record: SiteRecord | None, content: Content | None) -> tuple[str, ...]:
    left = list(NOT_PROVEN)
    if any(each.kind == "volume" for each in manifest.objects):
        left.append("that volumes can be restored: they were read and verified, and put nowhere")
    if record is not None and record.tenants and (record.tenants.vms or record.tenants.claims):
        left.append("that VMs and claims are there again: they are no part of a platform's archive")
    left += [f"{each.kind} {each.name}: {each.where}, under no hash of ours" for each in manifest.elsewhere]
    if content is not None and content.kind == "platform":
        left.append(OF_A_PLATFORM)
    return tuple(left)


def longest_undrilled(candidates: Sequence[DrillCandidate], count: int) -> tuple[DrillCandidate, ...]:
    """Those that were never drilled first, in the inventory's order; then the oldest drills."""
    able = [each for each in candidates if each.backup]
    never = [each for each in able if each.drilled is None]
    once = sorted(
        ((each.drilled, each) for each in able if each.drilled is not None), key=lambda pair: pair[0]
    )
    return tuple([*never, *(each for _, each in once)][:count])


def no_drill(candidates: Sequence[DrillCandidate]) -> tuple[str, ...]:
    """Sites with an archive of which nothing could be drilled, and why; the first of them."""
    lacking = [each for each in candidates if not each.backup]
    said = [f"{each.site}: {each.trouble or 'it has no backup'}" for each in lacking[:LISTED]]
    return (*said, *([f"and {len(lacking) - LISTED} more"] if len(lacking) > LISTED else []))
