"""What Ceph 16.2 says of a cluster: the shapes of `status`, `osd dump` and the others, as far as they matter.

A check's code decides; its words are those that were seen on 16.2.15. `status` and `osd dump` come from the
monitors, `osd ok-to-stop` from the manager, which knows the placement groups as they were some seconds ago.
"""

import errno
from collections import Counter
from collections.abc import Sequence

from simulator.ceph.cluster import GROUPS, OBJECTS, Cluster, Group, Osd
from simulator.wire.http import Json

FLAGS = ("purged_snapdirs", "recovery_deletes", "sortbitwise")
POOL = "kube-rbd"


def status(cluster: Cluster) -> Json:
    osds, groups, quorum = cluster.all(), cluster.groups(), cluster.quorum()
    found = checks(cluster, groups)
    degraded = round(sum(one.degraded for one in groups))
    states = Counter(one.state for one in groups)
    return {
        "fsid": cluster.fsid,
        "health": {"status": "HEALTH_WARN" if found else "HEALTH_OK", "checks": found, "mutes": []},
        "quorum_names": [one.name for one in quorum],
        "monmap": {"num_mons": len(cluster.monitors())},
        "osdmap": {
            "num_osds": len(osds),
            "num_up_osds": sum(osd.up for osd in osds),
            "num_in_osds": sum(osd.is_in for osd in osds),
        },
        "pgmap": {
            "pgs_by_state": [{"state_name": state, "count": count} for state, count in states.items()],
            "num_pgs": len(groups),
            "num_pools": 1,
        }
        | ({"degraded_objects": degraded} if degraded else {}),
        "mgrmap": {"available": bool(quorum), "num_standbys": max(0, len(quorum) - 1)},
    }


def checks(cluster: Cluster, groups: Sequence[Group]) -> Json:
    osds = cluster.all()
    found: dict[str, str] = {}
    down = [osd for osd in osds if not osd.up and osd.is_in]
    quorum, monitors = cluster.quorum(), cluster.monitors()
    if len(quorum) < len(monitors):
        names = ",".join(one.name for one in quorum)
        found["MON_DOWN"] = f"{len(monitors) - len(quorum)}/{len(monitors)} mons down, quorum {names}"
    if cluster.flags:
        found["OSDMAP_FLAGS"] = f"{','.join(sorted(cluster.flags))} flag(s) set"
    if down:
        found["OSD_DOWN"] = f"{len(down)} osds down"
        hosts = {name for name in cluster.hosts() if all(not osd.up for osd in osds if osd.host == name)}
        if hosts:
            found["OSD_HOST_DOWN"] = f"{len(hosts)} host ({len(down)} osds) down"
    idle = [one for one in groups if not one.state.startswith("active")]
    if idle:
        found["PG_AVAILABILITY"] = f"Reduced data availability: {len(idle)} pgs inactive"
    degraded = [one for one in groups if one.degraded]
    if degraded:
        objects, whole = round(sum(one.degraded for one in degraded)), GROUPS * OBJECTS * cluster.copies
        found["PG_DEGRADED"] = (
            f"Degraded data redundancy: {objects}/{whole} objects degraded ({100 * objects / whole:.3f}%), "
            f"{len(degraded)} pgs degraded"
        )
    if cluster.copies == 1:
        found["POOL_NO_REDUNDANCY"] = "1 pool(s) have no replicas configured"
    if cluster.planted("ceph.nearfull"):
        found |= {"OSD_NEARFULL": "1 nearfull osd(s)", "POOL_NEARFULL": "1 pool(s) nearfull"}
    if cluster.planted("ceph.warning"):
        found["RECENT_CRASH"] = "1 daemons have recently crashed"
    return {
        code: {"severity": "HEALTH_WARN", "summary": {"message": words, "count": 1}, "muted": False}
        for code, words in found.items()
    }


def osd_dump(cluster: Cluster) -> Json:
    flags = sorted({*FLAGS, *cluster.flags})
    pool = {"pool": 2, "pool_name": POOL, "size": cluster.copies, "min_size": 1, "pg_num": GROUPS}
    return {
        "epoch": cluster.epoch,
        "fsid": cluster.fsid,
        "flags": ",".join(flags),
        "flags_set": flags,
        "full_ratio": 0.949999988079071,
        "backfillfull_ratio": 0.8999999761581421,
        "nearfull_ratio": 0.8500000238418579,
        "pools": [pool] if cluster.has_pools else [],
        "osds": [{"osd": osd.number, "up": int(osd.up), "in": int(osd.is_in)} for osd in cluster.all()],
    }


def osd_metadata(cluster: Cluster) -> list[Json]:
    return [{"id": osd.number, "hostname": osd.host, "osd_objectstore": "bluestore"} for osd in cluster.all()]


def osd_tree(cluster: Cluster) -> Json:
    hosts = cluster.hosts()
    nodes: list[Json] = [
        {"id": -1, "name": "default", "type": "root", "children": [-2 - place for place in range(len(hosts))]}
    ]
    for place, name in enumerate(hosts):
        osds = [osd for osd in cluster.all() if osd.host == name]
        children = [osd.number for osd in osds]
        nodes.append({"id": -2 - place, "name": name, "type": "host", "children": children})
        nodes += [
            {
                "id": osd.number,
                "name": f"osd.{osd.number}",
                "type": "osd",
                "status": "up" if osd.up else "down",
                "reweight": int(osd.is_in),
            }
            for osd in osds
        ]
    return {"nodes": nodes, "stray": []}


def mon_metadata(cluster: Cluster) -> list[Json]:
    return [{"name": one.name, "hostname": cluster.where(one)} for one in cluster.monitors()]


def clocks(cluster: Cluster) -> Json:
    quorum = cluster.quorum()
    skews = {one.name: {"skew": 0, "latency": 0.0006, "health": "HEALTH_OK"} for one in quorum}
    found: Json = {"timechecks": {"epoch": 4, "round": 2, "round_status": "finished"}}
    return ({"time_skew_status": skews} if len(quorum) > 1 else {}) | found


def ok_to_stop(cluster: Cluster, numbers: Sequence[int]) -> tuple[int, Json, str]:
    """Return code, answer, words. OSDs that do not exist are agreed to (seen on 16.2.15)."""
    bad, degraded = [], []
    for group in cluster.groups():
        if not any(osd.number in numbers for osd in group.osds):
            if not group.state.startswith("active"):
                bad.append(group.name)
            continue
        serving = _serving(cluster, group)
        if all(osd.number in numbers for osd in serving):
            bad.append(group.name)
        else:
            degraded.append(group.name)
    answer: Json = {"ok_to_stop": not bad, "osds": list(numbers), "num_ok_pgs": len(degraded)}
    answer["num_not_ok_pgs"] = len(bad)
    answer |= {"bad_become_inactive": bad} if bad else {}
    answer |= {"ok_become_degraded": degraded} if degraded else {}
    if not bad:
        return 0, answer, ""
    words = f"unsafe to stop osd(s) at this time ({len(bad)} PGs are or would become offline)"
    return errno.EBUSY, answer, words


def _serving(cluster: Cluster, group: Group) -> list[Osd]:
    """As the manager has last heard."""
    missed = "undersized" in group.state or "down" in group.state
    return [osd for osd in group.osds if osd.up or not missed]


def safe_to_destroy(cluster: Cluster, numbers: Sequence[int]) -> Json:
    """Its return code says 0 either way (seen on 16.2.15)."""
    known = {osd.number: osd for osd in cluster.all()}
    up = [number for number in numbers if number in known and known[number].up]
    down = [number for number in numbers if number in known and not known[number].up]
    return {
        "safe_to_destroy": [number for number in numbers if number not in known],
        "active": up,
        "missing_stats": down,
        "stored_pgs": [],
    }
