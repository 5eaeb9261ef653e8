"""Runs as `ansible-playbook` on a simulated host: what it prints and how it ends comes from the simulator.

Arguments: the simulator's socket, the host, then what ansible-playbook was called with. Ends with 4 when the
simulator goes away, as Ansible does when it loses its host.
"""

import json
import os
import socket
import sys


def main() -> int:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(sys.argv[1])
        said = {"host": sys.argv[2], "arguments": sys.argv[4:], "pid": os.getpid(), "session": os.getsid(0)}
        link.sendall(json.dumps(said).encode() + b"\n")
        for line in link.makefile(encoding="utf-8"):
            kind, _, text = line.partition(" ")
            if kind == "exit":
                return int(text)
            sys.stdout.write(text)
            sys.stdout.flush()
    return 4


if __name__ == "__main__":
    sys.exit(main())
