"""The platform's applications: uploaded, applied by themselves when what they wait for is there, re-applied.

After an unlock sysinv evaluates them again: alarm 750.006 stands from then on, 750.004 while one is being
applied, and nothing may be unlocked meanwhile. rook-ceph is applied once its backend exists and the active
controller is in service, platform-integ-apps with bare-metal Ceph; what waits for the application (OSDs,
backends, file systems) is configured by the end of it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.cloud.site_rows import StorageBackend
from simulator.cloud.storage_rows import HostFilesystem, Stor

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

Then = Callable[[], None]
_WITH_BACKEND = {"rook-ceph": "ceph-rook", "platform-integ-apps": "ceph"}
_OPENING_SECONDS, _AGAIN_SECONDS, _UPLOAD_SECONDS = 5.0, 20.0, 30.0
BUSY = ("applying", "updating", "removing", "recovering")


class Applications:
    """The applications of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.status: dict[str, str] = {
            "platform-integ-apps": "applied",
            "cert-manager": "applied",
            "nginx-ingress-controller": "applied",
        }
        self.progress: dict[str, str | None] = {}
        self.versions: dict[str, str] = {}
        self.active: set[str] = set()
        """Being applied again: what runs is not touched until the work ends."""
        self.removed: set[str] = set()
        """Taken out of the cluster; they stay uploaded."""
        self.made_anew: set[str] = set()
        """Removed and applied again since the last restore."""
        self.overrides: dict[tuple[str, str, str], str] = {}
        """Values that users have set, by application, namespace and chart."""
        self.charts: dict[str, tuple[tuple[str, str], ...]] = {}
        """Namespace and chart of uploaded applications; the platform's have one of their own name."""
        self._after: dict[str, list[Then]] = {}

    def after_unlock(self, settle: float) -> None:
        """Evaluate all again; those that are there and wait for nothing more are applied."""
        app = "platform-integ-apps"
        self.cloud.alarms.raise_("750.006", f"k8s_application={app}", app=app)
        self.cloud.clock.later(
            settle * 0.8, lambda: self.cloud.alarms.clear("750.006", f"k8s_application={app}")
        )
        wanted = [name for name, status in self.status.items() if status == "restore-requested"]
        for name in [*wanted, *self._due()]:
            self.cloud.clock.later(_OPENING_SECONDS, lambda one=name: self.apply(one))  # type: ignore[misc]

    def reconsider(self, name: str, then: Then | None = None) -> None:
        """Something that this application carries out has changed; `then` follows its next apply."""
        if then is not None:
            self._after.setdefault(name, []).append(then)
        if name not in self.status or self.status[name] in BUSY:
            return
        self.cloud.clock.later(_AGAIN_SECONDS, lambda: self.apply(name) if name in self._due() else None)

    def _due(self) -> list[str]:
        """Applications whose backend is there, with something left to configure."""
        tables, active = self.cloud.known_tables, self.cloud.active
        if tables is None or active.locked or active.operational != "enabled":
            return []
        due = []
        for name, kind in _WITH_BACKEND.items():
            backend = tables.find(StorageBackend, backend=kind)
            if backend is None or self.status.get(name) not in ("uploaded", "applied", "apply-failed"):
                continue
            waiting = [row for row in tables.of(Stor) if row.state.endswith("with-app")]
            if self.status[name] != "applied" or waiting or backend.state.endswith("with-app") or self._after:
                due.append(name)
        return due

    def apply(self, name: str) -> None:
        """Begin applying; the alarm stands until it ends."""
        if self.status.get(name) in (None, *BUSY):
            return
        if self.status[name] == "applied":
            self.active.add(name)
        self.status[name], self.progress[name] = "applying", None
        self.cloud.clock.later(1, lambda: self._work(name, "applying", "applying application manifest"))
        self._backend_says(name, "applying")
        self.cloud.alarms.raise_("750.004", f"k8s_application={name}", app=name)
        self.cloud.clock.later(self.cloud.durations.settle * 4, lambda: self._applied(name))

    def _apply_failed(self, name: str) -> None:
        self._end(name, "apply-failed")
        self.progress[name] = "Application-apply failed: operation failed."
        self.cloud.alarms.raise_("750.002", f"k8s_application={name}", app=name)

    def _applied(self, name: str) -> None:
        if self.status.get(name) != "applying":
            return
        if self.cloud.hooks.fails("application.apply"):
            self._apply_failed(name)
            return
        self._end(name, "applied")
        if name in self.removed:
            self.removed.discard(name)
            self.made_anew.add(name)
        self.cloud.alarms.clear("750.002", f"k8s_application={name}")
        self._configure(name)
        for then in self._after.pop(name, []):
            then()
        if name in self._due():
            self.reconsider(name)

    def upload(self, name: str, version: str) -> None:
        """Take a new application in."""
        self.versions[name] = version
        fails = self.cloud.hooks.fails("application.upload")
        self._move(name, "uploading", "upload-failed" if fails else "uploaded", _UPLOAD_SECONDS)

    def charts_of(self, name: str) -> tuple[tuple[str, str], ...]:
        """Namespace and chart."""
        return self.charts.get(name, (("kube-system", name),))

    def update(self, name: str, version: str) -> None:
        """Replace an applied application by another version of it."""
        self.cloud.alarms.raise_("750.005", f"k8s_application={name}", app=name)
        self.versions[name] = version
        self.active.add(name)
        self._move(name, "updating", "applied", self.cloud.durations.settle * 4)

    def remove(self, name: str) -> None:
        """Take an application out of the cluster; it stays uploaded. No alarm tells."""
        self.removed.add(name)
        self._move(name, "removing", "uploaded", self.cloud.durations.settle * 2)

    def abort(self, name: str) -> None:
        """Let what is going on fail, when it comes to a point where it can."""
        status = {"applying": "apply-failed", "updating": "apply-failed", "removing": "remove-failed"}
        was = self.status[name]

        def failed() -> None:
            if self.status.get(name) == was:
                self._end(name, status[was])
                self.progress[name] = "operation aborted by user"

        self.cloud.clock.later(_OPENING_SECONDS, failed)

    def delete(self, name: str) -> None:
        """Forget an uploaded application."""

        def gone() -> None:
            if self.status.get(name) in ("uploaded", "upload-failed"):
                del self.status[name]
                for key in [key for key in self.overrides if key[0] == name]:
                    del self.overrides[key]
                self.charts.pop(name, None)
                self.versions.pop(name, None)
                self.cloud.life_ended(f"application/{name}", None)

        self.cloud.clock.later(_OPENING_SECONDS, gone)

    def _move(self, name: str, doing: str, then: str, seconds: float) -> None:
        self.status[name], self.progress[name] = doing, None

        def ended() -> None:
            if self.status.get(name) == doing:
                self._end(name, then)

        self.cloud.clock.later(seconds, ended)

    def _work(self, name: str, doing: str, words: str) -> None:
        if self.status.get(name) == doing:
            self.progress[name] = words

    def _end(self, name: str, status: str) -> None:
        """A movement of an application has ended; what was asked for may be asked for again."""
        self.status[name] = status
        self.progress[name] = "completed"
        self.active.discard(name)
        self.cloud.life_ended(f"application/{name}", None)
        for alarm in ("750.004", "750.005"):
            self.cloud.alarms.clear(alarm, f"k8s_application={name}")
        self._backend_says(name, status)

    def _backend_says(self, name: str, task: str) -> None:
        tables, kind = self.cloud.known_tables, _WITH_BACKEND.get(name)
        backend = tables.find(StorageBackend, backend=kind) if tables is not None and kind else None
        if backend is not None and kind == "ceph-rook":
            backend.task = task

    def _configure(self, name: str) -> None:
        """What waited for the application is there."""
        tables, kind = self.cloud.known_tables, _WITH_BACKEND.get(name)
        if tables is None or kind is None:
            return
        for backend in tables.matching(StorageBackend, backend=kind):
            backend.state = "configured"
        taken = {row.osdid for row in tables.of(Stor)}
        for row in tables.matching(Stor, state="configuring-with-app"):
            row.osdid = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(row.osdid)
            row.state = "configured"
        for system in tables.matching(HostFilesystem, name="ceph"):
            system.state = "In-Use"
