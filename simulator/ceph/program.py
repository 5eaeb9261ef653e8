"""`ceph` and `rbd` as they run in a toolbox pod and on a controller: what Starflock sends, and nothing else.

`timeout` before it is taken as it comes: nothing here takes long. A program that finds no monitors in quorum
says so at once instead of after its `--connect-timeout`, because a simulated site answers in its own time.
Anything else than what is known here ends with 22, in Ceph's words.
"""

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from simulator.ceph import answers
from simulator.ceph.cluster import NOOUT, Cluster
from simulator.ceph.images import Images
from simulator.cloud.cloud import Cloud
from simulator.proof.ledger import Intent

MARK = "starflock/noout"
_UNHEARD = "[errno 110] RADOS timed out (error connecting to the cluster)\n"
_NO_CLUSTER = "Error initializing cluster client: ObjectNotFound('RADOS object not found')\n"
_INVALID = "no valid command found; 10 closest matches:\nError EINVAL: invalid command\n"
_OPTIONS = ("-n", "-f", "--connect-timeout")
_INTENTS = {
    ("osd", "set"): Intent("ceph.noout.set", "ceph/noout", undoes=("ceph.noout.unset",)),
    ("osd", "unset"): Intent("ceph.noout.unset", "ceph/noout", undoes=("ceph.noout.set",)),
    ("config-key", "set"): Intent("ceph.mark.set", "ceph/mark", undoes=("ceph.mark.remove",)),
    ("config-key", "rm"): Intent("ceph.mark.remove", "ceph/mark", begins=True),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    out: str = ""
    errors: str = ""


class Clusters:
    """The Ceph of all sites; each made when somebody first asks for it."""

    def __init__(self, strikes: Callable[[Cloud, str], bool]) -> None:
        self._strikes = strikes
        self._clusters: dict[str, Cluster] = {}
        self._images: dict[str, Images] = {}
        self.volumes: Callable[[Cloud], list[str]] = lambda cloud: []
        """POOL/IMAGE of what a site's VMs have."""

    def of(self, cloud: Cloud) -> Cluster:
        found = self._clusters.get(cloud.name)
        if found is None:
            found = self._clusters[cloud.name] = Cluster(cloud, lambda state: self._strikes(cloud, state))
        found.sync()
        return found

    def images(self, cloud: Cloud) -> Images:
        found = self._images.setdefault(cloud.name, Images())
        found.there_are(self.volumes(cloud))
        return found

    def intent(self, words: Sequence[str]) -> Intent | None:
        """What the program means to change; None for one that looks."""
        if (of_rbd := _rbd_command(words)) is not None:
            return _of_snapshot(of_rbd)
        command = _command(words) or []
        named = _INTENTS.get((command[0], command[1])) if len(command) > 2 else None
        if named is None or command[2] not in (NOOUT, MARK):
            return None
        said = " ".join(command[2:])
        # Another run's mark is another intent.
        key = f"{named.name} {said}" if named.name == "ceph.mark.set" else ""
        return replace(named, target=said, key=key)

    def run(self, cloud: Cloud, words: Sequence[str]) -> Ended:
        command, of_rbd = _command(words), _rbd_command(words)
        if command is None and of_rbd is None:
            return Ended(127, "", f"sh: {words[0] if words else ''}: command not found\n")
        cluster = self.of(cloud)
        if not cluster.kind:
            return Ended(
                1, "", "Error initializing cluster client: ObjectNotFound('RADOS object not found')\n"
            )
        if not cluster.quorum():
            return Ended(1, "", _UNHEARD)
        if of_rbd is not None:
            code, answer, errors = self.images(cloud).run(of_rbd)
            return Ended(code, "" if answer is None else json.dumps(answer), errors and f"{errors}\n")
        return _answered(cluster, command or [])

    def describe(self, cloud: Cloud) -> dict[str, object]:
        """The truth about one site's cluster."""
        cluster = self.of(cloud)
        return {
            "fsid": cluster.fsid,
            "kind": cluster.kind,
            "flags": sorted(cluster.flags),
            "keys": dict(cluster.keys),
            "health": answers.status(cluster)["health"]["status"],
            "osds": [
                {"osd": osd.number, "host": osd.host, "up": osd.up, "in": osd.is_in} for osd in cluster.all()
            ],
            "outs": cluster.outs,
            "moved_objects": round(cluster.moved),
            "copied_objects": round(cluster.copied),
            "lost": cluster.lost,
            "pools": [answers.POOL] if cluster.has_pools else [],
            "snapshots": {
                spec: list(image.snapshots) for spec, image in sorted(self.images(cloud).known.items())
            },
        }


def is_ceph(words: Sequence[str]) -> bool:
    return _command(words) is not None or _rbd_command(words) is not None


def _rbd_command(words: Sequence[str]) -> list[str] | None:
    """Without `timeout` and the options of `rbd`; None where it is another program."""
    left = list(words)
    if left[:2] == ["timeout", "-k"]:
        left = left[4:]
    if left[:1] != ["rbd"]:
        return None
    left = [word for word in left[1:] if not word.startswith("--client_mount_timeout=")]
    return left[2:] if left[:1] == ["-n"] else left


def _of_snapshot(command: list[str]) -> Intent | None:
    verb, spec = (command[1], command[-1]) if command[:1] == ["snap"] and len(command) > 2 else ("", "")
    if verb not in ("create", "rm"):
        return None
    names = ("ceph.snapshot.create", "ceph.snapshot.remove")
    does, undoes = names if verb == "create" else names[::-1]
    return Intent(does, f"ceph/snapshots/{spec}", target=spec, undoes=(undoes,))


def _command(words: Sequence[str]) -> list[str] | None:
    """Without `timeout` and the options of `ceph`; None where it is another program."""
    left = list(words)
    if left[:2] == ["timeout", "-k"]:
        left = left[4:]
    if left[:1] != ["ceph"]:
        return None
    command, place = [], 1
    while place < len(left):
        if left[place] in _OPTIONS:
            place += 2
            continue
        command.append(left[place])
        place += 1
    return command


def _answered(cluster: Cluster, command: list[str]) -> Ended:
    looks: dict[tuple[str, ...], Callable[[Cluster], object]] = {
        ("status",): answers.status,
        ("osd", "dump"): answers.osd_dump,
        ("osd", "metadata"): answers.osd_metadata,
        ("osd", "tree"): answers.osd_tree,
        ("mon", "metadata"): answers.mon_metadata,
        ("time-sync-status",): answers.clocks,
    }
    look = looks.get(tuple(command))
    if look is not None:
        return _said(look(cluster))
    first, rest = tuple(command[:2]), command[2:]
    if first in (("osd", "ok-to-stop"), ("osd", "safe-to-destroy")) and rest and all(map(str.isdigit, rest)):
        return _of_osds(cluster, first[1], [int(number) for number in rest])
    if first in (("osd", "set"), ("osd", "unset")) and rest == [NOOUT]:
        return _flagged(cluster, first[1])
    if first[0] == "config-key" and rest[:1] == [MARK]:
        return _keyed(cluster, first[-1], rest[1:])
    return Ended(errno.EINVAL, "", _INVALID)


def _of_osds(cluster: Cluster, what: str, numbers: list[int]) -> Ended:
    if what == "safe-to-destroy":
        return _said(answers.safe_to_destroy(cluster, numbers))
    code, answer, words = answers.ok_to_stop(cluster, numbers)
    return Ended(code, f"\n{json.dumps(answer)}\n", f"Error EBUSY: {words}\n" if code else "")


def _flagged(cluster: Cluster, what: str) -> Ended:
    if what == "set":
        cluster.set(NOOUT)
    else:
        cluster.unset(NOOUT)
    return Ended(0, "", f"{NOOUT} is {what}\n")


def _keyed(cluster: Cluster, what: str, rest: list[str]) -> Ended:
    if what == "dump" and not rest:
        return _said({key: value for key, value in cluster.keys.items() if key.startswith(MARK)})
    if what == "set" and len(rest) == 1:
        cluster.keys[MARK] = rest[0]
        return Ended(0, "", f"set {MARK}\n")
    if what == "rm" and not rest:
        there = cluster.keys.pop(MARK, None) is not None
        return Ended(0, "", "key deleted\n" if there else f"no such key '{MARK}'\n")
    return Ended(errno.EINVAL, "", _INVALID)


def _said(answer: object) -> Ended:
    return Ended(0, f"\n{json.dumps(answer)}\n")
