"""Starflock's image, built from this clone by podman over a base of our own, and kept as long as it stands.

`python -m tests.support.image` builds it. The base comes from `deploy/base.sh`, so no registry is needed;
both lie in a store of podman's below `.cache`, named for what the base is made of. The image is named for
what the Dockerfile copies: another state of the clone is another image, and the layer of its requirements is
built again only where they are others.

podman is started in name spaces of its own for mounts and processes: whatever it mounts or leaves behind is
gone with it, killed or not. Limits by control groups are not used: many a machine of tests has none to give.
"""

import ast
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.embedded import PR_SET_PDEATHSIG

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BASE_SCRIPT = ROOT / "deploy" / "base.sh"
BASE = "localhost/starflock-base"
BUILT = "localhost/starflock-build"
PROGRAMS = ("podman", "crun", "debootstrap")
FROM_PIP = ("index-url", "extra-index-url", "find-links", "cert", "trusted-host", "proxy", "timeout")
"""What of this machine's pip settings the build needs, where there are any."""
ALONE = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc")
READ_ONLY_GROUPS = """\
mount -t cgroup2 none /sys/fs/cgroup && mount -o remount,bind,ro /sys/fs/cgroup || exit
"$@"
"""
"""One hierarchy, which nothing is made in; crun runs with no mixture of two."""


class BaseNotMade(RuntimeError):
    """In words: no mirror answers, or the machine does not allow it."""


def missing() -> str:
    """Why no image can be built here, and what to do; empty where it can."""
    gone = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if gone:
        return f"no {', '.join(gone)} here; run: sudo apt-get install {' '.join(gone)}"
    if os.geteuid() != 0:
        return "containers are run as root alone; run as root: make test"
    tried = subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False)
    return f"no container can run here: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True)
class Podman:
    """Its settings, apart from those of the machine."""

    folder: Path
    """Containers, and images where no other store is named."""
    images: Path | None = None
    """A store that is only read."""

    def configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        more = f'[storage.options]\nadditionalimagestores = ["{self.images}/graph"]\n' if self.images else ""
        storage = f'driver = "overlay"\ngraphroot = "{self.folder}/graph"\nrunroot = "{self.folder}/run"\n'
        (self.folder / "storage.conf").write_text(f"[storage]\n{storage}{more}")
        engine = {
            "cgroup_manager": "cgroupfs",
            "events_logger": "none",
            "lock_type": "file",
            "runtime": "crun",
            "tmp_dir": f"{self.folder}/tmp",
            "volume_path": f"{self.folder}/volumes",
        }
        lines = "".join(f'{name} = "{value}"\n' for name, value in engine.items())
        groups = '[containers]\ncgroups = "disabled"\nlog_driver = "k8s-file"\n'
        (self.folder / "containers.conf").write_text(f"{groups}[engine]\n{lines}")
        (self.folder / "alone.sh").write_text(READ_ONLY_GROUPS)

    def command(self, *words: str | Path) -> tuple[list[str], dict[str, str]]:
        """What to start, and with which environment; root alone may."""
        env = os.environ | {
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
            "BUILDAH_ISOLATION": "chroot",
            "PATH": _path(),
        }
        inside = ("sh", self.folder / "alone.sh", "podman", *words)
        return [str(each) for each in (*ALONE, *inside)], env

    def run(self, *words: str | Path, cwd: Path | None = None) -> str:
        """What it printed. Raises RuntimeError with the end of its words."""
        command, env = self.command(*words)
        done = subprocess.run(
            command, env=env, cwd=cwd, capture_output=True, text=True, check=False, preexec_fn=die_with_parent
        )
        if done.returncode:
            raise RuntimeError(f"podman {' '.join(map(str, words))}:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout.strip()


def die_with_parent() -> None:
    """At once, and all of its name space with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def store() -> Path:
    return CACHE / f"containers-{_digest([BASE_SCRIPT])}"


def name() -> str:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    files = [ROOT / each for line in copied for each in line.split()]
    return f"localhost/starflock:{_digest([DOCKERFILE, *files])}"


def built() -> str:
    """The name of this clone's image, which is in the store now. Raises: BaseNotMade, RuntimeError."""
    with _locked() as podman:
        wanted, present = name(), podman.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        if wanted not in present:
            if f"{BASE}:latest" not in present:
                _make_base(podman)
            _build(podman, wanted)
            old = [each for each in present if each.startswith("localhost/starflock:")]
            if old:
                podman.run("rmi", "--force", *old)
            podman.run("image", "prune", "--force")
        return wanted


@contextmanager
def _locked() -> Iterator[Podman]:
    """One at a time, of all test processes."""
    podman = Podman(store())
    for other in CACHE.glob("containers-*"):
        if other != podman.folder:
            shutil.rmtree(other, ignore_errors=True)
    podman.configure()
    with open(podman.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield podman


def _make_base(podman: Podman) -> None:
    archive = podman.folder / "base.tar"
    done = subprocess.run(
        [BASE_SCRIPT, archive],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": _path()},
    )
    if done.returncode:
        raise BaseNotMade(f"deploy/base.sh:\n{done.stderr[-4000:]}")
    podman.run("import", archive, BASE)
    archive.unlink()


def _build(podman: Podman, wanted: str) -> None:
    """Requirements and wheel with the settings of this machine's pip; what is shipped without them."""
    words = ("build", "--network=host", f"--build-arg=BASE={BASE}", f"--file={DOCKERFILE}")
    with tempfile.TemporaryDirectory(prefix="starflock-pip-") as folder:
        podman.run(*words, "--target=build", *_pip_settings(Path(folder)), f"--tag={BUILT}", ".", cwd=ROOT)
    podman.run(*words, f"--tag={wanted}", ".", cwd=ROOT)


def _pip_settings(folder: Path) -> list[str]:
    """Options for the build: nothing where pip is as it came."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, str] = {}
    for line in sorted(said.stdout.splitlines(), key=lambda each: each.startswith(":env:")):
        key, _, value = line.partition("=")
        found[key.rpartition(".")[2]] = str(ast.literal_eval(value))
    taken = {key: found[key] for key in FROM_PIP if key in found}
    if not taken:
        return []
    (folder / "pip.conf").write_text(
        "[global]\n" + "".join(f"{key} = {' '.join(value.split())}\n" for key, value in taken.items())
    )
    volumes = {f"{folder}/pip.conf:/etc/pip.conf"}
    for word in (word for value in taken.values() for word in value.split()):
        place = Path(word.removeprefix("file://"))
        if place.is_absolute() and place.exists():
            # An index keeps its files beside its pages.
            place = place.parent if place.name == "simple" else place
            volumes.add(f"{place}:{place}")
    return [f"--volume={each}:ro" for each in sorted(volumes)]


def _digest(places: list[Path]) -> str:
    digest = hashlib.sha256()
    for place in places:
        files = [place] if place.is_file() else [each for each in sorted(place.rglob("*")) if each.is_file()]
        for file in files:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


if __name__ == "__main__":
    if missing():
        sys.exit(f"starflock: {missing()}")
    print(built())
