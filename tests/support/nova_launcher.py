"""Starts services of OpenStack in Nova's own environment; run by its Python, knows nothing of ours.

Importing Nova costs three seconds of a core and a hundred megabytes in each of six services, so it is
imported once here (the modules are the arguments) and every service is a fork of this process, which has one
thread. A line of JSON on stdin starts one, and the answer is its process id:

    {"call": "module:function", "words": [...], "log": path}    a service's own `main`, with these as its argv
    {"application": "module:name", "port": ..., ...}            a WSGI application by gunicorn on 127.0.0.1

With {"driver": name} a compute has the driver below, which is put among Nova's. Conductor and scheduler run
in the process that was started and not in a worker below it, as nova-compute does by itself, so one id is all
of a service. They end when stdin ends, or with this process (PR_SET_PDEATHSIG).
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time
import traceback
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1


def main() -> None:
    for module in sys.argv[1:]:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started: list[int] = []
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _become(json.loads(line))
        started.append(pid)
        print(pid, flush=True)
    for pid in started:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _become(order: dict[str, Any]) -> NoReturn:
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.argv = order["words"]
    os.environ.update(order.get("environment", {}))
    try:
        _run(order)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _run(order: dict[str, Any]) -> None:
    if "application" in order:
        _serve(order["application"], order["port"])
        return
    module, _, function = order["call"].partition(":")
    _in_one_process()
    if "driver" in order:
        _place_driver(order["driver"])
    getattr(importlib.import_module(module), function)()


def _in_one_process() -> None:
    service: Any = importlib.import_module("nova.service")
    serve = service.serve
    service.serve = lambda server, workers=None, no_fork=False: serve(server, workers=workers, no_fork=True)


def _place_driver(name: str) -> None:
    """Nova's fake driver, with a live migration that files decide: below the compute's `state_path`, `hold`
    keeps it running and `fail` breaks it. Its node keeps its identity there, as libvirt's driver does; else
    no compute starts a second time. Nova loads drivers from its own modules only."""
    fake, node = (importlib.import_module(f"nova.virt.{each}") for each in ("fake", "node"))

    class Driver(fake.FakeLiveMigrateDriver):  # type: ignore[misc, name-defined]
        def live_migration(
            self,
            context: Any,
            instance: Any,
            dest: str,
            post_method: Any,
            recover_method: Any,
            block_migration: bool = False,
            migrate_data: Any = None,
        ) -> None:
            folder = fake.CONF.state_path
            self._abort_migration, self._migrating = False, True
            if os.path.exists(os.path.join(folder, "fail")):
                # As libvirt's driver does when the job of a guest fails.
                recover_method(context, instance, dest, migrate_data)
                return
            while self._migrating and os.path.exists(os.path.join(folder, "hold")):
                time.sleep(0.05)
            if self._abort_migration:
                recover_method(context, instance, dest, migrate_data, migration_status="cancelled")
            else:
                post_method(context, instance, dest, block_migration, migrate_data)

        def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
            return {node.get_local_node_uuid(): self._host}

        def get_available_resource(self, nodename: str) -> Any:
            return super().get_available_resource(nodename) | {"uuid": node.get_local_node_uuid()}

    setattr(fake, name, Driver)


def _serve(application: str, port: int) -> None:
    base = importlib.import_module("gunicorn.app.base")
    module, _, name = application.partition(":")
    settings = {
        "bind": f"127.0.0.1:{port}",
        "worker_class": "gthread",
        "threads": 8,
        "timeout": 120,
        "keepalive": 60,
        "control_socket_disable": True,
        "post_fork": lambda arbiter, worker: die_with_parent(),
    }

    class Application(base.BaseApplication):  # type: ignore[misc, name-defined]
        def load_config(self) -> None:
            for key, value in settings.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return getattr(importlib.import_module(module), name)

    Application().run()


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
