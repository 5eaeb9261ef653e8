"""The file system of an installed host, as far as somebody logged in as sysadmin works with it.

A folder stands for the host's root. Commands are run by this machine's own sh with the paths of the platform
turned into paths below that folder, so that what a client sends is carried out and not guessed at. A host
that is installed anew has a new folder; its platform-backup partition stays.
"""

import hashlib
import re
import shlex
import sys
from pathlib import Path

PLATFORM, CONFIG = "/etc/platform", "/opt/platform/config"
PLAYBOOKS = "/usr/share/ansible/stx-ansible/playbooks"
VAULT, OWN_BACKUPS = "/opt/dc-vault/backups", "/opt/backups"
SCRATCH = "/scratch"
PARTITION = "/opt/platform-backup/backups"
_MOVED = (PLATFORM, CONFIG, PLAYBOOKS, VAULT, OWN_BACKUPS, SCRATCH)
USER = "sysadmin"
BOOKS = ("bootstrap", "backup", "restore_platform", "restore_user_images", "restore_dc_vault")


class Ground:
    """One host's root."""

    def __init__(self, root: Path, runner: str, password: str, partition: Path | None = None) -> None:
        """`runner` is the text of `ansible-playbook`, `password` what sudo asks for."""
        self.root = root
        self.partition = partition or root / PARTITION.lstrip("/")
        self.partition.mkdir(parents=True, exist_ok=True)
        for path in (*_MOVED, f"/home/{USER}", "/bin"):
            (root / path.lstrip("/")).mkdir(parents=True)
        self.home.chmod(0o700)
        for book in BOOKS:
            self.path(f"{PLAYBOOKS}/{book}.yml").write_text("- hosts: all\n")
        for name, text in (("ansible-playbook", runner), ("sudo", sudo(password))):
            program = root / "bin" / name
            program.write_text(text)
            program.chmod(0o755)

    @property
    def home(self) -> Path:
        return self.root / "home" / USER

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.root}/bin:/usr/local/bin:/usr/bin:/bin"
        return {"HOME": str(self.home), "USER": USER, "PATH": path, "LANG": "C.UTF-8"}

    def path(self, absolute: str) -> Path:
        """Where the host's path is."""
        return self.root / absolute.lstrip("/")

    @property
    def moves(self) -> dict[str, str]:
        """The platform's paths, and where they are."""
        return {path: f"{self.root}{path}" for path in _MOVED} | {PARTITION: str(self.partition)}

    def moved(self, command: str) -> str:
        """The command with the platform's paths below this root, where an answer has not put them already."""
        for path, moved in self.moves.items():
            command = re.sub(f"(?<!{re.escape(moved.removesuffix(path))}){re.escape(path)}", moved, command)
        return command

    def flag(self, path: str, stands: bool) -> None:
        if stands:
            self.path(path).touch()
        else:
            self.path(path).unlink(missing_ok=True)


def sudo(password: str) -> str:
    """sudo, as far as it asks for a password: a line of standard input, which is never enough remembered."""
    wanted = hashlib.sha256(password.encode()).hexdigest()
    return f"""\
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
    -S) asks=yes ;;
    -p) shift ;;
    -n | -k) ;;
    *) break ;;
    esac
    shift
done
[ "$asks" ] || {{ echo "sudo: a password is required" >&2; exit 1; }}
IFS= read -r given
if [ "$(printf %s "$given" | sha256sum | cut -d " " -f 1)" != {wanted} ]; then
    echo "sudo: 1 incorrect password attempt" >&2
    exit 1
fi
exec "$@"
"""


def runner(socket: str, host: str) -> str:
    """`ansible-playbook` of a simulated host: says how it was called, prints what it is told."""
    program = Path(__file__).with_name("runner.py")
    words = [sys.executable, "-SE", str(program), socket, host]
    # The name has to stand in the command line by itself, as it does with the real one.
    return f'#!/bin/sh\nexec {shlex.join(words)} "$0" "$@"\n'
