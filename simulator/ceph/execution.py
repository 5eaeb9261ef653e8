"""`pods/exec`: a program in Rook's toolbox pod; output, errors and exit code on channels of a WebSocket."""

import json

from simulator.ceph.program import Clusters
from simulator.ceph.stock import LABELS, NAMESPACE
from simulator.cloud.cloud import Cloud
from simulator.kubernetes.cluster import Cluster
from simulator.kubernetes.kinds import POD
from simulator.kubernetes.pods import is_ready
from simulator.kubernetes.words import ended, refuse
from simulator.wire.http import Json, Reply, Request

OUT, ERRORS, END = 1, 2, 3


def execute(ceph: Clusters, cloud: Cloud, cluster: Cluster, pod: str, request: Request) -> Reply:
    """Raises Refusal where there is no such pod, or it does not run."""
    found = cluster.store.get(POD, NAMESPACE, pod)
    if not is_ready(found) or not _has(found, LABELS):
        raise refuse(500, f'unable to upgrade connection: container not found ("{pod}")')
    ran = ceph.run(cloud, request.command)
    pieces = [(OUT, ran.out.encode()), (ERRORS, ran.errors.encode())]
    end = (END, json.dumps(ended(ran.code)).encode())
    return Reply(channels=(*(one for one in pieces if one[1]), end), applied=ran.code == 0)


def _has(pod: Json, labels: dict[str, str]) -> bool:
    there = pod["metadata"].get("labels") or {}
    return all(there.get(key) == value for key, value in labels.items())
