"""Hosts that runs of ours took out of service and never gave back, because somebody terminated them.

Host maintenance and upgrades put them right by themselves; every other change waits, and says what to do.
"""

from models.site import Observation


def left_out(site: str, seen: Observation) -> str:
    """In words; empty where there are none."""
    return "; ".join(
        f"{host} was taken out by a run of ours that never gave it back: starflock host unlock {site}/{host}"
        for host in seen.taken_out
    )
