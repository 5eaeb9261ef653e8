"""The file system of an installed host, as far as somebody logged in as sysadmin works with it.

A folder stands for the host's root. Commands are run by this machine's own sh with the paths of the platform
turned into paths below that folder, so that what a client sends is carried out and not guessed at. A host
that is installed anew has a new folder.
"""

import shlex
import sys
from pathlib import Path

PLATFORM, CONFIG = "/etc/platform", "/opt/platform/config"
PLAYBOOKS = "/usr/share/ansible/stx-ansible/playbooks"
_MOVED = (PLATFORM, CONFIG, PLAYBOOKS)
USER = "sysadmin"


class Ground:
    """One host's root."""

    def __init__(self, root: Path, runner: str) -> None:
        """`runner` is the text of `ansible-playbook`."""
        self.root = root
        for path in (*_MOVED, f"/home/{USER}", "/bin"):
            (root / path.lstrip("/")).mkdir(parents=True)
        self.home.chmod(0o700)
        self.path(f"{PLAYBOOKS}/bootstrap.yml").write_text("- hosts: all\n")
        program = root / "bin/ansible-playbook"
        program.write_text(runner)
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
        return {path: f"{self.root}{path}" for path in _MOVED}

    def moved(self, command: str) -> str:
        """The command with the platform's paths below this root."""
        for path, moved in self.moves.items():
            command = command.replace(path, moved)
        return command

    def flag(self, path: str, stands: bool) -> None:
        if stands:
            self.path(path).touch()
        else:
            self.path(path).unlink(missing_ok=True)


def runner(socket: str, host: str) -> str:
    """`ansible-playbook` of a simulated host: says how it was called, prints what it is told."""
    program = Path(__file__).with_name("runner.py")
    words = [sys.executable, "-SE", str(program), socket, host]
    # The name has to stand in the command line by itself, as it does with the real one.
    return f'#!/bin/sh\nexec {shlex.join(words)} "$0" "$@"\n'
