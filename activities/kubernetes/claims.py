"""A site's claims, and which RBD images are behind them: by label, through the volumes they are bound to.

Ceph's CSI driver writes pool and image into `volumeAttributes` of the PersistentVolume; the provisioner that
came before it, and Kubernetes' own plug-in, have them in `spec.rbd`. A selected claim that is not bound, or
whose volume is not RBD, is told: what somebody has labelled is not left out without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import translated
from activities.kubernetes.resources import CLAIMS, NODES, VOLUMES, Document
from models.site_record import RecordedClaim
from models.volumes import ClaimedVolumes, ClaimSelector

DRIVER = "rbd.csi.ceph.com"
"""Rook's begins with the operator's namespace."""


@dataclass
class KubernetesClaims:
    clusters: Clusters

    async def volumes(self, site: str, selectors: Sequence[ClaimSelector]) -> ClaimedVolumes:
        """Raises ActivityFailure."""
        found: dict[str, str] = {}
        missing: list[str] = []
        async with self.clusters.opened(site) as cluster:
            with translated():
                self.clusters.must_be(site, await cluster.list(NODES))
                for selector in selectors:
                    claims = await cluster.list(CLAIMS, selector.namespace, labels=selector.labels)
                    if not claims:
                        missing.append(f"{selector}: there is no such claim")
                    for claim in claims:
                        meta, bound_to = claim["metadata"], claim["spec"].get("volumeName")
                        name = f"{meta['namespace']}/{meta['name']}"
                        volume = await cluster.find(VOLUMES, bound_to) if bound_to else None
                        image = image_of(volume) if volume is not None else ""
                        if image:
                            found[image] = name
                        else:
                            why = (
                                "is not bound" if volume is None else f"is bound to {bound_to}, no RBD image"
                            )
                            missing.append(f"claim {name} {why}")
        return ClaimedVolumes(volumes=found, missing=tuple(missing))

    async def all(self, site: str) -> tuple[RecordedClaim, ...]:
        """By their names. Raises ActivityFailure."""
        async with self.clusters.opened(site) as cluster:
            with translated():
                self.clusters.must_be(site, await cluster.list(NODES))
                found = await cluster.list(CLAIMS)
        return tuple(sorted((_recorded(each) for each in found), key=lambda claim: claim.name))


def _recorded(claim: Document) -> RecordedClaim:
    meta, spec = claim["metadata"], claim["spec"]
    bound = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return RecordedClaim(
        name=f"{meta['namespace']}/{meta['name']}",
        size=str(bound or asked or ""),
        storage_class=spec.get("storageClassName") or "",
        volume=spec.get("volumeName") or "",
    )


def image_of(volume: Document) -> str:
    """POOL/IMAGE; empty where it is none."""
    spec = volume["spec"]
    csi, rbd = spec.get("csi") or {}, spec.get("rbd") or {}
    given = csi.get("volumeAttributes") or {}
    if str(csi.get("driver", "")).endswith(DRIVER) and given.get("pool") and given.get("imageName"):
        return f"{given['pool']}/{given['imageName']}"
    if rbd.get("image"):
        return f"{rbd.get('pool') or 'rbd'}/{rbd['image']}"
    return ""
