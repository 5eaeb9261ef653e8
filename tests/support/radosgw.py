"""A real S3 store: Ceph's RGW on a cluster of one monitor and one OSD, which keeps its objects in memory.

No manager: it only reports, and starts slowest of all. RGW listens on 127.0.0.1, makes its own pools and one
user. Like the cluster's daemons it dies with the tests.
"""

import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support import ceph
from tests.support.ceph import Ceph
from tests.support.components import used

ACCESS_KEY, SECRET_KEY = "starflock-test", "test-secret-of-the-archive"
SETTINGS = (
    ceph.SETTINGS.replace("osd pool default size = 2", "osd pool default size = 1")
    .replace("osd pool default pg num = 8", "osd pool default pg num = 4")
    .replace("osd objectstore = bluestore", "osd objectstore = memstore")
    + """\
memstore device bytes = 8589934592
[mon]
mon allow pool size one = true
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{rgw}
rgw rados pool pg num min = 4
"""
)
START_WITHIN_S = 120.0


def what_is_missing() -> str:
    """Why this cannot run here, in words; empty when it can."""
    lacking = [name for name in ("radosgw", "radosgw-admin") if shutil.which(name) is None]
    words = f"no {', '.join(lacking)} here; `make test` installs radosgw as root" if lacking else ""
    return ceph.what_is_missing() or words


@dataclass(frozen=True)
class Radosgw:
    cluster: Ceph
    port: int
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def client(self) -> Any:
        """As a person uses it; plain boto3."""
        from boto3.session import Session
        from botocore.config import Config

        return Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="default",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def bucket(self, name: str, **more: Any) -> str:
        self.client.create_bucket(Bucket=name, **more)
        return name

    def launch(self) -> None:
        """It need not answer yet."""
        conf = str(self.cluster.conf)
        self.cluster.run("client.rgw.a", "radosgw", "-c", conf, "-n", "client.rgw.a", "-f")

    def start(self) -> None:
        self.launch()
        deadline = time.monotonic() + START_WITHIN_S
        while not self.answers():
            if time.monotonic() > deadline:
                log = (self.cluster.folder / "log" / "client.rgw.a.out").read_text()
                raise RuntimeError(f"radosgw does not answer within {START_WITHIN_S:g} s:\n{log}")
            time.sleep(0.2)

    def stop(self) -> None:
        self.cluster.stop("client.rgw.a")

    def close(self) -> None:
        if "client" in vars(self):
            self.client.close()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def make_user(self) -> None:
        command = ["radosgw-admin", "-c", self.cluster.conf, "-n", "client.rgw.a", "user", "create"]
        command += ["--uid=backup", "--display-name=backup"]
        command += [f"--access-key={self.access_key}", f"--secret-key={self.secret_key}"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if said.returncode:
            raise RuntimeError(f"radosgw-admin: {said.stderr}")


@contextmanager
def radosgw() -> Iterator[Radosgw]:
    """One that answers, gone with its folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="starflock-rgw-"))
    port = ceph.free_ports(ceph.PORTS)
    rgw = port + ceph.PORTS - 1
    settings = SETTINGS.replace("{rgw}", str(rgw))
    cluster = Ceph(folder, port, osds=1, settings=settings, has_manager=False)
    store = Radosgw(cluster, rgw)
    try:
        cluster.make()
        cluster.key("client.rgw.a", "mon", "allow rw", "osd", "allow rwx")
        store.start()
        store.make_user()
        used("Ceph RGW", cluster.admin("version")["version"].split()[2])
        yield store
    finally:
        store.close()
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)
