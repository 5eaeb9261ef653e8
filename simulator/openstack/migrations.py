"""Nova's migrations: live, cold and their confirmation, with the states that a caller sees (nova 34).

One live migration at a time leaves a host, others are `queued`; a guest runs on through it. For a moment the
server is on its new host without a task while its migration still reads `running`. From microversion 2.34 on
everything is checked after the 202: what finds no host leaves the server as it was and its migration in
`error`. A cold migration stops the guest, starts it on the other host and waits in VERIFY_RESIZE for a
confirmation. Faults: a migration fails, does not converge, or loses its guest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.cloud.clock import tee
from simulator.openstack.servers import LOST, NO_HOST, Server, Servers, life_of
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

CONDUCTOR_SECONDS, LAST_SECONDS, BESIDE_SECONDS = 1.0, 2.0, 5.0
SECONDS_PER_GIB = 4.0
COLD_SECONDS = 20.0
ABORTABLE = ("queued", "preparing", "running")
OPEN = ("accepted", "queued", "preparing", "running", "pre-migrating", "migrating", "post-migrating")
MIGRATE, COLD, CONFIRM = "openstack.servers.migrate", "openstack.servers.cold", "openstack.servers.confirm"


class NoValidHost(Exception):
    pass


@dataclass(slots=True)
class Migration:
    id: int
    uuid: str
    server: str
    kind: str
    source: str
    target: str | None
    """That the caller asked for."""
    dest: str | None = None
    status: str = "accepted"
    created: str = field(default_factory=tee)
    updated: str = field(default_factory=tee)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def enter(self, status: str) -> None:
        self.status, self.updated = status, tee()

    def view(self, project: str) -> Json:
        return {
            "id": self.id,
            "uuid": self.uuid,
            "instance_uuid": self.server,
            "migration_type": self.kind,
            "status": self.status,
            "source_compute": self.source,
            "source_node": self.source,
            "dest_compute": self.dest,
            "dest_node": self.dest,
            "dest_host": None,
            "old_instance_type_id": 1,
            "new_instance_type_id": 1,
            "created_at": self.created,
            "updated_at": self.updated,
            "user_id": "b" * 32,
            "project_id": project,
        }


class Migrations:
    """Those of one site."""

    def __init__(self, cloud: "Cloud", servers: Servers, strikes: Callable[[str, str], bool]) -> None:
        self.cloud, self.servers, self.strikes = cloud, servers, strikes
        self.rows: list[Migration] = []
        servers.on_host_down = self._host_down

    def of(self, server: str) -> list[Migration]:
        return [one for one in self.rows if one.server == server]

    def find(self, server: str, ref: str) -> Migration | None:
        return next((one for one in self.of(server) if str(one.id) == ref), None)

    # -- live

    def live(self, server: Server, target: str | None, *, at_once: bool) -> None:
        """`at_once`: all is checked before the answer, as it was up to microversion 2.33.

        Raises: NoValidHost.
        """
        moving = self._new(server, "live-migration", target)
        if at_once and self._destination(server, target) is None:
            moving.enter("error")
            self._over(server)
            raise NoValidHost(NO_HOST)
        server.task = "migrating"
        self.cloud.clock.later(CONDUCTOR_SECONDS, lambda: self._found(moving, server))

    def abort(self, moving: Migration, server: Server) -> None:
        moving.enter("cancelled")
        server.task = None
        self._over(server)
        self._next(moving.source)

    def _found(self, moving: Migration, server: Server) -> None:
        if moving.status != "accepted":
            return
        moving.dest = self._destination(server, moving.target)
        if moving.dest is None:
            self._failed(moving, server)
            return
        busy = any(one.status == "running" and one.source == moving.source for one in self.rows)
        moving.enter("queued")
        if not busy:
            self._run(moving, server)

    def _run(self, moving: Migration, server: Server) -> None:
        moving.enter("running")
        if self.strikes("openstack.migration", "hold"):
            return
        seconds = BESIDE_SECONDS + server.flavor["ram"] / 1024 * SECONDS_PER_GIB
        fails, lost = (self.strikes("openstack.migration", does) for does in ("fail", "vanish"))

        def arrived() -> None:
            if moving.status != "running":
                return
            if lost:
                self.servers.fail(server, LOST)
            if lost or fails:
                self._failed(moving, server)
                return
            assert moving.dest is not None
            self.servers.settle_on(server, moving.dest)
            server.task = None
            self.cloud.clock.later(LAST_SECONDS, ended)

        def ended() -> None:
            if moving.status == "running":
                moving.enter("completed")
                self._arrived(server)
                self._next(moving.source)

        self.cloud.clock.later(seconds, arrived)

    def _next(self, source: str) -> None:
        """One at a time leaves a host."""
        waiting = next((one for one in self.rows if one.status == "queued" and one.source == source), None)
        if waiting is not None and not any(
            one.status == "running" and one.source == source for one in self.rows
        ):
            server = self.servers.known.get(waiting.server)
            if server is None:
                waiting.enter("error")
            else:
                self._run(waiting, server)

    def _failed(self, moving: Migration, server: Server) -> None:
        moving.enter("error")
        if server.state != "error":
            server.task = None
        self._over(server)
        self._next(moving.source)

    # -- cold

    def cold(self, server: Server, target: str | None) -> None:
        moving = self._new(server, "migration", target)
        server.old_state, server.task = server.state, "resize_prep"

        def begun() -> None:
            if moving.status != "accepted":
                return
            moving.dest = self._destination(server, target)
            if moving.dest is None or self.strikes("openstack.migration", "fail"):
                self._failed(moving, server)
                return
            moving.enter("migrating")
            server.task = "resize_migrating"
            self.servers.set_runs(server, False)
            self.cloud.clock.later(COLD_SECONDS, lambda: self._finished(moving, server))

        self.cloud.clock.later(CONDUCTOR_SECONDS, begun)

    def confirm(self, server: Server) -> None:
        """The old copy is given up."""
        moving = self._finished_of(server)
        moving.enter("confirming")

        def confirmed() -> None:
            moving.enter("confirmed")
            server.state = server.old_state
            self._arrived(server)

        self.cloud.clock.later(CONDUCTOR_SECONDS, confirmed)

    def revert(self, server: Server) -> None:
        moving = self._finished_of(server)
        moving.enter("reverted")
        self.servers.settle_on(server, moving.source)
        server.state = server.old_state
        self._over(server)

    def _finished(self, moving: Migration, server: Server) -> None:
        if moving.status != "migrating":
            return
        assert moving.dest is not None
        moving.enter("finished")
        self.servers.settle_on(server, moving.dest)
        server.state, server.task = "resized", None
        if server.old_state == "active":
            self.servers.set_runs(server, True)

    def _finished_of(self, server: Server) -> Migration:
        return next(one for one in self.of(server.id) if one.status == "finished")

    # -- both

    def _new(self, server: Server, kind: str, target: str | None) -> Migration:
        assert server.host is not None
        moving = Migration(len(self.rows) + 1, self.cloud.new_uuid(), server.id, kind, server.host, target)
        self.rows.append(moving)
        return moving

    def _destination(self, server: Server, target: str | None) -> str | None:
        found = self.servers.choose(server, target)
        return None if found == server.host else found

    def _over(self, server: Server) -> None:
        """It is as it was before the request, which may come again."""
        for mark in (MIGRATE, COLD, CONFIRM):
            self.cloud.life_ended(life_of(server), f"{mark} from {server.host}")

    def _arrived(self, server: Server) -> None:
        """From where it is now it may be moved; what brought it here is done for good."""
        self._over(server)

    def _host_down(self, host: str) -> None:
        for moving in [one for one in self.rows if one.is_open and host in (one.source, one.dest)]:
            server = self.servers.known.get(moving.server)
            if server is not None:
                self.servers.fail(server, LOST)
                self._failed(moving, server)
