"""Nova's environment, and the databases and keys that each start of it copies.

`make test` fills the environment. The schemas take half a minute of a processor, so they are made once and
kept beside it. Nova's cells have addresses with placeholders, which it fills from its own configuration;
Keystone's address in the catalog is set at each start.
"""

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.nova_ground import mariadb, new_database
from tests.support.nova_neighbours import neighbours
from tests.support.nova_settings import PASSWORD, write_settings

REPOSITORY = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "nova.lock"
DATABASES = ("keystone", "placement", "nova_api", "nova_cell0", "nova_cell1")
CELL = "{{scheme}}://{{username}}@{{hostname}}/{name}?{{query}}"
BUS = "{scheme}://{username}:{password}@{hostname}:{port}/"


def environment() -> Path:
    """Where `make test` puts it; a changed lock is another environment."""
    return REPOSITORY / ".cache" / f"nova-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def template() -> Path:
    """Data and keys to start from: made once."""
    place = environment() / "template"
    if place.exists():
        return place
    folder = Path(tempfile.mkdtemp(prefix="starflock-nova-"))
    try:
        new_database(folder / "data")
        with mariadb(folder, folder / "data", orderly=True) as database, neighbours() as around:
            database.run("".join(f"create database {name};" for name in DATABASES))
            write_settings(folder, database, 1, around)
            with ThreadPoolExecutor() as at_once:
                for made in [at_once.submit(_run, folder, chain) for chain in _making(folder)]:
                    made.result()
        kept = Path(tempfile.mkdtemp(prefix="template-", dir=environment()))
        for name in ("data", "keys"):
            shutil.copytree(folder / name, kept / name)
        shutil.copy(environment() / "etc/nova/api-paste.ini", kept)
        kept.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return place


def _making(folder: Path) -> list[list[list[str]]]:
    """Chains of commands that have nothing to do with each other."""
    keystone = ["keystone-manage", f"--config-file={folder}/keystone.conf"]
    nova = ["nova-manage", f"--config-file={folder}/nova.conf"]
    who = [f"--keystone-{kind}={value}" for kind, value in _as_we_are().items()]
    bootstrap = [f"--bootstrap-password={PASSWORD}", "--bootstrap-region-id=RegionOne"]
    bootstrap.append("--bootstrap-public-url=http://127.0.0.1:1/v3")
    cell0, cell1 = CELL.format(name="nova_cell0"), CELL.format(name="nova_cell1")
    cell = ["--name=cell1", "--database_connection", cell1, "--transport-url", BUS]
    return [
        [
            [*keystone, "fernet_setup", *who],
            [*keystone, "credential_setup", *who],
            [*keystone, "db_sync"],
            [*keystone, "bootstrap", *bootstrap],
        ],
        [["placement-manage", f"--config-file={folder}/placement.conf", "db", "sync"]],
        [
            [*nova, "api_db", "sync"],
            [*nova, "cell_v2", "map_cell0", "--database_connection", cell0],
            [*nova, "cell_v2", "create_cell", *cell],
            [*nova, "db", "sync"],
        ],
    ]


def _as_we_are() -> dict[str, str]:
    return {"user": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}


def _run(folder: Path, chain: list[list[str]]) -> None:
    for program, *words in chain:
        said = subprocess.run(
            [environment() / "bin" / program, *words],
            cwd=folder,
            env=variables(folder),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if said.returncode:
            raise RuntimeError(f"{program} {' '.join(words)}: {said.stdout}{said.stderr}")


def variables(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{environment()}/bin:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true",
        "OS_NOVA_CONFIG_DIR": str(folder),
        "OS_KEYSTONE_CONFIG_DIR": str(folder),
        "OS_PLACEMENT_CONFIG_DIR": str(folder),
    }
