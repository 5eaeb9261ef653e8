"""One site's cluster: its objects and the actors that move them. Made when somebody first asks for it.

What follows from sysinv (nodes, storage classes, releases) is brought up to date before each request is
served and, while somebody watches or a pod waits, every few simulated seconds; a cluster that nobody asks for
costs nothing.
"""

from collections.abc import Callable

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.kubernetes import budgets, nodes, platform, tenants, volumes
from simulator.kubernetes.absence import Absence
from simulator.kubernetes.controllers import OWNERS, Controllers
from simulator.kubernetes.kinds import (
    BUDGET,
    CLAIM,
    DEFINITION,
    NAMESPACE,
    NODE,
    POD,
    STOCK,
    STORAGE_CLASS,
    Resource,
    defined_by,
)
from simulator.kubernetes.pods import Pods
from simulator.kubernetes.presence import Presence
from simulator.kubernetes.store import Key, Store
from simulator.wire.http import Json

AGAIN_SECONDS = 5.0


class Cluster:
    def __init__(self, cloud: Cloud, machine_of: Callable[[Host], str]) -> None:
        self.cloud = cloud
        self.machine_of = machine_of
        self.store = Store(cloud.identity.system_uuid)
        self.derived: dict[str, Json] = {}
        """Nodes as they followed from sysinv when it was last looked at."""
        self.shown: dict[tuple[Resource, str, str], Json] = {}
        """What the platform's controllers wrote last."""
        self.counting = False
        self.watchers = 0
        self._ticking = False
        self.pods = Pods(self)
        self.controllers = Controllers(self)
        self.absence = Absence(self)
        self.presence = Presence(self)
        self.refresh()
        self.store.listeners.append(self._written)

    @property
    def version(self) -> str:
        return self.cloud.kubernetes.active

    @property
    def known(self) -> list[Resource]:
        """Every resource that is served."""
        more = [one for made in self.store.all(DEFINITION) for one in defined_by(made)]
        return [*STOCK, *more]

    def resource(self, group: str, version: str, plural: str) -> Resource | None:
        found = (group, version, plural)
        return next((one for one in self.known if (one.group, one.version, one.plural) == found), None)

    def refresh(self) -> None:
        nodes.refresh(self)
        platform.refresh(self)

    def settle_in(self, replicated: int, bare: bool) -> None:
        """The site runs workloads, which feel what becomes of its hosts whether or not anybody asks."""
        for host in self.cloud.hosts:
            host.watched_by.append(lambda _: self._soon())
        tenants.move_in(self, replicated, bare)

    def _soon(self) -> None:
        """Once the host is as it will be, with all that goes with it."""
        self.cloud.clock.later(0.0, self.refresh)

    def keep_up(self) -> None:
        """Goes on refreshing as long as somebody waits for what may come of it."""
        if self._ticking:
            return
        self._ticking = True

        def tick() -> None:
            self._ticking = False
            self.refresh()
            waiting = any(not pod["spec"].get("nodeName") for pod in self.store.all(POD))
            if self.watchers or waiting:
                self.keep_up()

        self.cloud.clock.later(AGAIN_SECONDS, tick)

    def _written(self, kind: str, key: Key, made: Json) -> None:
        of = key[:2]
        if of == (POD.group, POD.plural):
            if kind == "ADDED":
                self.pods.arrived(made)
                self.keep_up()
            budgets.soon(self)
            self.controllers.soon()
            self.presence.pod_changed(made)
            if kind == "DELETED":
                self.cloud.life_ended(f"kubernetes/pods/{key[2]}/{key[3]}", None)
                volumes.release(self)
                self.pods.try_again()
        elif of == (CLAIM.group, CLAIM.plural):
            if kind == "ADDED":
                volumes.arrived(self, made)
            elif kind == "MODIFIED":
                self.pods.try_again()
        elif of == (NODE.group, NODE.plural):
            self.pods.try_again()
            self.controllers.soon()
            if kind == "DELETED":
                self.absence.gone(key[3])
            else:
                self.absence.changed(made)
        elif any(of == (one.group, one.plural) for one in OWNERS):
            self.controllers.soon()
            if kind == "DELETED":
                self.controllers.ended(made["metadata"]["uid"])
                self.presence.ended(key[2], key[3])
        elif of == (STORAGE_CLASS.group, STORAGE_CLASS.plural) and kind == "ADDED":
            volumes.try_again(self)
        elif of == (NAMESPACE.group, NAMESPACE.plural) and kind == "DELETED":
            self.store.empty(key[3])
        elif of == (BUDGET.group, BUDGET.plural) and budgets.is_behind(made):
            budgets.soon(self)
        if kind == "DELETED" and of != (POD.group, POD.plural):
            self.cloud.life_ended(f"kubernetes/{key[1]}/{key[2]}/{key[3]}", None)
