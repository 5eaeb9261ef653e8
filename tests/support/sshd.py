"""A real OpenSSH server with a real Ansible behind it, as a host that is installed and not bootstrapped.

sshd runs as a child of the test, as the test's own user, on a free port of 127.0.0.1, with keys and
configuration of its own; it ends with the test. Each command runs with the platform's paths turned into
paths below one folder, as on the simulated hosts. The playbook there is a small one of ours with the roles
of StarlingX's; files in the folder hold it at a role or let it fail, and it counts its starts.
"""

import getpass
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simulator.ssh.ground import PLATFORM, PLAYBOOKS, Ground
from tests.support.components import used
from tests.support.ironic import die_with_parent
from workers.embedded import free_port

REPOSITORY = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "ansible.lock"
SSHD = Path("/usr/sbin/sshd")
START_WITHIN_S = 20.0
SUDO = "Su+do/7 'x"
"""The user's password, as sudo on it is told."""

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication yes
MaxStartups 100
ForceCommand {folder}/command
"""
COMMAND = """\
#!/bin/sh
export {environment}
cd "$HOME"
exec sh -c "$(printf '%s' "$SSH_ORIGINAL_COMMAND" | sed {moves})"
"""
PLAYBOOK = """\
- hosts: localhost
  connection: local
  gather_facts: no
  roles: [bootstrap/prepare-env, bootstrap/apply-manifest, bootstrap/complete-bootstrap]
"""
ROLES = {
    "prepare-env": """\
- include_vars: "{{{{ override_files_dir }}}}/{{{{ item }}}}"
  loop: [localhost_secrets.yml, localhost.yml]
  no_log: true
- name: Count
  raw: "echo {{{{ system_mode }}}} >> {control}/started"
""",
    "apply-manifest": """\
- name: Applying puppet bootstrap manifest
  raw: "while [ -e {control}/hold ]; do sleep 0.1; done"
- name: Log in to the registry
  raw: "echo {{{{ admin_password | quote }}}}; test ! -e {control}/fail"
""",
    "complete-bootstrap": """\
- name: Mark the bootstrap as completed
  raw: "touch {root}{platform}/.bootstrap_completed"
""",
}
BACKUP = """\
- hosts: localhost
  connection: local
  gather_facts: no
  roles: [backup/prepare-env, backup/backup-system]
"""
BACKUP_ROLES = {
    "prepare-env": """\
- include_vars: "{{{{ override_files_dir }}}}/{{{{ item }}}}"
  loop: [localhost_secrets.yml, localhost.yml]
  no_log: true
- name: Check that sysadmin may become root
  raw: "printf %s {{{{ ansible_become_pass | quote }}}} | cmp - {control}/become"
  no_log: true
- name: Count
  raw: "echo {{{{ backup_dir }}}} >> {control}/started"
""",
    "backup-system": """\
- name: Set the flag of a backup
  raw: "touch {root}{platform}/.backup_in_progress"
- name: Wait where it is told to
  raw: "while [ -e {control}/hold ]; do sleep 0.1; done"
- name: Archive the platform
  raw: "echo {{{{ admin_password | quote }}}}; test ! -e {control}/fail &&
    head -c 20971520 /dev/urandom
    > {root}{{{{ backup_dir }}}}/localhost_platform_backup_2026_11_22_01_02_03.tgz"
- name: Archive the registry
  raw: "head -c 3145728 /dev/urandom
    > {root}{{{{ backup_dir }}}}/localhost_image_registry_backup_2026_11_22_01_02_03.tgz"
  when: backup_registry_filesystem
- name: Archive the users' images
  raw: "head -c 1048576 /dev/urandom
    > {root}{{{{ backup_dir }}}}/localhost_user_images_backup_2026_11_22_01_02_03.tgz"
  when: backup_user_images
- name: Clear the flag
  raw: "rm {root}{platform}/.backup_in_progress"
""",
}
RESTORES = {
    "restore_platform": """\
- include_vars: "{{{{ override_files_dir }}}}/{{{{ item }}}}"
  loop: [localhost_secrets.yml, localhost.yml]
  no_log: true
- name: Check that sysadmin may become root
  raw: "printf %s {{{{ ansible_become_pass | quote }}}} | cmp - {control}/become"
  no_log: true
- name: Fail if a restore is in progress
  fail:
    msg: Restore is already in progress!
  when: lookup('file', '{root}{platform}/.restore_in_progress', errors='ignore') is not none
- name: Set the flag of a restore
  raw: "touch {root}{platform}/.restore_in_progress; echo restore_platform >> {control}/started"
- name: Wait where it is told to
  raw: "while [ -e {control}/hold ]; do sleep 0.1; done"
- name: Restore the platform
  raw: "echo {{{{ admin_password | quote }}}}; test ! -e {control}/fail &&
    cp {{{{ initial_backup_dir }}}}/{{{{ backup_filename }}}} {control}/restored"
- name: Say how
  raw: "echo {{{{ restore_mode | default('old') }}}} {{{{ wipe_ceph_osds }}}} {{{{ on_box_data }}}}
    > {control}/how"
- name: Restore the registry
  raw: "cp {{{{ initial_backup_dir }}}}/{{{{ registry_backup_filename }}}} {control}/registry"
  when: restore_registry_filesystem | default(false)
""",
    "restore_dc_vault": """\
- include_vars: "{{{{ override_files_dir }}}}/{{{{ item }}}}"
  loop: [localhost_secrets.yml, localhost.yml]
  no_log: true
- name: Restore the vault
  raw: "cp {{{{ initial_backup_dir }}}}/{{{{ backup_filename }}}} {control}/vault"
""",
}
"""Names, folder and what is archived when are the documented ones; what is in the archives is noise. `raw`
needs no interpreter on the host, which makes a task quick."""


def environment() -> Path:
    """Where `make test` puts Ansible; a changed lock is another environment."""
    return REPOSITORY / ".cache" / f"ansible-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def is_installed() -> bool:
    return SSHD.exists() and (environment() / "complete").exists()


@dataclass(frozen=True)
class Sshd:
    folder: Path
    port: int
    ground: Ground
    user: str
    process: int

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text()

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def host_key(self) -> str:
        return (self.folder / "host.pub").read_text().strip()

    @property
    def private_key(self) -> Path:
        return self.folder / "user"


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Answers when it is given; gone afterwards with all that ran below it, the folder stays."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
    ground, port = Ground(folder / "root", "", SUDO), free_port()
    program = ground.root / "bin/ansible-playbook"
    program.unlink()
    program.symlink_to(environment() / "bin/ansible-playbook")
    _write_playbook(folder / "control", ground)
    _write_command(folder / "command", ground)
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    if os.geteuid() == 0:
        # Where Debian's service would make it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with open(folder / "sshd.log", "wb") as log:
        process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", folder / "sshd_config"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
    found = Sshd(folder, port, ground, getpass.getuser(), process.pid)
    try:
        _await(found, process)
        used("OpenSSH server", _version())
        used("Ansible", _ansible())
        yield found
    finally:
        process.terminate()
        process.wait()
        for leftover in _below(folder):
            with suppress(ProcessLookupError):
                os.kill(leftover, signal.SIGKILL)


def _write_command(command: Path, ground: Ground) -> None:
    exported = " ".join(f"{name}='{value}'" for name, value in ground.environment.items())
    moves = " ".join(f"-e 's#{path}#{moved}#g'" for path, moved in ground.moves.items())
    command.write_text(COMMAND.format(environment=exported, moves=moves))
    command.chmod(0o755)


def _write_playbook(control: Path, ground: Ground) -> None:
    control.mkdir()
    books = ground.path(PLAYBOOKS)
    (books / "bootstrap.yml").write_text(PLAYBOOK)
    for role, tasks in ROLES.items():
        path = books / "roles/bootstrap" / role / "tasks/main.yml"
        path.parent.mkdir(parents=True)
        path.write_text(tasks.format(control=control, root=ground.root, platform=PLATFORM))
    (books / "backup.yml").write_text(BACKUP)
    for book, tasks in RESTORES.items():
        (books / f"{book}.yml").write_text(BACKUP.partition("  roles")[0] + f"  roles: [{book}]\n")
        path = books / "roles" / book / "tasks/main.yml"
        path.parent.mkdir(parents=True)
        path.write_text(tasks.format(control=control, root=ground.root, platform=PLATFORM))
    (control / "become").write_text(SUDO)
    for role, tasks in BACKUP_ROLES.items():
        path = books / "roles/backup" / role / "tasks/main.yml"
        path.parent.mkdir(parents=True)
        path.write_text(tasks.format(control=control, root=ground.root, platform=PLATFORM))


def _await(host: Sshd, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while (
        subprocess.run(
            ["ssh-keyscan", "-p", str(host.port), "127.0.0.1"], capture_output=True, check=False
        ).stdout
        == b""
    ):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"sshd did not start:\n{(host.folder / 'sshd.log').read_text()}")
        time.sleep(0.05)


def _below(folder: Path) -> list[int]:
    """Processes with this folder in their words: what started the playbook, the playbook, its tasks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def _version() -> str:
    # It has no option for that; what it says of a wrong one holds its version.
    said = subprocess.run([SSHD, "-?"], capture_output=True, text=True, check=False).stderr
    return next((line for line in said.splitlines() if line.startswith("OpenSSH")), "unknown")


def _ansible() -> str:
    (found,) = environment().glob("lib/python*/site-packages/ansible_core-*.dist-info")
    return found.name.removesuffix(".dist-info").replace("_", "-")
