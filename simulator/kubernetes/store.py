"""Objects as the API server keeps them: one rising resourceVersion, uids, generations, a log to watch.

A write moves `metadata.generation` only where something outside of metadata and status has changed. The log
is short on purpose: who watches from a version that is no longer in it hears 410 and lists again.
"""

import copy
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from simulator.kubernetes.kinds import Resource
from simulator.kubernetes.words import not_found, refuse
from simulator.wire.http import Json

Key = tuple[str, str, str, str]
"""Group, plural, namespace, name."""
LOGGED = 500


def moment(later_s: float = 0.0) -> str:
    """Now, or so many seconds of the wall's clock later."""
    return (datetime.now(UTC) + timedelta(seconds=later_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """All objects of one cluster. What is handed out is a copy, except to actors that say so."""

    def __init__(self, seed: str) -> None:
        self.version = 1000
        self.log: deque[tuple[int, str, Key, Json]] = deque(maxlen=LOGGED)
        self.listeners: list[Callable[[str, Key, Json], None]] = []
        """Called after each write, with ADDED, MODIFIED or DELETED."""
        self._objects: dict[Key, Json] = {}
        self._dice = Random(f"{seed}/kubernetes")

    @property
    def oldest(self) -> int:
        """The version that a watch may begin at."""
        return self.log[0][0] - 1 if len(self.log) == LOGGED else 0

    def key(self, of: Resource, namespace: str, name: str) -> Key:
        return (of.group, of.plural, namespace if of.namespaced else "", name)

    def find(self, of: Resource, namespace: str, name: str) -> Json | None:
        found = self._objects.get(self.key(of, namespace, name))
        return copy.deepcopy(found) if found is not None else None

    def get(self, of: Resource, namespace: str, name: str) -> Json:
        """Raises: Refusal: 404."""
        found = self.find(of, namespace, name)
        if found is None:
            raise not_found(of.plural, of.group, name)
        return found

    def all(self, of: Resource, namespace: str = "") -> Iterator[Json]:
        """By namespace and name; not copied, so that a list of many costs little."""
        for key in sorted(self._objects):
            if key[:2] == (of.group, of.plural) and namespace in ("", key[2]):
                yield self._objects[key]

    def create(self, of: Resource, namespace: str, body: Json) -> Json:
        """Raises: Refusal: 409 AlreadyExists."""
        made = copy.deepcopy(body)
        meta = made.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + f"{self._dice.getrandbits(24):06x}"
        key = self.key(of, namespace, meta.get("name", ""))
        if key in self._objects:
            kind = f"{of.plural}.{of.group}" if of.group else of.plural
            name = meta["name"]
            raise refuse(409, f'{kind} "{name}" already exists', "AlreadyExists", name=name, kind=of.plural)
        made |= {"apiVersion": of.api_version, "kind": of.kind}
        meta |= {
            "uid": str(uuid.UUID(int=self._dice.getrandbits(128), version=4)),
            "creationTimestamp": moment(),
            "generation": 1,
        }
        if of.namespaced:
            meta["namespace"] = namespace
        return self._write("ADDED", key, made)

    def put(self, of: Resource, body: Json, *, part: str = "") -> Json:
        """Replaces an object, or its `status` alone. Raises: Refusal: 404, 409 for a stale version."""
        meta = body.get("metadata", {})
        namespace, name = meta.get("namespace", ""), meta.get("name", "")
        before = self.get(of, namespace, name)
        known = before["metadata"]
        for field in ("resourceVersion", "uid"):
            if meta.get(field) and meta[field] != known[field]:
                raise refuse(
                    409,
                    f'Operation cannot be fulfilled on {of.plural} "{name}": the object has been modified; '
                    "please apply your changes to the latest version and try again",
                    name=name,
                    kind=of.plural,
                )
        after = copy.deepcopy(body) | {"apiVersion": of.api_version, "kind": of.kind}
        if part == "status":
            after = before | {"status": after.get("status", {})}
        elif of.status:
            after.pop("status", None)
            after |= {"status": before["status"]} if "status" in before else {}
        kept = {field: known[field] for field in ("uid", "creationTimestamp", "generation", "name")}
        if part == "status":
            after["metadata"] = copy.deepcopy(known)
        else:
            # Both belong to the server: a client cannot begin or take back a deletion by writing it.
            gone = {field: known[field] for field in _OF_DELETION if field in known}
            given = {key: value for key, value in after["metadata"].items() if key not in _OF_DELETION}
            after["metadata"] = given | kept | gone
            if of.namespaced:
                after["metadata"]["namespace"] = namespace
        if _outside(before) != _outside(after):
            after["metadata"]["generation"] = known["generation"] + 1
        if _versionless(before) == _versionless(after):
            return before
        return self._write("MODIFIED", self.key(of, namespace, name), after)

    def act(self, of: Resource, namespace: str, name: str, change: Callable[[Json], None]) -> Json | None:
        """An actor's own write, of whatever part; None where the object is gone."""
        key = self.key(of, namespace, name)
        if key not in self._objects:
            return None
        after = copy.deepcopy(self._objects[key])
        change(after)
        if _versionless(after) == _versionless(self._objects[key]):
            return after
        return self._write("MODIFIED", key, after)

    def drop(self, of: Resource, namespace: str, name: str) -> Json | None:
        """Gone for good."""
        key = self.key(of, namespace, name)
        if key not in self._objects:
            return None
        return self._write("DELETED", key, copy.deepcopy(self._objects[key]))

    def empty(self, namespace: str) -> None:
        """All that is in a namespace goes with it; what makes other things before what is made."""
        inside = [key for key in self._objects if key[2] == namespace]
        for key in sorted(inside, key=lambda key: key[1] == "pods"):
            if key in self._objects:
                self._write("DELETED", key, copy.deepcopy(self._objects[key]))

    def _write(self, kind: str, key: Key, made: Json) -> Json:
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        if kind == "DELETED":
            del self._objects[key]
        else:
            self._objects[key] = made
        self.log.append((self.version, kind, key, made))
        for listener in list(self.listeners):
            listener(kind, key, made)
        return copy.deepcopy(made)


_OF_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")


def _outside(of: Json) -> Json:
    return {key: value for key, value in of.items() if key not in ("metadata", "status")}


def _versionless(of: Json) -> Json:
    meta = {key: value for key, value in of["metadata"].items() if key != "resourceVersion"}
    return of | {"metadata": meta}
