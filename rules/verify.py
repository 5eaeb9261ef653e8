"""Is the release really in? What VIM says is held against USM, hosts, alarms and dcmanager.

A complaint may clear with time (a host that still boots, an alarm that FM clears late), so the workflow
asks again until a deadline; what is left then is the evidence.
"""

from models.site import Observation, SiteFacts
from rules.alarms import IGNORED_AFTER_PATCH, in_words, new_since


def complaints(
    release: str, before: SiteFacts, seen: Observation, ignored_alarms: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What speaks against `succeeded`, one line each; empty when nothing does."""
    if seen.site is None:
        return (f"the site does not answer: {seen.silence or seen.refusal}",)
    return tuple(_complaints(release, before, seen.site, frozenset(ignored_alarms)))


def _complaints(release: str, before: SiteFacts, now: SiteFacts, ignored: frozenset[str]) -> list[str]:
    found = []
    if now.region != before.region:
        found.append(f"another cloud answers: region {now.region}, before {before.region}")
    if now.release_state(release) not in ("deployed", "committed"):
        found.append(f"USM says {release} is {now.release_state(release) or 'not there'}")
    if now.deployment is not None:
        found.append(
            f"USM's deployment to {now.deployment.to_release} still stands at {now.deployment.state}"
        )
    found += [host.says for host in now.hosts if not host.in_service]
    gone = {host.name for host in before.hosts} - {host.name for host in now.hosts}
    found += [f"{name} is not in the host list any more" for name in sorted(gone)]
    new = new_since(before.alarms, now.alarms, IGNORED_AFTER_PATCH | ignored)
    if new:
        found.append(f"new alarms: {in_words(new)}")
    return found
